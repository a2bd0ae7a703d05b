#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "reports/report.h"
#include "tests/reports/synthetic.h"

namespace weir::report {
namespace {

using testing::measured_row;
using testing::synthetic_sweep;

nlohmann::json parsed(const std::vector<Record>& records) {
  return nlohmann::json::parse(json(analyse(records), records));
}

TEST(Json, ReadsBackWithWhatTheAnalysisFound) {
  const std::vector<Record> records = synthetic_sweep(300);
  const ReportData data = analyse(records);
  const nlohmann::json document = parsed(records);
  EXPECT_EQ(document["format"], 1);
  EXPECT_EQ(document["rows"], 300);
  EXPECT_EQ(document["records"].size(), 300u);
  EXPECT_EQ(document["picks"].size(), data.picks.size());
  EXPECT_EQ(document["kernels"][0]["relative_error"]["dram_reads"]["median"],
            data.kernels[0].dram_reads.median);
  EXPECT_EQ(document["picks"][0]["timing"]["median_seconds"], data.picks[0].timing.median_seconds);
}

TEST(Json, WritesSiUnitsExactly) {
  const nlohmann::json row = parsed({measured_row("tile=1", 1.0 / 3, 5e7, 1.25e-5, 1.5e-5)})["records"][0];
  EXPECT_EQ(row["prediction"]["traffic"]["dram_read_bytes"], 1.0 / 3);
  EXPECT_EQ(row["measurement"]["counters"]["dram_read_bytes"], 5e7);
  EXPECT_EQ(row["measurement"]["timing"]["median_seconds"], 1.5e-5);
}

TEST(Json, HasTheCountersOfEachLaunchOfAPipeline) {
  Record record = measured_row("tile=1", 1e6, 5e7, 1e-5, 1e-5);
  record.measurement->counters.launches = {
      {.launch = "main", .dram_read_bytes = 4e7},
      {.launch = "sum", .dram_read_bytes = 1e7, .duration_seconds = 2e-6}};
  const nlohmann::json launches = parsed({record})["records"][0]["measurement"]["counters"]["launches"];
  ASSERT_EQ(launches.size(), 2u);
  EXPECT_EQ(launches[1]["launch"], "sum");
  EXPECT_EQ(launches[1]["dram_read_bytes"], 1e7);
  EXPECT_EQ(launches[1]["duration_seconds"], 2e-6);
}

TEST(Json, SaysNullForWhatIsNotKnown) {
  Record record = measured_row("tile=1", NAN, 5e7, 1e-5, 1e-5);
  record.measurement->tier = Tier::activity;
  const nlohmann::json document = parsed({record});
  EXPECT_TRUE(document["records"][0]["measurement"]["counters"].is_null());
  EXPECT_TRUE(document["records"][0]["prediction"]["traffic"]["dram_read_bytes"].is_null());
  EXPECT_TRUE(document["kernels"][0]["relative_error"]["dram_reads"]["median"].is_null());
  EXPECT_TRUE(document["kernels"][0]["regret"]["worst"].is_null());
}

TEST(Json, ReplacesBytesThatAreNotUtf8) {
  Record record = testing::rejected_row("tile=\xff", "bad \xc3");
  EXPECT_EQ(parsed({record})["records"][0]["config"], "tile=\uFFFD");
}

TEST(Json, OfNothingIsEmptyLists) {
  EXPECT_TRUE(parsed({})["records"].is_array());
}

}  // namespace
}  // namespace weir::report
