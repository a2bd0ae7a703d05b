#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tests/reports/synthetic.h"

namespace weir::report {
namespace {

using testing::measured_row;
using testing::rejected_row;
using testing::synthetic_sweep;
using Rows = std::vector<std::vector<std::string>>;

// RFC 4180, independent of the writer.
Rows parse(const std::string& text) {
  Rows rows{{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& field = rows.back().back();
    if (quoted) {
      if (text[i] != '"') {
        field += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == ',') {
      rows.back().emplace_back();
    } else if (text.substr(i, 2) == "\r\n") {
      rows.push_back({""});
      ++i;
    } else {
      field += text[i];
    }
  }
  rows.pop_back();
  return rows;
}

std::string value(const Rows& rows, std::size_t row, const std::string& column) {
  const auto at = std::find(rows[0].begin(), rows[0].end(), column) - rows[0].begin();
  return rows.at(row).at(static_cast<std::size_t>(at));
}

TEST(Csv, OfNothingIsTheHeader) {
  const Rows rows = parse(csv({}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].front(), "kernel");
  EXPECT_EQ(rows[0].back(), "counted_launches");
}

TEST(Csv, HasOneRowPerRecordAndOneFieldPerColumn) {
  const Rows rows = parse(csv(synthetic_sweep(300)));
  ASSERT_EQ(rows.size(), 301u);
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
}

TEST(Csv, ReadsBackExactly) {
  const Record record = measured_row("tile_m=128,tile_n=64", 1.0 / 3, 123456789, 1.25e-5, 1.5e-5);
  const Rows rows = parse(csv({record}));
  EXPECT_EQ(value(rows, 1, "config"), "tile_m=128,tile_n=64");
  EXPECT_EQ(std::stod(value(rows, 1, "predicted_dram_read_bytes")), 1.0 / 3);
  EXPECT_EQ(std::stod(value(rows, 1, "dram_read_bytes")), 123456789);
  EXPECT_EQ(std::stod(value(rows, 1, "median_seconds")), 1.5e-5);
  EXPECT_EQ(value(rows, 1, "tier"), "A");
  EXPECT_EQ(value(rows, 1, "verified"), "true");
  EXPECT_EQ(value(rows, 1, "gpu_name"), "NVIDIA H100 80GB HBM3");
}

TEST(Csv, LeavesL2ReadsThatWereNotCountedEmpty) {
  Record record = measured_row("tile=1", 1e6, 1e6, 1e-5, 1e-5);
  EXPECT_EQ(value(parse(csv({record})), 1, "requested_l2_read_bytes"), "");
  record.measurement->counters.raw[kReceivedMetric] = 5e6;
  EXPECT_EQ(std::stod(value(parse(csv({record})), 1, "requested_l2_read_bytes")), 5e6);
}

TEST(Csv, KeepsQuotesCommasAndNewlines) {
  const std::string reason = "\"a\", b\r\nc";
  EXPECT_EQ(value(parse(csv({rejected_row("tile=1", reason)})), 1, "reason"), reason);
}

TEST(Csv, ListsTheLaunchesOfAPipelineAndNotASingleOne) {
  Record record = measured_row("tile=1", 1e6, 1e6, 1e-5, 1e-5);
  record.prediction->launches = {{.launch = "main", .traffic = {.dram_read_bytes = 1e6}}};
  EXPECT_EQ(value(parse(csv({record})), 1, "predicted_launches"), "");
  EXPECT_EQ(value(parse(csv({record})), 1, "counted_launches"), "");
  record.prediction->launches.push_back(
      {.launch = "sum", .traffic = {.dram_read_bytes = 5}, .time_seconds = 2e-6});
  record.measurement->counters.launches = {{.launch = "main", .dram_read_bytes = 9e5},
                                           {.launch = "sum", .l2_write_bytes = 7, .duration_seconds = 3e-6}};
  const auto predicted = nlohmann::json::parse(value(parse(csv({record})), 1, "predicted_launches"));
  EXPECT_EQ(predicted[1]["launch"], "sum");
  EXPECT_EQ(predicted[1]["dram_read_bytes"], 5);
  EXPECT_EQ(predicted[1]["seconds"], 2e-6);
  const auto counted = nlohmann::json::parse(value(parse(csv({record})), 1, "counted_launches"));
  EXPECT_EQ(counted[0]["dram_read_bytes"], 9e5);
  EXPECT_EQ(counted[1]["l2_write_bytes"], 7);
}

TEST(Csv, LeavesCountersBelowTierAEmpty) {
  Record record = measured_row("tile=1", 1e6, 1e6, 1e-5, 1e-5);
  record.measurement->tier = Tier::events;
  const Rows rows = parse(csv({record}));
  EXPECT_EQ(value(rows, 1, "dram_read_bytes"), "");
  EXPECT_EQ(value(rows, 1, "tier"), "C");
  EXPECT_EQ(std::stod(value(rows, 1, "median_seconds")), 1e-5);
}

}  // namespace
}  // namespace weir::report
