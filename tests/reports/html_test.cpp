#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tests/reports/markup_checker.h"
#include "tests/reports/synthetic.h"

namespace weir::report {
namespace {

using testing::measured_row;
using testing::rejected_row;
using testing::synthetic_sweep;

std::string page(const std::vector<Record>& records) {
  return html(analyse(records), records);
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

TEST(Html, IsWellFormedForASweep) {
  EXPECT_EQ(testing::markup_fault(page(synthetic_sweep(400))), "");
}

TEST(Html, IsWellFormedForNoRowsAndSaysSo) {
  EXPECT_EQ(testing::markup_fault(page({})), "");
  EXPECT_NE(page({}).find("The store has no rows."), std::string::npos);
}

TEST(Html, ShowsOnlyRejectedRowsWithTheirReason) {
  const std::string result =
      page({rejected_row("tile=1", "does not fit"), rejected_row("tile=2", "does not fit")});
  EXPECT_EQ(testing::markup_fault(result), "");
  EXPECT_NE(result.find("<td>does not fit</td><td class=\"n\" data-value=\"2\">2</td>"), std::string::npos);
  EXPECT_NE(result.find("No candidate was timed"), std::string::npos);
}

TEST(Html, ShowsOneRow) {
  const std::string result = page({measured_row("tile=128", 2.2e7, 2e7, 1e-5, 1.25e-5)});
  EXPECT_EQ(testing::markup_fault(result), "");
  EXPECT_NE(result.find("10.0%"), std::string::npos);  // |22 - 20| / 20
  EXPECT_NE(result.find("12.50"), std::string::npos);  // µs
  EXPECT_NE(result.find("Only one configuration was timed."), std::string::npos);
}

TEST(Html, RefersToNothingOutsideItself) {
  const std::string result = page(synthetic_sweep(200));
  for (const char* part : {"http:", "https:", "//", " src=", "url(", "@import", "<link", "<img", "<iframe",
                           "<object", "fetch(", "XMLHttpRequest", "import("}) {
    EXPECT_EQ(result.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(occurrences(result, "href=\""), occurrences(result, "href=\"#"));
}

TEST(Html, EscapesHostileStringsEverywhere) {
  const std::string hostile =
      "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x01\xff]]>--";
  std::vector<Record> records;
  for (int i = 0; i < 4; ++i) {
    Record row = measured_row("tile=" + std::to_string(i) + "," + hostile + "=" + std::to_string(i % 2),
                              2e7 + i, 2e7, 1e-5 + i * 1e-7, 1e-5);
    row.kernel = row.problem = row.source_hash = row.profile = hostile;
    Measurement& measurement = *row.measurement;
    measurement.tier_reason = measurement.timing.l2_state = hostile;
    Provenance& provenance = measurement.provenance;
    provenance.gpu_name = provenance.gpu_uuid = provenance.driver_version = provenance.compiler_version =
        hostile;
    provenance.cupti_version = provenance.weir_version = provenance.date = provenance.policy = hostile;
    records.push_back(row);
  }
  Record rejected = rejected_row(hostile, hostile);
  rejected.kernel = hostile + "2";
  records.push_back(rejected);
  const std::string result = page(records);
  EXPECT_EQ(testing::markup_fault(result), "");
  EXPECT_EQ(occurrences(result, "<script"), 2u);
  EXPECT_EQ(occurrences(result, "</script"), 2u);
  EXPECT_EQ(result.find("<img"), std::string::npos);
  EXPECT_EQ(result.find('\x01'), std::string::npos);
  EXPECT_EQ(result.find('\xff'), std::string::npos);
}

TEST(Html, SurvivesValuesThatAreNotFinite) {
  std::vector<Record> records = synthetic_sweep(60);
  for (std::size_t i = 0; i < records.size(); i += 3) {
    if (!records[i].prediction || !records[i].measurement) continue;
    records[i].prediction->traffic = {INFINITY, NAN, -1, 0};
    records[i].prediction->time_seconds = NAN;
    records[i].measurement->counters.dram_read_bytes = NAN;
    records[i].measurement->timing.high_seconds = INFINITY;
  }
  EXPECT_EQ(testing::markup_fault(page(records)), "");
}

TEST(Html, TellsTheSameProblemUnderTwoDriversApart) {
  std::vector<Record> records{measured_row("tile=1", 2e7, 2e7, 1e-5, 1e-5),
                              measured_row("tile=1", 2e7, 2e7, 1e-5, 2e-5)};
  EXPECT_EQ(page({records[0]}).find("Conditions"), std::string::npos);
  records[1].measurement->provenance.driver_version = "600.1";
  EXPECT_NE(page(records).find("Conditions"), std::string::npos);
}

TEST(Html, OfTwoThousandRowsIsSmallAndQuick) {
  const std::vector<Record> records = synthetic_sweep(2000);
  ASSERT_EQ(records.size(), 2000u);
  const auto start = std::chrono::steady_clock::now();
  const std::string result = page(records);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LT(result.size(), 5'000'000u);
  EXPECT_LT(elapsed.count(), 2.0);
  // For people: the sample to look at after changing the design.
  std::ofstream(WEIR_BINARY_DIR "/tests/report_sample.html") << result;
}

}  // namespace
}  // namespace weir::report
