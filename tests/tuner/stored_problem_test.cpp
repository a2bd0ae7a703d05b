// Rows of a problem with tables and formulas, predicted again and replayed.
#include "tuner/stored_problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>

#include "profiles/device_profile.h"
#include "tests/store/sample_segments.h"
#include "tuner/calibration_file.h"
#include "tuner/replay.h"
#include "tuner/repredict.h"

namespace weir {
namespace {

using testing::HasSubstr;

class StoredProblemTest : public testing::Test {
 protected:
  StoredProblemTest() : profiles_(must(load_all_profiles(WEIR_SOURCE_DIR "/profiles/gpus"))) {}

  // The folder of definitions, with the kernel as it is today.
  std::filesystem::path kernels(const std::string& yaml) {
    const std::filesystem::path folder = folder_ / "kernels";
    std::filesystem::create_directories(folder / "segments");
    std::ofstream(folder / "segments" / "kernel.yaml") << yaml;
    std::ofstream(folder / "segments" / "kernel.cu") << "";
    return folder;
  }
  static std::string with_another_parameter() {
    const std::string yaml = kSegmentsYaml, before = "  slope:";
    std::string changed = yaml;
    return changed.replace(yaml.find(before), 0, "  window: {type: int, default: -1}\n");
  }
  std::string stored_text() { return to_string(must(segments_definition().problem(kPacked, kStarts))); }

  TemporaryFolder folder_;
  std::vector<DeviceProfile> profiles_;
};

TEST_F(StoredProblemTest, TextsLoseTheirTablesWhereverTheyStand) {
  EXPECT_EQ(without_tables("n=1,mask=max(key, 0) <= row,tables=0123"), "n=1,mask=max(key, 0) <= row");
  EXPECT_EQ(without_tables("tables=0123"), "");
  EXPECT_EQ(tables_hash_of("n=1,tables=0123"), "0123");
  EXPECT_EQ(tables_hash_of("n=1"), "");
}

TEST_F(StoredProblemTest, RowsArePredictedAgainWithTheirTablesAndFormulas) {
  Store store = segments_work(folder_ / "work.weir");
  std::vector<Record> rows = must(store.records());
  for (Record& row : rows) {
    row.profile = "h100-sxm5-80gb";
    row.prediction->traffic.l2_read_bytes = 1;
    must(store.write(row));
  }
  const RepredictReport report =
      must(repredict(store, {kernels(kSegmentsYaml), folder_ / "calibrations"}, profiles_));
  EXPECT_EQ(report.predicted, 2);
  for (const Record& row : must(store.records())) {
    // Causal, with tiles of 64: of 16 x 16 tiles those on and below the diagonal, the last one 40 elements
    // wide.
    const std::int64_t tile = row.config.find("tile=64") != std::string::npos ? 64 : 128;
    double loads = 0;
    for (std::int64_t first = 0; first < 1000; first += tile) {
      for (std::int64_t key = 0; key <= first + tile - 1 && key < 1000; key += tile)
        loads += 4.0 * static_cast<double>(std::min<std::int64_t>(tile, 1000 - key));
    }
    EXPECT_NEAR(row.prediction->traffic.l2_read_bytes, loads, 0.02 * loads) << row.config;
  }
}

TEST_F(StoredProblemTest, TimesThatArePredictedAgainAreCalibratedAsThoseOfPredictAndTune) {
  Store store = segments_work(folder_ / "work.weir");
  for (Record row : must(store.records())) {
    row.profile = "h100-sxm5-80gb";
    must(store.write(row));
  }
  const auto seconds = [&] {
    must(repredict(store, {kernels(kSegmentsYaml), folder_ / "calibrations"}, profiles_));
    std::vector<double> seconds;
    for (const Record& row : must(store.records())) seconds.push_back(row.prediction->time_seconds);
    return seconds;
  };
  const std::vector<double> raw = seconds();
  const DeviceProfile& profile = *std::ranges::find(profiles_, "h100-sxm5-80gb", &DeviceProfile::name);
  const Calibration twice{.profile = profile.name,
                          .model_digest = model_digest(profile),
                          .families = {{.kernel = "segments", .offset = std::log(2.0)}}};
  must(save_calibration(twice, folder_ / "calibrations" / (profile.name + ".yaml")));
  const std::vector<double> calibrated = seconds();
  ASSERT_EQ(calibrated.size(), raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) EXPECT_NEAR(calibrated[i], 2 * raw[i], 1e-9 * raw[i]);
}

TEST_F(StoredProblemTest, PredictingAgainStopsWithWhatIsDoneWrittenAndNothingElseChanged) {
  Store store = segments_work(folder_ / "work.weir");
  std::vector<Record> rows = must(store.records());
  ASSERT_EQ(rows.size(), 2u);
  for (Record& row : rows) {
    row.profile = "h100-sxm5-80gb";
    row.prediction->traffic.l2_read_bytes = 1;
    must(store.write(row));
  }
  const auto changed = [&] {
    int count = 0;
    for (const Record& row : must(store.records())) {
      count += row.prediction->traffic.l2_read_bytes != 1;
      const auto before = std::ranges::find(rows, row.config, &Record::config);
      EXPECT_EQ(row.measurement, before->measurement) << "measurements stay";
    }
    return count;
  };
  const auto at_once =
      repredict(store, {kernels(kSegmentsYaml), folder_ / "calibrations"}, profiles_, [] { return true; });
  ASSERT_FALSE(at_once.ok());
  EXPECT_EQ(at_once.error().kind, ErrorKind::interrupted);
  EXPECT_EQ(changed(), 0);
  std::atomic<int> asked = 0;
  const auto after_one = repredict(store, {kernels(kSegmentsYaml), folder_ / "calibrations"}, profiles_,
                                   [&] { return ++asked > 1; });
  ASSERT_FALSE(after_one.ok());
  EXPECT_THAT(after_one.error().message, HasSubstr("1 of 2 rows"));
  EXPECT_EQ(changed(), 1);
  EXPECT_EQ(must(repredict(store, {kernels(kSegmentsYaml), folder_ / "calibrations"}, profiles_,
                           [] { return false; }))
                .predicted,
            2);
}

TEST_F(StoredProblemTest, ARecordingAnswersForItsProblemAfterTheDefinitionGainedAParameter) {
  segments_work(folder_ / "work.weir");
  const std::filesystem::path folder = kernels(with_another_parameter());
  const ReplayDevice device = must(open_replay(folder_ / "work.weir", profiles_, {.kernels_folder = folder}));
  const std::string today = "n=1000,packed=true,window=-1,slope=0.25,mask=max(key, 0) <= row,tables=";
  ASSERT_EQ(device.configs.size(), 1u);
  const auto& [key, configs] = *device.configs.begin();
  EXPECT_THAT(key.second, HasSubstr(today));
  EXPECT_EQ(configs.size(), 2u);
  const KernelDefinition definition = must(find_kernel(folder, "segments"));
  const Problem problem = must(definition.problem(kPacked, kStarts));
  const Candidate candidate =
      must(definition.resolve(problem, must(definition.config("tile=128")), sample_device().limits));
  const Executable executable = must(device.backend->build(candidate));
  EXPECT_TRUE(device.backend->verify(executable).ok());
}

TEST_F(StoredProblemTest, ARecordingHoldsTheTablesOfAHash) {
  segments_work(folder_ / "work.weir");
  EXPECT_EQ(must(recorded_tables(folder_ / "work.weir", "segments", tables_hash_of(stored_text()))), kStarts);
  EXPECT_EQ(recorded_tables(folder_ / "work.weir", "segments", "0123").error().kind, ErrorKind::missing);
}

}  // namespace
}  // namespace weir
