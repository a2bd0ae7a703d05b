// The definitions in examples/definitions move the bytes that a person computes for them, and the shipped
// kernels load.
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"
#include "tests/kernels/program_walk.h"

namespace weir {
namespace {

using test::bytes_moved;

std::int64_t tiles(std::int64_t size, std::int64_t tile) {
  return (size + tile - 1) / tile;
}

KernelDefinition example(const std::string& name) {
  auto definition = KernelDefinition::load(std::filesystem::path(WEIR_SOURCE_DIR) / "examples" /
                                           "definitions" / (name + ".yaml"));
  if (!definition) throw std::runtime_error(to_string(definition.error()));
  return *definition;
}

class TritonMatmul : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

// Every tile of C reads a row band of A and a column band of B, whatever the order and the edges.
TEST_P(TritonMatmul, MovesTheBytesOfTheFormula) {
  const auto& [problem, config] = GetParam();
  const Candidate candidate = test::resolve_or_stop(example("triton_matmul"), problem, config, test::h100());
  const Launch& launch = candidate.launches.at(0);
  const auto of_problem = [&](const char* name) { return value_of(candidate.problem.values, name); };
  const std::int64_t m = of_problem("m");
  const std::int64_t n = of_problem("n");
  const std::int64_t k = of_problem("k");
  const std::int64_t tiles_m = tiles(m, value_of(candidate.config.values, "BLOCK_M"));
  const std::int64_t tiles_n = tiles(n, value_of(candidate.config.values, "BLOCK_N"));
  EXPECT_EQ(launch.work_items, tiles_m * tiles_n);
  EXPECT_EQ(bytes_moved(candidate, launch, "a", AccessKind::load), tiles_n * m * k * 2);
  EXPECT_EQ(bytes_moved(candidate, launch, "b", AccessKind::load), tiles_m * k * n * 2);
  EXPECT_EQ(bytes_moved(candidate, launch, "c", AccessKind::store), m * n * 2);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, TritonMatmul,
    ::testing::Combine(
        ::testing::Values("m=1024,n=1024,k=512", "m=1000,n=777,k=200", "m=1,n=1,k=1", "m=3000,n=64,k=65"),
        ::testing::Values("", "GROUP_M=1", "BLOCK_M=64,BLOCK_N=256,BLOCK_K=64,GROUP_M=16,num_warps=8")));

TEST(TritonMatmulOrder, IsTheTutorials) {
  const Candidate candidate =
      test::resolve_or_stop(example("triton_matmul"), "m=1152,n=512,k=32", "GROUP_M=4", test::h100());
  std::vector<std::pair<std::int64_t, std::int64_t>> walked;
  test::ProgramWalk(candidate, candidate.launches[0]).walk([&](std::int64_t, const test::Box& box) {
    if (box.access == AccessKind::store) walked.emplace_back(box.start[0] / 128, box.start[1] / 128);
  });
  std::vector<std::pair<std::int64_t, std::int64_t>> expected;  // 9 x 4 tiles: groups of 4, 4 and 1 rows
  for (const auto& [first, height] : {std::pair<std::int64_t, std::int64_t>{0, 4}, {4, 4}, {8, 1}}) {
    for (std::int64_t column = 0; column < 4; ++column) {
      for (std::int64_t row = first; row < first + height; ++row) expected.emplace_back(row, column);
    }
  }
  EXPECT_EQ(walked, expected);
}

class TritonAttention : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(TritonAttention, MovesTheBytesOfTheFormula) {
  const auto& [problem, config] = GetParam();
  const Candidate candidate =
      test::resolve_or_stop(example("triton_attention"), problem, config, test::h100());
  const Launch& launch = candidate.launches.at(0);
  const auto of_problem = [&](const char* name) { return value_of(candidate.problem.values, name); };
  const std::int64_t seq = of_problem("seq");
  const std::int64_t rows = of_problem("batch") * of_problem("heads_q");
  const std::int64_t row_bytes = of_problem("head_dim") * 2;
  const std::int64_t block_m = value_of(candidate.config.values, "BLOCK_M");
  const std::int64_t block_n = value_of(candidate.config.values, "BLOCK_N");
  // Keys that a head's query tiles load: whole steps up to the diagonal or the end, clipped at the end of the
  // sequence.
  std::int64_t keys = 0;
  for (std::int64_t tile = 0; tile < tiles(seq, block_m); ++tile) {
    const std::int64_t seen = of_problem("causal") != 0 ? std::min(seq, (tile + 1) * block_m) : seq;
    keys += std::min(seq, tiles(seen, block_n) * block_n);
  }
  EXPECT_EQ(bytes_moved(candidate, launch, "q", AccessKind::load), rows * seq * row_bytes);
  EXPECT_EQ(bytes_moved(candidate, launch, "k", AccessKind::load), rows * keys * row_bytes);
  EXPECT_EQ(bytes_moved(candidate, launch, "v", AccessKind::load), rows * keys * row_bytes);
  EXPECT_EQ(bytes_moved(candidate, launch, "out", AccessKind::store), rows * seq * row_bytes);
  EXPECT_EQ(bytes_moved(candidate, launch, "logsumexp", AccessKind::store), rows * seq * 4);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, TritonAttention,
    ::testing::Combine(::testing::Values("heads_q=4,seq=1024", "heads_q=4,heads_kv=2,seq=1000,batch=2",
                                         "heads_q=2,seq=513,causal=false", "heads_q=1,seq=1"),
                       ::testing::Values("", "BLOCK_M=64,BLOCK_N=64", "BLOCK_M=128,BLOCK_N=32")));

TEST(TritonAttentionClosedForm, IsHalfTheSquareWhenCausal) {
  const Candidate candidate = test::resolve_or_stop(example("triton_attention"), "heads_q=1,seq=4096",
                                                    "BLOCK_M=128,BLOCK_N=64", test::h100());
  // 32 query tiles; tile t loads 128 * (t + 1) keys of 256 bytes.
  EXPECT_EQ(bytes_moved(candidate, candidate.launches[0], "k", AccessKind::load), 128 * (32 * 33 / 2) * 256);
}

TEST(ExampleDefinitions, ResolveTheirDefaultsEverywhere) {
  for (const DeviceLimits& device : {test::h100(), test::a100()}) {
    for (const auto& [name, problem] : {std::pair{"triton_matmul", "m=4096,n=4096,k=4096"},
                                        std::pair{"triton_attention", "heads_q=32,heads_kv=8,seq=4096"},
                                        std::pair{"flash_attention_paper", "heads=16,seq=1024"}}) {
      const KernelDefinition definition = example(name);
      const auto candidate = definition.resolve(test::problem_or_stop(definition, problem),
                                                *definition.default_config(device), device);
      ASSERT_TRUE(candidate.ok()) << to_string(candidate.error());
      EXPECT_TRUE(candidate->source.empty()) << "predict only";
    }
  }
}

TEST(ShippedKernels, Load) {
  const std::filesystem::path folder = std::filesystem::path(WEIR_SOURCE_DIR) / "kernels";
  for (const std::string& name : list_kernels(folder)) {
    const auto definition = find_kernel(folder, name);
    ASSERT_TRUE(definition.ok()) << to_string(definition.error());
    EXPECT_EQ(definition->name(), name);
    EXPECT_TRUE(definition->source_hash(folder).ok());
  }
}

using Mask = bool (*)(std::int64_t q, std::int64_t k);

class MaskedAttention : public ::testing::TestWithParam<std::pair<const char*, Mask>> {};

// Keys and values of a tile are loaded if the mask lets any of its pairs through.
TEST_P(MaskedAttention, LoadsTheKeyTilesThatAreSeen) {
  const auto& [text, mask] = GetParam();
  constexpr std::int64_t kSeq = 700, kTileQ = 64, kTileKv = 32;
  const Candidate candidate =
      test::resolve_or_stop(example("masked_attention"), std::string("heads=2,seq=700,mask=") + text,
                            "tile_q=64,tile_kv=32,stages=2", test::h100());
  std::int64_t keys = 0;
  for (std::int64_t row = 0; row < kSeq; row += kTileQ) {
    for (std::int64_t key = 0; key < kSeq; key += kTileKv) {
      bool seen = false;
      for (std::int64_t q = row; q < std::min(row + kTileQ, kSeq) && !seen; ++q) {
        for (std::int64_t k = key; k < std::min(key + kTileKv, kSeq) && !seen; ++k) seen = mask(q, k);
      }
      if (seen) keys += std::min(kTileKv, kSeq - key);
    }
  }
  const Launch& launch = candidate.launches.at(0);
  EXPECT_EQ(bytes_moved(candidate, launch, "k", AccessKind::load), 2 * keys * 128 * 2) << text;
  EXPECT_EQ(bytes_moved(candidate, launch, "v", AccessKind::load), 2 * keys * 128 * 2) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Masks, MaskedAttention,
    ::testing::Values(
        std::pair<const char*, Mask>{"true", [](std::int64_t, std::int64_t) { return true; }},
        std::pair<const char*, Mask>{"k_index <= q_index && q_index - k_index < 100",
                                     [](std::int64_t q, std::int64_t k) { return k <= q && q - k < 100; }},
        std::pair<const char*, Mask>{"k_index < 100 || k_index <= q_index",
                                     [](std::int64_t q, std::int64_t k) { return k < 100 || k <= q; }},
        std::pair<const char*, Mask>{"q_index / 150 == k_index / 150",
                                     [](std::int64_t q, std::int64_t k) { return q / 150 == k / 150; }}));

}  // namespace
}  // namespace weir
