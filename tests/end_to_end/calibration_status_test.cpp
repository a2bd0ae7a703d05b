// A prediction from an uncalibrated profile is never shown as calibrated: for every profile of the folder,
// every command that shows predictions and every format that it knows.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "profiles/device_profile.h"
#include "store/store.h"
#include "tests/end_to_end/command.h"

namespace weir {
namespace {

using nlohmann::json;
using testing_support::CommandResult;
using testing_support::recorded_file;
using testing_support::TemporaryFolder;

const std::string kProblem = "m=1024,n=1024,k=1024";

std::vector<DeviceProfile> profiles() {
  auto all = load_all_profiles(WEIR_SOURCE_DIR "/profiles/gpus");
  if (!all.ok()) throw std::runtime_error(to_string(all.error()));
  return *all;
}

// The names that must stand where a prediction of this profile is shown: a sentence may be wrapped or
// escaped.
std::vector<std::string> parameters(const std::string& note) {
  std::vector<std::string> names;
  const std::regex name("(l2|dram|mma|launch|block|step)_[a-z_]+");
  for (auto i = std::sregex_iterator(note.begin(), note.end(), name); i != std::sregex_iterator(); ++i)
    names.push_back(i->str());
  return names;
}

// Text for people, of one profile's predictions only. Formats may escape underscores.
void expect_honest_text(std::string text, const DeviceProfile& profile, const std::string& what) {
  text = std::regex_replace(text, std::regex(R"(\\)"), "");
  const Uncalibrated status = uncalibrated(profile);
  EXPECT_EQ(text.find("uncalibrated traffic: ") != std::string::npos, !is_calibrated(status)) << what << "\n"
                                                                                              << text;
  for (const std::string& name : parameters(calibration_note(status)))
    EXPECT_NE(text.find(name), std::string::npos) << what << " does not name " << name << "\n" << text;
}

void expect_honest_json(const json& shown, const DeviceProfile& profile, const std::string& what) {
  ASSERT_TRUE(shown.contains("calibrated") && shown["calibrated"].is_boolean()) << what << shown.dump(2);
  EXPECT_EQ(shown["calibrated"], is_calibrated(uncalibrated(profile))) << what;
  EXPECT_EQ(shown["calibration_note"], calibration_note(uncalibrated(profile))) << what;
}

// A store as if the recorded GEMM sweep of one problem had been predicted with `profile`.
void make_store(const std::filesystem::path& file, const DeviceProfile& profile) {
  Store recorded = Store::open(recorded_file(), Store::Mode::read_only).value();
  RecordFilter filter{.kernel = "gemm", .outcome = Outcome::measured};
  std::vector<Record> rows = recorded.records(filter).value();
  const std::string problem = kProblem + ",dtype=bf16";
  std::erase_if(rows, [&](const Record& r) { return r.problem != problem; });
  ASSERT_GT(rows.size(), 10u);
  for (Record& row : rows) {
    row.profile = profile.name;
    row.prediction->uncalibrated = uncalibrated(profile);
  }
  Store store = Store::open(file, Store::Mode::create_or_open).value();
  ASSERT_TRUE(store.write(rows).ok());
  const auto definitions = recorded.definitions();
  const auto modules = recorded.modules();
  const auto devices = recorded.devices();
  for (const StoredDefinition& d : *definitions) ASSERT_TRUE(store.write(d).ok());
  for (const StoredModule& m : *modules) ASSERT_TRUE(store.write(m).ok());
  for (const StoredDevice& d : *devices) ASSERT_TRUE(store.write(d).ok());
}

class CalibrationStatus : public testing::TestWithParam<DeviceProfile> {
 protected:
  std::string run(const std::vector<std::string>& arguments) {
    const CommandResult result = testing_support::weir(folder_.path(), arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }
  const DeviceProfile& profile() const { return GetParam(); }
  TemporaryFolder folder_;
};

TEST_P(CalibrationStatus, IsShownByPredict) {
  // A definition that any compute capability can run.
  const std::vector<std::string> predict{
      "predict",   WEIR_SOURCE_DIR "/examples/definitions/triton_matmul.yaml",
      "--gpu",     profile().name,
      "--config",  "BLOCK_M=64,BLOCK_N=64,BLOCK_K=32,GROUP_M=8,num_warps=4",
      "--problem", "m=512,n=512,k=512"};
  for (const char* fidelity : {"bounds", "cache"}) {
    std::vector<std::string> arguments = predict;
    arguments.insert(arguments.end(), {"--fidelity", fidelity});
    expect_honest_text(run(arguments), profile(), "predict");
    arguments.push_back("--json");
    const json out = json::parse(run(arguments));
    expect_honest_json(out, profile(), "predict --json");
    ASSERT_EQ(out["candidates"].size(), 1u);
    expect_honest_json(out["candidates"][0], profile(), "a candidate of predict --json");
  }
}

TEST_P(CalibrationStatus, IsShownByCompare) {
  const std::filesystem::path file = folder_ / "rows.yaml";
  std::ofstream(file) << "workload: two orders of blocks\nrows:\n";
  for (const char* group : {"1", "8"}) {
    std::ofstream(file, std::ios::app)
        << "  - series: GROUP_M=" << group << "\n    group: product\n    parts:\n"
        << "      - kernel: " WEIR_SOURCE_DIR "/examples/definitions/triton_matmul.yaml\n"
        << "        problem: \"m=512,n=512,k=512\"\n"
        << "        configs: [\"BLOCK_M=64,BLOCK_N=64,BLOCK_K=32,GROUP_M=" << group << ",num_warps=4\"]\n";
  }
  std::ofstream(file, std::ios::app)
      << "tables:\n  - {name: product, title: a product, columns: [dram, time]}\n";
  const std::vector<std::string> compare{"compare", file.string(), "--gpu", profile().name};
  expect_honest_text(run(compare), profile(), "compare");
  std::vector<std::string> arguments = compare;
  arguments.push_back("--json");
  const json out = json::parse(run(arguments));
  ASSERT_EQ(out["devices"].size(), 1u);
  expect_honest_json(out["devices"][0], profile(), "compare --json");
}

// The formats are those that the command's help lists: a new one is tested without a change here.
TEST_P(CalibrationStatus, IsShownByEveryFormatOfReport) {
  make_store(folder_ / "a.weir", profile());
  const std::string help = run({"report", "--help"});
  std::smatch list;
  ASSERT_TRUE(std::regex_search(help, list, std::regex(R"(--format[^{]*\{([a-z,]+)\})"))) << help;
  std::stringstream formats(list[1].str());
  int count = 0;
  for (std::string format; std::getline(formats, format, ','); ++count) {
    const std::string text = run({"report", "--db", (folder_ / "a.weir").string(), "--format", format});
    if (format == "json") {
      const json document = json::parse(text);
      const bool calibrated = is_calibrated(uncalibrated(profile()));
      for (const json& record : document["records"])
        expect_honest_json(record["prediction"], profile(), "a record of report --json");
      for (const char* part : {"kernels", "picks"}) {
        ASSERT_FALSE(document[part].empty());
        for (const json& item : document[part]) EXPECT_EQ(item["calibrated"], calibrated) << part;
      }
    } else if (format == "csv") {
      std::istringstream lines(text);
      std::string head, row;
      std::getline(lines, head);
      EXPECT_NE(head.find("calibrated,uncalibrated_traffic,uncalibrated_time"), std::string::npos);
      while (std::getline(lines, row)) {
        const std::string status = is_calibrated(uncalibrated(profile())) ? ",true," : ",false,";
        for (const std::string& name : parameters(calibration_note(uncalibrated(profile()))))
          EXPECT_NE(row.find(name), std::string::npos) << row;
        EXPECT_NE(row.rfind(status), std::string::npos) << row;
      }
    } else {
      expect_honest_text(text, profile(), "report --format " + format);
      EXPECT_EQ(text.find("(uncalibrated)") != std::string::npos, !is_calibrated(uncalibrated(profile())))
          << format;
    }
  }
  EXPECT_GE(count, 5);
}

TEST_P(CalibrationStatus, IsShownByPick) {
  make_store(folder_ / "a.weir", profile());
  run({"ship", "--db", (folder_ / "a.weir").string(), "--out", (folder_ / "ship.weir").string()});
  const std::vector<std::string> pick{"pick",      "gemm",  "--db", (folder_ / "ship.weir").string(),
                                      "--problem", kProblem};
  expect_honest_text(run(pick), profile(), "pick");
  std::vector<std::string> with_json = pick;
  with_json.push_back("--json");
  const json out = json::parse(run(with_json));
  ASSERT_TRUE(out.contains("predicted_dram_bytes"));
  expect_honest_json(out, profile(), "pick --json");
}

TEST_P(CalibrationStatus, IsShownByDb) {
  make_store(folder_ / "a.weir", profile());
  const std::string db = (folder_ / "a.weir").string();
  const bool calibrated = is_calibrated(uncalibrated(profile()));
  std::istringstream lines(run({"db", "show", "--db", db}));
  for (std::string line; std::getline(lines, line);)
    EXPECT_EQ(line.find(", uncalibrated)") != std::string::npos, !calibrated) << line;
  for (const json& row : json::parse(run({"db", "show", "--db", db, "--json"})))
    expect_honest_json(row["predicted"], profile(), "db show --json");
  std::istringstream rows(run({"db", "export", "--db", db}));
  std::string head, row;
  std::getline(rows, head);
  EXPECT_NE(head.find(",calibrated,uncalibrated_traffic,uncalibrated_time,"), std::string::npos) << head;
  while (std::getline(rows, row)) {
    for (const std::string& name : parameters(calibration_note(uncalibrated(profile()))))
      EXPECT_NE(row.find(name), std::string::npos) << row;
  }
}

std::string test_name(const testing::TestParamInfo<DeviceProfile>& info) {
  return std::regex_replace(info.param.name, std::regex("-"), "_");
}

INSTANTIATE_TEST_SUITE_P(Profiles, CalibrationStatus, testing::ValuesIn(profiles()), test_name);

// A sweep is predicted with the profile of the GPU, or with another one that the user names.
TEST(CalibrationStatusOfTune, IsShownWithTheBest) {
  const TemporaryFolder folder;
  for (const char* gpu : {"h100-sxm5-80gb", "a100-sxm4-80gb"}) {
    const DeviceProfile profile = find_profile(WEIR_SOURCE_DIR "/profiles/gpus", gpu).value();
    std::vector<std::string> tune{
        "tune",     "gemm", "--problem", kProblem,
        "--gpu",    gpu,    "--replay",  recorded_file().string(),
        "--budget", "4",    "--db",      (folder / (std::string(gpu) + ".weir")).string()};
    const CommandResult text = testing_support::weir(folder.path(), tune);
    ASSERT_EQ(text.exit_code, 0) << text.err;
    expect_honest_text(text.out, profile, "tune");
    tune.push_back("--json");
    const CommandResult result = testing_support::weir(folder.path(), tune);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    expect_honest_json(json::parse(result.out)["problems"][0]["best"]["predicted"], profile, "tune --json");
  }
}

// Every command is either tested above or shows no prediction of its own. A new one must be put in its place.
TEST(CalibrationStatusOfCommands, EveryCommandIsKnownToShowPredictionsOrNot) {
  const std::set<std::string> shows{"compare", "predict", "report", "pick", "db", "tune"};
  const std::set<std::string> shows_none{"calibrate", "doctor", "kernels", "mask", "probe", "ship", "verify"};
  const TemporaryFolder folder;
  const std::string help = testing_support::weir(folder.path(), {"--help"}).out;
  std::istringstream lines(help.substr(help.find("Subcommands:")));
  std::set<std::string> commands;
  std::string line;
  std::getline(lines, line);
  const std::regex entry("^  ([a-z]+) .*");
  for (std::smatch match; std::getline(lines, line);) {
    if (std::regex_match(line, match, entry)) commands.insert(match[1]);
  }
  std::set<std::string> known = shows;
  known.insert(shows_none.begin(), shows_none.end());
  EXPECT_EQ(commands, known) << help;
}

}  // namespace
}  // namespace weir
