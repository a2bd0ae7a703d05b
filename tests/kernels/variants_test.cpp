#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr const char* kYaml = R"(
format: 1
kernel: two
problem:
  n: {type: int, min: 1}
tensors:
  x: {role: in, element: f32, shape: [n]}
tunables:
  tile: [32, 64]
  stages: [2, 3]
default: {tile: 64, stages: 2}
let:
  block: 128
  shared: tile * stages
restrictions:
  - {require: tile <= 64, reason: common}
variants:
  - name: simple
    source: simple.cu
    min_compute_capability: 80
  - name: cluster
    source: cluster.cu
    min_compute_capability: 90
    tensors:
      sums: {role: scratch, element: f32, shape: [cluster_blocks]}
    tunables:
      stages: [4]
      cluster_blocks: [1, 2, 4]
    default: {stages: 4, cluster_blocks: 2}
    let:
      shared: 2 * tile * stages
      extra: shared + 1
    restrictions:
      - {require: cluster_blocks * tile <= 128, reason: own}
    launches:
      - name: main
        entry: run_cluster
        grid: 8
        cluster: cluster_blocks
        threads: 128
        shared_bytes: extra
        arguments: [x, sums]
        program: [{load: x, at: [0], extent: [tile], multicast: cluster_blocks}]
      - {name: second, entry: run_second, grid: 1, threads: 32, arguments: [], program: [{store: sums, at: [0], extent: [1]}]}
launches:
  - name: main
    entry: run
    grid: 8
    threads: 128
    shared_bytes: shared
    arguments: [x]
    program: [{load: x, at: [0], extent: [tile]}]
)";

// `block` is reserved, and so no name of a let.
std::string yaml() {
  return test::replaced(kYaml, "  block: 128\n", "");
}

TEST(Variants, AddToAndReplaceTheCommonSections) {
  const KernelDefinition definition = test::parse_or_stop(yaml());
  ASSERT_EQ(definition.variants().size(), 2u);
  EXPECT_EQ(definition.variants()[0].source, "folder/simple.cu");
  EXPECT_EQ(definition.variants()[1].min_compute_capability, 90);
  const auto& tunables = definition.variants()[1].tunables;
  ASSERT_EQ(tunables.size(), 3u);
  EXPECT_EQ(tunables[1].name, "stages") << "a replaced tunable keeps its place";
  EXPECT_EQ(tunables[1].values, std::vector<std::int64_t>{4});
  EXPECT_EQ(tunables[2].name, "cluster_blocks");

  const Candidate simple = test::resolve_or_stop(definition, "n=100", "variant=simple", test::h100());
  ASSERT_EQ(simple.launches.size(), 1u);
  EXPECT_EQ(simple.launches[0].entry, "run");
  EXPECT_EQ(simple.launches[0].shared_bytes, 64 * 2);
  EXPECT_EQ(simple.tensors.size(), 1u);

  const Candidate cluster = test::resolve_or_stop(definition, "n=100", "variant=cluster", test::h100());
  ASSERT_EQ(cluster.launches.size(), 2u);
  EXPECT_EQ(cluster.launches[0].entry, "run_cluster");
  EXPECT_EQ(cluster.launches[0].shared_bytes, 2 * 64 * 4 + 1);
  EXPECT_EQ(cluster.launches[0].cluster[0], 2);
  EXPECT_EQ(cluster.launches[0].program.actions[0].multicast.constant(), 2);
  EXPECT_EQ(cluster.launches[1].name, "second");
  EXPECT_EQ(cluster.tensors.size(), 2u);
  EXPECT_EQ(to_string(cluster.config), "tile=64,stages=4,cluster_blocks=2,variant=cluster");
  EXPECT_EQ(cluster.source, "folder/cluster.cu");
}

TEST(Variants, AreEnumeratedOnlyWhereTheyRun) {
  const KernelDefinition definition = test::parse_or_stop(yaml());
  EXPECT_EQ(definition.enumerate(test::a100()).size(), 4u);
  EXPECT_EQ(definition.enumerate(test::h100()).size(), 4u + 6u);
  EXPECT_EQ(definition.default_config(test::a100())->variant, "simple");
  EXPECT_EQ(definition.default_config(test::h100())->variant, "cluster");
  DeviceLimits turing = test::a100();
  turing.compute_capability = 75;
  EXPECT_EQ(definition.default_config(turing).error().kind, ErrorKind::rejected);
  const auto rejected = definition.resolve(test::problem_or_stop(definition, "n=1"),
                                           test::config_or_stop(definition, "variant=cluster"), test::a100());
  ASSERT_FALSE(rejected.ok());
  EXPECT_EQ(rejected.error().kind, ErrorKind::rejected);
  EXPECT_EQ(rejected.error().message,
            "the variant 'cluster' needs compute capability 90 and the device has 80");
}

TEST(Variants, AreFoundByTheTunablesThatOnlyTheyHave) {
  const KernelDefinition definition = test::parse_or_stop(yaml());
  EXPECT_EQ(definition.config("tile=32")->variant, "simple");
  EXPECT_EQ(definition.config("cluster_blocks=4")->variant, "cluster");
  EXPECT_EQ(definition.config("stages=4")->variant, "cluster");
  EXPECT_THAT(definition.config("variant=clutser").error().message,
              HasSubstr("found the unknown variant 'clutser' of two; expected simple and cluster, did you "
                        "mean 'cluster'?"));
  EXPECT_THAT(definition.config("variant=simple,cluster_blocks=2").error().message,
              HasSubstr("found the unknown tunable 'cluster_blocks'; expected tunables of the variant "
                        "'simple': tile and stages"));
}

TEST(Variants, HaveRestrictionsOfBoth) {
  const KernelDefinition definition = test::parse_or_stop(yaml());
  const auto rejected =
      definition.resolve(test::problem_or_stop(definition, "n=1"),
                         test::config_or_stop(definition, "tile=64,cluster_blocks=4"), test::h100());
  ASSERT_FALSE(rejected.ok());
  EXPECT_EQ(rejected.error().message,
            "own (required: cluster_blocks * tile <= 128; tile = 64, cluster_blocks = 4)");
}

TEST(Variants, ErrorsAreToldWithTheirLines) {
  const auto message = [](const std::string& text) {
    const auto definition = KernelDefinition::parse(text, "k.yaml");
    return definition ? "no error" : definition.error().message;
  };
  EXPECT_THAT(message(test::replaced(yaml(), "name: cluster\n", "name: simple\n")),
              HasSubstr("found a second variant 'simple'"));
  EXPECT_THAT(message(test::replaced(yaml(), "cluster_blocks: 2}", "cluster_blocks: 3}")),
              HasSubstr("found 3 as the default of 'cluster_blocks'; expected one of its values 1, 2 and 4"));
  EXPECT_THAT(message(test::replaced(yaml(), "min_compute_capability: 90", "min_compute_capability: 9.0")),
              HasSubstr("found '9.0' as 'min_compute_capability'; expected an integer"));
  EXPECT_THAT(message(test::replaced(yaml(), "        entry: run_cluster\n", "")),
              HasSubstr("found the launch 'main' without 'entry', but the source 'cluster.cu'"));
  EXPECT_THAT(message(kYaml), HasSubstr("found 'block' as the name of a let, which is reserved"));
}

}  // namespace
}  // namespace weir
