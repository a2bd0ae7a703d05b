#include "reports/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reports/report.h"
#include "tests/reports/synthetic.h"

namespace weir::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::measured_row;
using testing::rejected_row;
using testing::synthetic_sweep;

constexpr double kMB = 1e6;

// One problem. Errors of reads: 10%, 0%, 20%, 50%. The model ranks c first, then a, b, d; measured: a 10 µs,
// b 12, c 11, d 20.
std::vector<Record> four_rows() {
  return {measured_row("tile=a", 110 * kMB, 100 * kMB, 9e-6, 10e-6),
          measured_row("tile=b", 50 * kMB, 50 * kMB, 10e-6, 12e-6),
          measured_row("tile=c", 80 * kMB, 100 * kMB, 8e-6, 11e-6),
          measured_row("tile=d", 30 * kMB, 20 * kMB, 15e-6, 20e-6)};
}

TEST(TrafficError, IsRelativeToWhatWasMeasured) {
  EXPECT_DOUBLE_EQ(traffic_error(12e6, 10e6, 0), 0.2);
}

TEST(TrafficError, HasAFloorOfOneMegabyteOrOnePercentOfTheCompulsoryBytes) {
  EXPECT_DOUBLE_EQ(traffic_error(140e3, 40e3, 0), 0.1);      // 100 kB over 1 MB
  EXPECT_DOUBLE_EQ(traffic_error(2e6, 1e6, 1000e6), 0.1);    // 1 MB over 10 MB
  EXPECT_DOUBLE_EQ(traffic_error(22e6, 20e6, 1000e6), 0.1);  // measured is above the floor
  EXPECT_DOUBLE_EQ(traffic_error(0, 0, 0), 0);
}

TEST(TrafficError, OfValuesThatAreNotFiniteIsInfinite) {
  EXPECT_EQ(traffic_error(NAN, 1e6, 0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(traffic_error(1e6, INFINITY, 0), std::numeric_limits<double>::infinity());
}

TEST(Analyse, SummarisesErrorsByHand) {
  const KernelSummary kernel = analyse(four_rows()).kernels.at(0);
  EXPECT_EQ(kernel.kernel, "gemm");
  EXPECT_EQ(kernel.device, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(kernel.dram_reads.count, 4);
  EXPECT_NEAR(kernel.dram_reads.median, 0.15, 1e-12);  // of 0, 10, 20, 50%
  EXPECT_NEAR(kernel.dram_reads.p90, 0.41, 1e-12);     // position 2.7: 20 + 0.7 * 30
  EXPECT_NEAR(kernel.dram_reads.worst, 0.5, 1e-12);
  // Times: 1/10, 2/12, 3/11, 5/20.
  EXPECT_NEAR(kernel.time.median, (2.0 / 12 + 0.25) / 2, 1e-12);
}

TEST(Analyse, ComparesL2ReadsOfTheRowsThatCountedWhatTheSmsAskedFor) {
  std::vector<Record> rows = four_rows();
  for (Record& row : rows) row.measurement->counters.l2_read_bytes = 7 * kMB;  // after merging: not compared
  EXPECT_EQ(analyse(rows).kernels.at(0).l2_reads.count, 0);
  EXPECT_EQ(markdown(analyse(rows)).find("L2 reads"), std::string::npos);
  rows[0].prediction->traffic.l2_read_bytes = 11 * kMB;
  rows[0].measurement->counters.raw[kReceivedMetric] = 10 * kMB;
  const ReportData data = analyse(rows);
  EXPECT_EQ(data.kernels.at(0).l2_reads.count, 1);
  EXPECT_NEAR(data.kernels.at(0).l2_reads.median, 0.1, 1e-12);
  EXPECT_NE(markdown(data).find("| median error L2 reads | 90th percentile |"), std::string::npos);
}

TEST(Analyse, ComparesTheModelsFirstChoiceWithTheBest) {
  const ReportData data = analyse(four_rows());
  ASSERT_EQ(data.picks.size(), 1u);
  const Pick& pick = data.picks[0];
  EXPECT_EQ(pick.config, "tile=a");
  EXPECT_EQ(pick.candidates, 4);
  EXPECT_EQ(pick.tie_set_size, 1);
  EXPECT_EQ(pick.model_config, "tile=c");
  EXPECT_FALSE(pick.model_in_tie_set);
  EXPECT_NEAR(*pick.regret, 0.1, 1e-12);
  EXPECT_NEAR(*data.kernels[0].regret_geometric_mean, 0.1, 1e-12);
  // Ranks by prediction c a b d, by measurement a c b d: sum of squared differences 2, 1 - 12 / 60.
  EXPECT_NEAR(*pick.rank_correlation, 0.8, 1e-12);
}

TEST(Analyse, CombinesRegretOverProblemsGeometrically) {
  std::vector<Record> records = four_rows();
  for (Record row :
       {measured_row("tile=a", kMB, kMB, 1e-6, 1e-6), measured_row("tile=b", kMB, kMB, 2e-6, 2e-6)}) {
    row.problem = "m=2";
    records.push_back(row);
  }
  const KernelSummary kernel = analyse(records).kernels.at(0);
  EXPECT_EQ(kernel.regret_problems, 2);
  EXPECT_NEAR(*kernel.regret_geometric_mean, std::sqrt(1.1) - 1, 1e-12);  // of 10% and 0%
  EXPECT_NEAR(*kernel.regret_worst, 0.1, 1e-12);
}

TEST(Analyse, RegretOfAProblemWithOneCandidateIsUndefined) {
  const ReportData data = analyse({measured_row("tile=a", kMB, kMB, 1e-6, 1e-6)});
  EXPECT_EQ(data.picks.at(0).regret, std::nullopt);
  EXPECT_EQ(data.kernels.at(0).regret_geometric_mean, std::nullopt);
  EXPECT_EQ(data.kernels.at(0).regret_problems, 0);
}

TEST(Analyse, RegretIsAgainstTheFastestEvenWhereTheTieGoesToAnother) {
  // b is 0.5% slower than a, inside the noise, and moves less: it is picked.
  const ReportData data = analyse({measured_row("tile=a", 90 * kMB, 90 * kMB, 2e-6, 10e-6),
                                   measured_row("tile=b", 50 * kMB, 50 * kMB, 1e-6, 10.05e-6)});
  EXPECT_EQ(data.picks.at(0).config, "tile=b");
  EXPECT_EQ(data.picks.at(0).tie_set_size, 2);
  EXPECT_TRUE(data.picks.at(0).model_in_tie_set);
  EXPECT_NEAR(*data.picks.at(0).regret, 0.005, 1e-12);
}

TEST(Analyse, ShowsTheTimeOfTheSafeDefault) {
  std::vector<Record> records = four_rows();
  records[1].is_default = true;
  EXPECT_DOUBLE_EQ(*analyse(records).picks.at(0).default_seconds, 12e-6);
  EXPECT_EQ(analyse(four_rows()).picks.at(0).default_seconds, std::nullopt);
}

TEST(Analyse, CountsValuesInsideThePredictedInterval) {
  std::vector<Record> records = four_rows();
  const auto interval = [&](std::size_t row, double low, double high) {
    records[row].prediction->dram_read_low_bytes = low;
    records[row].prediction->dram_read_high_bytes = high;
  };
  interval(0, 90 * kMB, 100 * kMB);  // measured 100: the ends belong to it
  interval(1, 51 * kMB, 60 * kMB);   // measured 50
  interval(2, 0, 0);                 // none was given
  EXPECT_EQ(analyse(records).kernels.at(0).read_interval, (Coverage{.inside = 1, .count = 2}));
}

TEST(Analyse, TakesTrafficOnlyFromCountersAndTimesOnlyFromVerifiedRows) {
  std::vector<Record> records = four_rows();
  records[1].measurement->tier = Tier::events;
  records[0].measurement->verification.passed = false;
  const ReportData data = analyse(records);
  EXPECT_EQ(data.kernels.at(0).measured, 4);
  EXPECT_EQ(data.kernels.at(0).dram_reads.count, 3);
  EXPECT_EQ(data.kernels.at(0).time.count, 3);
  EXPECT_EQ(data.picks.at(0).config, "tile=c");
}

TEST(Analyse, KeepsDriversCompilersPoliciesAndSourcesApart) {
  for (const auto change : {+[](Record& row) { row.measurement->provenance.driver_version = "x"; },
                            +[](Record& row) { row.measurement->provenance.compiler_version = "x"; },
                            +[](Record& row) { row.measurement->provenance.policy = "x"; },
                            +[](Record& row) { row.measurement->provenance.gpu_name = "x"; },
                            +[](Record& row) { row.source_hash = "x"; }}) {
    std::vector<Record> records = four_rows();
    change(records[0]);
    const ReportData data = analyse(records);
    ASSERT_EQ(data.picks.size(), 2u);
    EXPECT_EQ(data.picks[0].candidates + data.picks[1].candidates, 4);
  }
}

TEST(Analyse, NamesTheDeviceOfRejectedRowsByTheirProfile) {
  std::vector<Record> records = four_rows();
  records.push_back(rejected_row("tile=e", "too large"));
  EXPECT_EQ(analyse(records).kernels.size(), 1u);
  EXPECT_EQ(analyse(records).kernels.at(0).rejected, 1);
  EXPECT_EQ(analyse({records.back()}).kernels.at(0).device, "h100");

  Record elsewhere = records[0];
  elsewhere.measurement->provenance.gpu_name = "NVIDIA H100 PCIe";
  records.push_back(elsewhere);  // the profile stands for two GPUs: the row belongs to neither
  EXPECT_EQ(analyse(records).kernels.size(), 3u);
}

TEST(Analyse, GroupsReasonsMostFrequentFirst) {
  const ReportData data = analyse(
      {rejected_row("tile=1", "rare"), rejected_row("tile=2", "common"), rejected_row("tile=3", "common")});
  ASSERT_EQ(data.reasons.size(), 2u);
  EXPECT_EQ(data.reasons[0].reason, "common");
  EXPECT_EQ(data.reasons[0].count, 2);
  EXPECT_EQ(data.reasons[0].example_config, "tile=2");
  EXPECT_EQ(data.reasons[1].reason, "rare");
  EXPECT_THAT(data.picks, IsEmpty());
}

TEST(Analyse, GroupsProvenanceWithItsDates) {
  std::vector<Record> records = four_rows();
  records[0].measurement->provenance.date = "2026-11-18T10:00:00Z";
  records[3].measurement->provenance.gpu_uuid = "GPU-2";
  const ReportData data = analyse(records);
  ASSERT_EQ(data.provenance.size(), 1u);
  EXPECT_EQ(data.provenance[0].rows, 4);
  EXPECT_EQ(data.provenance[0].gpus, 2);
  EXPECT_EQ(data.provenance[0].first_date, "2026-11-18T10:00:00Z");
  EXPECT_EQ(data.provenance[0].last_date, "2026-11-20T00:00:00Z");
}

TEST(Analyse, OfNothingIsEmpty) {
  EXPECT_EQ(analyse({}), ReportData{});
}

TEST(Analyse, AccountsForEveryRow) {
  const std::vector<Record> records = synthetic_sweep(700);
  std::int64_t by_kernel = 0, by_origin = 0;
  const ReportData data = analyse(records);
  for (const KernelSummary& k : data.kernels) by_kernel += k.measured + k.rejected + k.failed + k.predicted;
  for (const ProvenanceGroup& group : data.provenance) by_origin += group.rows;
  EXPECT_EQ(by_kernel, 700);
  EXPECT_EQ(by_origin, 700);
  for (const Pick& pick : data.picks) EXPECT_GE(pick.regret.value_or(0), 0);
}

TEST(NaturalLess, ComparesRunsOfDigitsAsNumbers) {
  EXPECT_TRUE(natural_less("m=512,n=1", "m=4096,n=1"));
  EXPECT_FALSE(natural_less("m=4096", "m=512"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("m", "m=1"));
  EXPECT_FALSE(natural_less("m=1", "m=1"));
  EXPECT_TRUE(natural_less("m=01", "m=1") != natural_less("m=1", "m=01"));
}

TEST(Analyse, OneUncalibratedPredictionMarksItsKernelAndIsCountedByProfileAndNote) {
  std::vector<Record> rows{measured_row("tile=1", 1e8, 1e8, 1e-5, 1e-5),
                           measured_row("tile=2", 1e8, 1e8, 2e-5, 2e-5),
                           measured_row("tile=3", 1e8, 1e8, 3e-5, 3e-5)};
  EXPECT_TRUE(analyse(rows).uncalibrated.empty());
  EXPECT_TRUE(analyse(rows).kernels[0].calibrated && analyse(rows).picks[0].calibrated);
  rows[1].prediction->uncalibrated = {"l2_dirty_fraction not measured", ""};
  rows[2].prediction->uncalibrated = {"", "l2_latency not measured"};
  const ReportData data = analyse(rows);
  EXPECT_EQ(data.uncalibrated, (std::vector<UncalibratedGroup>{
                                   {"h100", "uncalibrated time: l2_latency not measured", 1},
                                   {"h100", "uncalibrated traffic: l2_dirty_fraction not measured", 1}}));
  EXPECT_FALSE(data.kernels[0].calibrated);
  EXPECT_TRUE(data.picks[0].calibrated) << "the best row's own prediction is calibrated";
  rows[0].prediction->uncalibrated = {"l2_dirty_fraction not measured", ""};
  EXPECT_FALSE(analyse(rows).picks[0].calibrated);
}

}  // namespace
}  // namespace weir::report
