#include "tuner/workload_rows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace weir {
namespace {

std::filesystem::path written(const std::string& text) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "_workload_rows_test.yaml");
  std::ofstream(file) << text;
  return file;
}

Result<std::vector<WorkloadRow>> parse(const std::string& text) {
  return load_workload_rows(written(text));
}

const std::string kTwoPasses =
    "workload: two passes\n"
    "rows:\n"
    "  - series: flash\n"
    "    group: both\n"
    "    each: [{n: 64, b: 4}, {n: 128, b: 2}]\n"
    "    x: \"{n}\"\n"
    "    per: \"{b}\"\n"
    "    parts:\n"
    "      - &forward {kernel: forward, problem: \"batch={b},seq={n}\", configs: [\"tile={n}\"]}\n"
    "      - {kernel: backward, problem: \"batch={b},seq={n}\", mask: \"random(density=0.{b})\", as: {a: "
    "k}}\n"
    "  - {series: flash, group: forward, each: [{n: 64, b: 4}], parts: [*forward]}\n"
    "  - {series: huge, measure: false, parts: [{kernel: forward, problem: \"seq=1024\"}]}\n"
    "tables: []\n";

TEST(WorkloadRows, EachGivesARowWithItsValuesInEveryText) {
  const auto rows = parse(kTwoPasses);
  ASSERT_TRUE(rows.ok()) << to_string(rows.error());
  ASSERT_EQ(rows->size(), 4u);
  const WorkloadRow& second = (*rows)[1];
  EXPECT_EQ(second.series, "flash");
  EXPECT_EQ(second.group, "both");
  EXPECT_EQ(second.x, 128);
  EXPECT_EQ(second.per, 2);
  ASSERT_EQ(second.parts.size(), 2u);
  EXPECT_EQ(second.parts[0].problem.problem, "batch=2,seq=128");
  EXPECT_EQ(second.parts[0].problem.configs, std::vector<std::string>{"tile=128"});
  EXPECT_EQ(second.parts[1].problem.mask, "random(density=0.2)");
  EXPECT_EQ(second.parts[1].tensor_names.at("a"), "k");
  EXPECT_FALSE((*rows)[3].x.has_value());
  EXPECT_EQ((*rows)[3].per, 1);
}

TEST(WorkloadRows, AWorkloadsProblemsAreTheRowsPartsOnceEachWithoutThoseThatAreOnlyPredicted) {
  const auto workload = load_workload(written(kTwoPasses));
  ASSERT_TRUE(workload.ok()) << to_string(workload.error());
  EXPECT_EQ(workload->title, "two passes");
  std::vector<std::string> problems;
  for (const WorkloadProblem& problem : workload->problems)
    problems.push_back(problem.kernel + " " + problem.problem);
  EXPECT_EQ(problems, (std::vector<std::string>{"forward batch=4,seq=64", "backward batch=4,seq=64",
                                                "forward batch=2,seq=128", "backward batch=2,seq=128"}));
}

TEST(WorkloadRows, ErrorsNameLineAndWhatIsMissing) {
  const auto error = [](const std::string& row) {
    const auto rows = parse("rows:\n  - " + row + "\n");
    return rows ? "no error" : rows.error().message;
  };
  const std::string part = "parts: [{kernel: k, problem: \"n={n}\"}]";
  EXPECT_NE(error("{series: a, " + part + "}").find(":2: found {n}, to which 'each' gives no value"),
            std::string::npos);
  EXPECT_NE(error("{series: a}").find("a row needs parts"), std::string::npos);
  EXPECT_NE(error("{each: [{n: 1}], " + part + "}").find("a row needs a series"), std::string::npos);
  EXPECT_NE(error("{series: a, size: 3}").find("unknown key 'size'"), std::string::npos);
  EXPECT_NE(error("{series: a, each: [{n: many}], x: \"{n}\", " + part + "}").find("found 'many'"),
            std::string::npos);
  EXPECT_NE(error("{series: a, each: [{n: 1}], per: 0, " + part + "}").find("a number above 0"),
            std::string::npos);
  EXPECT_FALSE(load_workload(written("rows: []\nproblems: []\n")).ok());
}

}  // namespace
}  // namespace weir
