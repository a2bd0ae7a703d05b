#include "tuner/workload.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <string>

namespace weir {
namespace {

Result<Workload> parse(const std::string& text) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "_workload_test.yaml");
  std::ofstream(file) << text;
  return load_workload(file);
}

TEST(Workload, ReadsProblemsWithTheirOwnStrategyAndBudget) {
  const auto workload = parse(
      "workload: two\n"
      "problems:\n"
      "  - {kernel: gemm, problem: \"m=1,n=2,k=8\", strategy: random, budget: 5}\n"
      "  - {kernel: other, problem: \"x=1\", tables: {kept: [1, 2, 3]}, mask: \"window(left=1)\"}\n");
  ASSERT_TRUE(workload.ok()) << to_string(workload.error());
  ASSERT_EQ(workload->problems.size(), 2u);
  EXPECT_EQ(workload->title, "two");
  EXPECT_EQ(workload->problems[0].problem, "m=1,n=2,k=8");
  EXPECT_EQ(workload->problems[0].strategy, "random");
  EXPECT_EQ(workload->problems[0].budget, 5);
  EXPECT_EQ(workload->problems[1].tables.at("kept"), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(workload->problems[1].mask, "window(left=1)");
}

TEST(Workload, ErrorsNameFileAndLine) {
  const auto unknown_key = parse("workload: x\nproblems:\n  - {kernel: gemm, size: 3}\n");
  ASSERT_FALSE(unknown_key.ok());
  EXPECT_NE(unknown_key.error().message.find("workload_test.yaml:3: unknown key 'size'"), std::string::npos)
      << unknown_key.error().message;
  const auto not_yaml = parse("problems: [\n");
  ASSERT_FALSE(not_yaml.ok());
  EXPECT_EQ(not_yaml.error().kind, ErrorKind::usage);
  EXPECT_NE(not_yaml.error().message.find("workload_test.yaml:"), std::string::npos);
  EXPECT_EQ(parse("workload: nothing\n").error().kind, ErrorKind::usage);
  EXPECT_EQ(load_workload("/nonexistent.yaml").error().kind, ErrorKind::missing);
}

TEST(Workload, ConfigurationsStandInPlaceOfAStrategy) {
  const auto named = parse("problems:\n  - {kernel: gemm, configs: [\"tile_m=64\", \"tile_m=128\"]}\n");
  ASSERT_TRUE(named.ok()) << to_string(named.error());
  EXPECT_EQ(named->problems[0].configs, (std::vector<std::string>{"tile_m=64", "tile_m=128"}));
  const auto empty = parse("problems:\n  - {kernel: gemm, configs: []}\n");
  ASSERT_FALSE(empty.ok());
  EXPECT_NE(empty.error().message.find(":2: expected a list of configurations"), std::string::npos);
  const auto both = parse("problems:\n  - {kernel: gemm, budget: 3, configs: [\"tile_m=64\"]}\n");
  ASSERT_FALSE(both.ok());
  EXPECT_NE(both.error().message.find("strategy and budget"), std::string::npos);
}

TEST(Workload, TablesAreNamesAndListsOfIntegers) {
  const auto error = [](const std::string& tables) {
    const auto workload = parse("problems:\n  - kernel: gemm\n    tables: " + tables + "\n");
    return workload ? "no error" : workload.error().message;
  };
  EXPECT_NE(error("[1, 2]").find(":3: expected a map of table names to lists of integers"),
            std::string::npos);
  EXPECT_NE(error("{kept: 3}").find(":3: found no list for the table 'kept'"), std::string::npos);
  EXPECT_NE(
      error("{kept: [1, 2.5]}").find(":3: found '2.5' as an entry of the table 'kept'; expected an integer"),
      std::string::npos);
  EXPECT_EQ(error("{kept: [], more: [-1]}"), "no error");
}

TEST(Workload, ATablesFileHasTheSameForm) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / ("tables_test_" + std::to_string(getpid()) + ".yaml");
  std::ofstream(file) << "lengths: [3, 5]\nstarts:\n  - 0\n  - 3\n";
  const auto tables = load_tables(file);
  ASSERT_TRUE(tables.ok()) << to_string(tables.error());
  EXPECT_EQ(*tables, (Tables{{"lengths", {3, 5}}, {"starts", {0, 3}}}));
  std::ofstream(file) << "lengths: [3, five]\n";
  const auto broken = load_tables(file);
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find(file.string() + ":1: found 'five'"), std::string::npos);
  EXPECT_EQ(load_tables("/nonexistent.yaml").error().kind, ErrorKind::missing);
}

TEST(Workload, EveryShippedWorkloadLoads) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(WEIR_SOURCE_DIR "/profiles/workloads")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto workload = load_workload(entry.path());
    EXPECT_TRUE(workload.ok()) << to_string(workload.error());
  }
  EXPECT_GE(files, 10);
}

}  // namespace
}  // namespace weir
