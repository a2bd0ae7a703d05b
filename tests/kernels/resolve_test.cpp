#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"
#include "tests/kernels/program_walk.h"

namespace weir {
namespace {

using test::gemm_yaml;
using test::h100;
using test::replaced;
using ::testing::HasSubstr;

Error error_of(const std::string& yaml, const std::string& problem, const std::string& config,
               const DeviceLimits& device = h100()) {
  const KernelDefinition definition = test::parse_or_stop(yaml);
  const auto candidate = definition.resolve(test::problem_or_stop(definition, problem),
                                            test::config_or_stop(definition, config), device);
  return candidate ? Error{} : candidate.error();
}

void expect_rejected(const std::string& yaml, const std::string& reason) {
  const Error error = error_of(yaml, "m=256,n=256,k=256", "");
  EXPECT_EQ(error.kind, ErrorKind::rejected);
  EXPECT_THAT(error.message, HasSubstr(reason));
}

TEST(Resolve, GivesTheExamplesNumbers) {
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(gemm_yaml()), "m=1000,n=512,k=256", "stages=4", h100());
  EXPECT_EQ(candidate.kernel, "gemm");
  EXPECT_EQ(to_string(candidate.problem), "m=1000,n=512,k=256,dtype=bf16");
  EXPECT_EQ(to_string(candidate.config), "tile_m=128,tile_n=128,tile_k=32,stages=4,group_m=8");
  ASSERT_EQ(candidate.tensors.size(), 3u);
  EXPECT_EQ(candidate.tensors[0], (TensorLayout{.name = "a",
                                                .role = Role::in,
                                                .element = Element::bf16,
                                                .shape = {1000, 256},
                                                .strides_elements = {256, 1}}));
  EXPECT_EQ(candidate.tensors[2].role, Role::out);
  ASSERT_EQ(candidate.launches.size(), 1u);
  const Launch& launch = candidate.launches[0];
  EXPECT_EQ(launch.name, "main");
  EXPECT_EQ(launch.entry, "gemm");
  EXPECT_EQ(launch.grid, (std::array<std::int64_t, 3>{32, 1, 1}));
  EXPECT_EQ(launch.threads, (std::array<std::int64_t, 3>{256, 1, 1}));
  EXPECT_EQ(launch.cluster, (std::array<std::int64_t, 3>{1, 1, 1}));
  EXPECT_EQ(launch.shared_bytes, 4 * (128 + 128) * 32 * 2);
  EXPECT_EQ(launch.registers_per_thread, 128);
  EXPECT_EQ(launch.blocks_per_sm_limit, 2);
  EXPECT_EQ(launch.work_items, 32) << "by default the number of blocks";
  EXPECT_EQ(launch.schedule, Schedule::static_items);
  const std::vector<Argument> arguments{{.tensor = 0},
                                        {.tensor = 1},
                                        {.tensor = 2},
                                        {.kind = Argument::Kind::i32, .value = 1000},
                                        {.kind = Argument::Kind::i64, .value = 512 * 256}};
  EXPECT_EQ(launch.arguments, arguments);
  EXPECT_EQ(candidate.useful_flops, 2.0 * 1000 * 512 * 256);
  // 132 * 233472 bytes hold 15409152 elements of 2 bytes; their square root is 3925.
  EXPECT_EQ(candidate.lower_bound_bytes, 2 * (2 * 1000 * 512 * 256 / 3925));
  EXPECT_EQ(candidate.lower_bound_source, "Hong and Kung, 1981");
  EXPECT_EQ(candidate.verify.source, "folder/reference.cu");
  EXPECT_EQ(candidate.verify.exact_entry, "gemm_reference_exact");
  EXPECT_EQ(candidate.verify.grid, (std::array<std::int64_t, 3>{32, 63, 1}));
  EXPECT_EQ(candidate.verify.threads, (std::array<std::int64_t, 3>{16, 16, 1}));
  EXPECT_EQ(candidate.verify.arguments.size(), 6u);
}

TEST(Resolve, LeavesOnlyRunTimeNamesInTheProgram) {
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(gemm_yaml()), "m=1000,n=512,k=256", "", h100());
  const BlockProgram& program = candidate.launches[0].program;
  ASSERT_EQ(program.actions.size(), 7u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(program.actions[static_cast<std::size_t>(i)].kind, Action::Kind::let);
  const Action& loop = program.actions[5];
  EXPECT_EQ(loop.kind, Action::Kind::loop);
  EXPECT_EQ(loop.from.constant(), 0);
  EXPECT_EQ(loop.to.constant(), 8);
  EXPECT_EQ(loop.step.constant(), 1);
  EXPECT_EQ(loop.prefetch.constant(), 2);
  ASSERT_EQ(loop.body.size(), 3u);
  EXPECT_EQ(loop.body[0].access, AccessKind::load);
  EXPECT_EQ(loop.body[0].extent[0].constant(), 128);
  EXPECT_EQ(loop.body[0].multicast.constant(), 1);
  EXPECT_EQ(loop.body[0].hint, CacheHint::normal);
  EXPECT_EQ(loop.body[1].hint, CacheHint::evict_last);
  EXPECT_EQ(loop.body[1].start[1].slots(), std::vector<int>{loop.slot});
  EXPECT_EQ(loop.body[2].tensor_flops.constant(), 2 * 128 * 128 * 32);
  EXPECT_EQ(program.actions[6].access, AccessKind::store);
  EXPECT_EQ(program.actions[0].value.slots(), std::vector<int>{program.item_slot});
  EXPECT_EQ(loop.line, test::line_of(gemm_yaml(), "- for: step"));
}

TEST(Resolve, WalksToTheSameBytesAsTheFormula) {
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(gemm_yaml()), "m=1000,n=500,k=256", "", h100());
  EXPECT_EQ(test::bytes_moved(candidate, candidate.launches[0], "a", AccessKind::load), 4 * 1000 * 256 * 2);
  EXPECT_EQ(test::bytes_moved(candidate, candidate.launches[0], "b", AccessKind::load), 8 * 500 * 256 * 2);
  EXPECT_EQ(test::bytes_moved(candidate, candidate.launches[0], "c", AccessKind::store), 1000 * 500 * 2);
}

TEST(Resolve, RejectsWithReasonExpressionAndNumbers) {
  const Error error = error_of(gemm_yaml(), "m=256,n=256,k=256", "tile_m=256,tile_n=256,tile_k=64,stages=4");
  EXPECT_EQ(error.kind, ErrorKind::rejected);
  EXPECT_EQ(error.message,
            "the stages do not fit in shared memory (required: shared <= device.shared_bytes_per_block; "
            "device.shared_bytes_per_block = 232448, shared = 262144)");
}

TEST(Resolve, TakesTheFirstRestrictionThatFails) {
  const std::string yaml =
      replaced(gemm_yaml(), "restrictions:\n",
               "restrictions:\n  - {require: dtype == f16 && tile_m > 64, reason: first}\n"
               "  - {require: m < 0, reason: second}\n");
  expect_rejected(yaml, "first (required: dtype == f16 && tile_m > 64; f16 = 1, dtype = bf16, tile_m = 128)");
}

TEST(Resolve, RejectsWhatNoDeviceLaunches) {
  const auto with = [](const std::string& from, const std::string& to) {
    return replaced(gemm_yaml(), from, to);
  };
  expect_rejected(with("threads: 256", "threads: 1025"),
                  "the launch 'main' has 1025 threads in x; a block has 1 to 1024 there");
  expect_rejected(with("threads: 256", "threads: [64, 32]"), "2048 threads in a block; at most 1024 run");
  expect_rejected(with("threads: 256", "threads: [1, 1, 65]"), "65 threads in z");
  expect_rejected(with("threads: 256", "threads: 0"), "0 threads in x");
  expect_rejected(with("shared_bytes: shared", "shared_bytes: 232449"),
                  "needs 232449 bytes of shared memory; a block of this device has at most 232448");
  expect_rejected(with("grid: [tiles_m * tiles_n]", "grid: [m - 256]"), "0 blocks in x");
  expect_rejected(with("grid: [tiles_m * tiles_n]", "grid: [2147483648]"), "2147483648 blocks in x");
  expect_rejected(with("grid: [tiles_m * tiles_n]", "grid: [1, 65536]"),
                  "65536 blocks in y; a grid has 1 to 65535 there");
  expect_rejected(with("threads: 256", "threads: 256\n    cluster: 3"),
                  "a cluster of 3 in a dimension of 4 blocks");
  expect_rejected(with("threads: 256", "threads: 256\n    work_items: m - 300"), "-44 work items");
  expect_rejected(with("threads: 256", "threads: 256\n    schedule: dynamic\n    items_ahead: m - 300"),
                  "negative 'items_ahead'");
  expect_rejected(with("{i32: m}, {i64", "{i32: m * 16777216}, {i64"),
                  "the argument m * 16777216 = 4294967296 does not fit 32 bits");
  expect_rejected(with("shape: [m, n]", "shape: [m, n - 256]"),
                  "the tensor 'c' has a dimension of 0 elements");
}

TEST(Resolve, RejectsClustersBeforeHopper) {
  const std::string yaml = replaced(gemm_yaml(), "threads: 256", "threads: 256\n    cluster: 2");
  EXPECT_EQ(error_of(yaml, "m=256,n=256,k=256", "").message, "");
  EXPECT_THAT(error_of(yaml, "m=256,n=256,k=256", "", test::a100()).message,
              HasSubstr("has a cluster, which needs compute capability 90; the device has 80"));
}

TEST(Resolve, TellsWhereADefinitionBreaks) {
  const std::string yaml =
      replaced(gemm_yaml(), "  tiles_n: ceil_div(n, tile_n)", "  tiles_n: n / (tile_n - 128)");
  const Error error = error_of(yaml, "m=256,n=256,k=256", "");
  EXPECT_EQ(error.kind, ErrorKind::usage);
  EXPECT_THAT(error.message,
              HasSubstr("folder/kernel.yaml:" + std::to_string(test::line_of(yaml, "tiles_n: n /")) +
                        ": division by zero in 'n / (tile_n - 128)' (problem m=256,n=256,k=256,dtype=bf16; "
                        "config tile_m=128,"));
}

TEST(Resolve, LetsRestrictionsGuardBrokenLets) {
  std::string yaml = replaced(gemm_yaml(), "  tiles_n: ceil_div(n, tile_n)",
                              "  tiles_n: n / (tile_n - 128)\n  more: tiles_n + 1");
  yaml = replaced(yaml, "restrictions:\n",
                  "restrictions:\n  - {require: more > 0, reason: needs what is broken}\n"
                  "  - {require: tile_n != 128, reason: no such tile}\n");
  expect_rejected(yaml, "no such tile");
}

TEST(Resolve, FoldsBranchesAndConstantLets) {
  std::string yaml =
      replaced(gemm_yaml(), "      - {store: c,", R"(      - let: {twice: 2 * tile_m, half: twice / 4}
      - if: m > 100000
        then:
          - {store: c, at: [0, 0], extent: [half, 1]}
        else:
          - if: item == 0
            then:
              - {reduce: c, at: [0, 0], extent: [half, 1]}
      - for: never
        in: [4, 4]
        do:
          - {load: a, at: [never, 0], extent: [1, 1]}
      - for: down
        in: [tile_m - 126, 0, -1]
        do:
          - {load: a, at: [down, 0], extent: [1, 1]}
      - {store: c,)");
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(yaml), "m=256,n=256,k=256", "", h100());
  const auto& actions = candidate.launches[0].program.actions;
  ASSERT_EQ(actions.size(), 9u) << "five lets, the loop, the inner branch, the loop down, the store";
  EXPECT_EQ(actions[6].kind, Action::Kind::branch);
  EXPECT_EQ(actions[6].body[0].access, AccessKind::reduce);
  EXPECT_EQ(actions[6].body[0].extent[0].constant(), 64);
  EXPECT_TRUE(actions[6].otherwise.empty());
  EXPECT_EQ(actions[7].step.constant(), -1);
  std::vector<std::int64_t> rows;
  test::ProgramWalk(candidate, candidate.launches[0]).walk([&](std::int64_t item, const test::Box& box) {
    if (item == 0 && box.tensor == 0 && box.elements == 1) rows.push_back(box.start[0]);
  });
  EXPECT_EQ(rows, (std::vector<std::int64_t>{2, 1}));
}

TEST(Resolve, GivesEachNameOfAProgramItsOwnSlot) {
  const std::string yaml = replaced(gemm_yaml(), "      - {store: c,", R"(      - for: other
        in: [0, 2]
        do:
          - let: {inner: other + item}
          - {load: a, at: [inner, 0], extent: [1, 1]}
      - let: {after: item + 1}
      - {store: c,)");
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(yaml), "m=256,n=256,k=256", "", h100());
  const auto& program = candidate.launches[0].program;
  std::vector<int> slots{program.item_slot, program.block_slot, program.block_x_slot, program.block_y_slot,
                         program.block_z_slot};
  const std::function<void(const std::vector<Action>&)> collect = [&](const std::vector<Action>& actions) {
    for (const Action& action : actions) {
      if (action.kind == Action::Kind::let || action.kind == Action::Kind::loop) slots.push_back(action.slot);
      collect(action.body);
    }
  };
  collect(program.actions);
  std::sort(slots.begin(), slots.end());
  EXPECT_EQ(std::adjacent_find(slots.begin(), slots.end()), slots.end());
  EXPECT_LT(slots.back(), static_cast<int>(program.frame.size()));
}

TEST(Resolve, ReadsTables) {
  const std::string yaml = R"(
format: 1
kernel: sparse
problem:
  rows: {type: int, min: 1}
tables:
  first: {summary: first kept block of each row, length: rows + 1}
  kept: {summary: kept blocks}
tensors:
  x: {role: in, element: u8, shape: [rows, 64]}
  y: {role: out, element: u8, shape: [rows, kept.length]}
launches:
  - name: main
    grid: rows
    threads: 32
    program:
      - for: i
        in: ['first[item]', 'first[item + 1]']
        do:
          - {load: x, at: [item, 'kept[i]'], extent: [1, 8]}
)";
  const KernelDefinition definition = test::parse_or_stop(yaml);
  EXPECT_EQ(definition.tables(), (std::vector<std::string>{"first", "kept"}));
  const auto problem = definition.problem("rows=2", {{"first", {0, 1, 3}}, {"kept", {16, 0, 60}}});
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const auto candidate = definition.resolve(*problem, {}, h100());
  ASSERT_TRUE(candidate.ok()) << to_string(candidate.error());
  EXPECT_EQ(candidate->tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(test::bytes_moved(*candidate, candidate->launches[0], "x", AccessKind::load), 8 + 8 + 4);
}

TEST(Resolve, TellsProblemsAndConfigsOfOtherKernels) {
  const KernelDefinition definition = test::parse_or_stop(gemm_yaml());
  const Problem problem = test::problem_or_stop(definition, "m=8,n=8,k=8");
  const Config config = test::config_or_stop(definition, "");
  EXPECT_EQ(definition.resolve({}, config, h100()).error().kind, ErrorKind::usage);
  EXPECT_THAT(definition.resolve({}, config, h100()).error().message, HasSubstr("has no 'm'"));
  EXPECT_THAT(definition.resolve(problem, {}, h100()).error().message, HasSubstr("has no legal 'tile_m'"));
  Config other = config;
  other.variant = "wgmma";
  EXPECT_THAT(definition.resolve(problem, other, h100()).error().message,
              HasSubstr("unknown variant 'wgmma'"));
  Config illegal = config;
  illegal.values[0].value = 100;
  EXPECT_EQ(definition.resolve(problem, illegal, h100()).error().kind, ErrorKind::usage);
}

TEST(Resolve, RefusesTensorsBeyond64Bits) {
  const Error error = error_of(gemm_yaml(), "m=9000000000000,n=9000000000000,k=8", "");
  EXPECT_EQ(error.kind, ErrorKind::usage);
  EXPECT_THAT(error.message, HasSubstr("the tensor 'c' has more than 2^63 bytes"));
}

}  // namespace
}  // namespace weir
