// The whole pipeline against the recorded sweep: tune, resume after SIGINT and kill -9, report, ship, pick.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "store/store.h"
#include "tests/end_to_end/command.h"

namespace weir {
namespace {

using nlohmann::json;
using testing_support::Command;
using testing_support::CommandResult;
using testing_support::recorded_file;
using testing_support::TemporaryFolder;

const std::string kProblem = "m=1024,n=1024,k=1024";

std::vector<std::string> tune_arguments(const std::filesystem::path& db, const std::string& delay = "0") {
  return {"tune",           "gemm",      "--problem",  kProblem,     "--replay", recorded_file().string(),
          "--replay-delay", delay,       "--strategy", "exhaustive", "--batch",  "4",
          "--db",           db.string(), "--json"};
}

std::string contents_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Configuration and median of every measured row: what a sweep is worth.
std::map<std::string, double> measured_rows(const std::filesystem::path& db) {
  auto store = Store::open(db, Store::Mode::read_only);
  EXPECT_TRUE(store.ok()) << to_string(store.error());
  std::map<std::string, double> rows;
  RecordFilter filter;
  filter.outcome = Outcome::measured;
  const auto records = store->records(filter);
  EXPECT_TRUE(records.ok());
  for (const Record& r : *records) rows[r.config] = r.measurement->timing.median_seconds;
  return rows;
}

// The first thing that a newcomer runs. What was recorded before a kernel gained a parameter is found by the
// parameter's default.
TEST(Replay, TheRecordingHasEveryProblemOfTheQuickstart) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(
      folder.path(),
      {"tune", "--replay", testing_support::recorded_file(), "--workload",
       std::string(WEIR_SOURCE_DIR) + "/profiles/workloads/quickstart.yaml", "--db", folder / "tuned.weir"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* kernel : {"stream_copy", "gemm", "attention_forward"})
    EXPECT_NE(result.out.find(kernel), std::string::npos) << result.out;
}

TEST(Replay, ASweepMeasuresWhatWasRecordedAndASecondRunResumes) {
  const TemporaryFolder folder;
  const CommandResult first = testing_support::weir(folder.path(), tune_arguments(folder / "a.weir"));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const json out = json::parse(first.out)["problems"][0];
  EXPECT_GE(out["measured"].get<int>(), 40);
  EXPECT_GT(out["rejected"].get<int>(), 0);
  EXPECT_TRUE(out["best"]["measured"]["verified"].get<bool>());
  EXPECT_GT(out["best"]["measured"]["dram_read_bytes"].get<double>(), 0);
  const CommandResult second = testing_support::weir(folder.path(), tune_arguments(folder / "a.weir"));
  ASSERT_EQ(second.exit_code, 0) << second.err;
  const json again = json::parse(second.out)["problems"][0];
  EXPECT_EQ(again["measured"], out["measured"]);
  EXPECT_EQ(again["resumed"].get<int>(), out["measured"].get<int>() + out["failed"].get<int>());
  EXPECT_EQ(again["best"]["config"], out["best"]["config"]);
}

TEST(Replay, Kill9AtAnyMomentLosesNoRowThatWasWrittenAndTheSweepStillCompletes) {
  const TemporaryFolder folder;
  ASSERT_EQ(testing_support::weir(folder.path(), tune_arguments(folder / "whole.weir")).exit_code, 0);
  const auto whole = measured_rows(folder / "whole.weir");
  ASSERT_GE(whole.size(), 40u);

  std::mt19937 random(7);
  std::map<std::string, double> before;
  int killed = 0;
  for (int round = 0; round < 6; ++round) {
    Command sweep(folder.path(), tune_arguments(folder / "killed.weir", "0.02"));
    std::this_thread::sleep_for(std::chrono::milliseconds(200 + random() % 1200));
    if (sweep.running()) ++killed;
    sweep.signal(SIGKILL);
    sweep.wait();
    if (!std::filesystem::exists(folder / "killed.weir")) continue;
    auto store = Store::open(folder / "killed.weir", Store::Mode::create_or_open);
    ASSERT_TRUE(store.ok()) << to_string(store.error());
    EXPECT_TRUE(store->verify().ok());
    const auto now = measured_rows(folder / "killed.weir");
    for (const auto& [config, seconds] : before) {
      ASSERT_TRUE(now.contains(config)) << "lost " << config << " in round " << round;
    }
    before = now;
  }
  EXPECT_GE(killed, 2) << "the sweeps ended before they could be killed";
  ASSERT_EQ(testing_support::weir(folder.path(), tune_arguments(folder / "killed.weir")).exit_code, 0);
  EXPECT_EQ(measured_rows(folder / "killed.weir"), whole);
}

TEST(Replay, AnInterruptSavesTheStateAndSaysSo) {
  const TemporaryFolder folder;
  Command sweep(folder.path(), tune_arguments(folder / "a.weir", "0.05"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  ASSERT_TRUE(sweep.running());
  sweep.signal(SIGINT);
  const CommandResult result = sweep.wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_NE(result.err.find("resumes"), std::string::npos) << result.err;
  EXPECT_FALSE(json::parse(result.out, nullptr, false).is_discarded()) << "--json prints JSON even then";
}

TEST(Replay, ModelStrategyMeasuresFewerAndReportsItsStop) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(
      folder.path(), {"tune", "gemm", "--problem", kProblem, "--replay", recorded_file().string(), "--db",
                      (folder / "m.weir").string(), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json out = json::parse(result.out)["problems"][0];
  EXPECT_FALSE(out["stopped_because"].get<std::string>().empty());
  EXPECT_FALSE(out["best"].is_null());
}

TEST(Replay, ReportsComeInEveryFormat) {
  const TemporaryFolder folder;
  const std::string db = recorded_file().string();
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"report", "--db", db};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return testing_support::weir(folder.path(), arguments);
  };
  const CommandResult md = run({"--format", "md"});
  EXPECT_EQ(md.exit_code, 0) << md.err;
  for (const char* kernel : {"gemm", "attention_forward", "stream_copy"})
    EXPECT_NE(md.out.find(kernel), std::string::npos);
  const CommandResult parsed = run({"--json"});
  EXPECT_FALSE(json::parse(parsed.out, nullptr, false).is_discarded());
  const CommandResult page = run({"--out", (folder / "r.html").string()});
  EXPECT_EQ(page.exit_code, 0) << page.err;
  EXPECT_GT(std::filesystem::file_size(folder / "r.html"), 50000u);
  EXPECT_EQ(run({"--gate-median", "0.0000001"}).exit_code, 8) << "a gate that nothing can pass must fail";
}

// The accuracy that the recorded sweep has to show (the README prints the figures).
TEST(Replay, PredictedDramReadsStayWithinTheirGates) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(
      folder.path(),
      {"report", "--db", recorded_file().string(), "--gate-median", "0.10", "--gate-p90", "0.30"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

// The first screen of the README is what the report prints of the recorded files, row by row.
TEST(Replay, TheReadmesTableIsWhatReportPrints) {
  const TemporaryFolder folder;
  const std::string readme = contents_of(WEIR_SOURCE_DIR "/README.md");
  std::int64_t rows = 0, candidates = 0;
  for (const char* name : {"h100-sxm5-80gb", "h100-sxm5-80gb-kernels", "h200-sxm-141gb"}) {
    const std::string file = std::string(WEIR_SOURCE_DIR "/profiles/recorded/") + name + ".weir";
    const CommandResult result =
        testing_support::weir(folder.path(), {"report", "--db", file, "--format", "md"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    std::istringstream lines(result.out);
    // The first table ends with an empty line.
    for (std::string line; std::getline(lines, line) && !line.empty();) {
      if (line.substr(0, 3) != "| `") continue;
      const std::size_t figures = line.find(" | ");
      EXPECT_NE(readme.find(line.substr(figures)), std::string::npos) << name << ": " << line;
      candidates += std::stoll(line.substr(figures + 3));
      ++rows;
    }
  }
  EXPECT_EQ(rows, 18);
  EXPECT_NE(readme.find(" of " + std::to_string(candidates) + " tilings"), std::string::npos) << candidates;
}

TEST(Replay, AShippedFileAnswersPicks) {
  const TemporaryFolder folder;
  const std::string shipped = (folder / "ship.weir").string();
  const CommandResult ship =
      testing_support::weir(folder.path(), {"ship", "--db", recorded_file().string(), "--out", shipped});
  ASSERT_EQ(ship.exit_code, 0) << ship.err;
  const CommandResult exact = testing_support::weir(
      folder.path(), {"pick", "gemm", "--db", shipped, "--problem", kProblem, "--json"});
  ASSERT_EQ(exact.exit_code, 0) << exact.err;
  const json pick = json::parse(exact.out);
  EXPECT_EQ(pick["match"], "exact");
  for (const char* key : {"kernel", "problem", "gpu", "reason", "config"})
    EXPECT_TRUE(pick.contains(key)) << key;
  const CommandResult other = testing_support::weir(
      folder.path(), {"pick", "gemm", "--db", shipped, "--problem", "m=777,n=777,k=776", "--json"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(json::parse(other.out)["match"], "near_problem") << other.out;
  const CommandResult far = testing_support::weir(
      folder.path(), {"pick", "gemm", "--db", shipped, "--problem", "m=7,n=7,k=8", "--json"});
  ASSERT_EQ(far.exit_code, 0) << far.err;
  EXPECT_EQ(json::parse(far.out)["match"], "default") << far.out;
  const CommandResult miss = testing_support::weir(
      folder.path(), {"pick", "no_such_kernel", "--db", shipped, "--problem", "x=1", "--json"});
  EXPECT_EQ(miss.exit_code, 7) << miss.out << miss.err;
}

}  // namespace
}  // namespace weir
