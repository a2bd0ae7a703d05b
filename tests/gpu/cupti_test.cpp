#include "gpu/cupti.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/measurement.h"

namespace weir {
namespace {

using testing::Contains;
using testing::HasSubstr;

// The host API plans without a GPU, but the library has to be installed.
class Planning : public testing::Test {
 protected:
  void SetUp() override {
    const Result<const Cupti*> opened = Cupti::open();
    if (!opened) GTEST_SKIP() << opened.error().message;
    cupti = opened.value();
  }
  const Cupti* cupti = nullptr;
};

class PlanningOnChip : public Planning, public testing::WithParamInterface<const char*> {};

TEST_P(PlanningOnChip, CoversEveryRequiredMetricWithSetsOfOnePass) {
  const Result<MetricPlan> plan = cupti->plan(GetParam(), default_metrics());
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().chip, GetParam());
  std::vector<std::string> planned;
  for (const MetricSet& set : plan.value().sets) {
    const Result<std::int64_t> passes = cupti->passes(GetParam(), set);
    ASSERT_TRUE(passes) << passes.error().message;
    EXPECT_EQ(passes.value(), 1);
    planned.insert(planned.end(), set.begin(), set.end());
  }
  for (const std::string& metric : required_metrics()) EXPECT_THAT(planned, Contains(metric));
  EXPECT_EQ(planned.size() + plan.value().refused.size(), default_metrics().size());
}

INSTANTIATE_TEST_SUITE_P(Chips, PlanningOnChip, testing::Values("GH100", "GA100", "AD102"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(Planning, CollectsEveryDefaultMetricOfHopperInOnePass) {
  const Result<MetricPlan> plan = cupti->plan("GH100", default_metrics());
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().sets, std::vector<MetricSet>{default_metrics()});
  EXPECT_TRUE(plan.value().refused.empty());
}

TEST_F(Planning, CountsWhatSmsReceiveInThePassOfDramTrafficOnHopper) {
  for (const char* metric : {kReceivedMetric, kReceivedFromSmsMetric, kReceivedMulticastMetric})
    EXPECT_THAT(default_metrics(), Contains(metric));
  std::vector<std::string> with_occupancy = default_metrics();
  with_occupancy.push_back("sm__warps_active.avg.pct_of_peak_sustained_active");
  EXPECT_EQ(cupti->passes("GH100", default_metrics()).value(), 1);
  EXPECT_EQ(cupti->passes("GH100", with_occupancy).value(), 2);
}

TEST_F(Planning, SplitsMetricsThatCannotShareAPass) {
  // Sector hits and misses never share a pass on this chip.
  const std::vector<std::string> wanted{"lts__t_sectors_lookup_hit.sum", "lts__t_sectors_lookup_miss.sum",
                                        "dram__bytes_read.sum"};
  EXPECT_EQ(cupti->passes("GH100", wanted).value(), 2);
  const Result<MetricPlan> plan = cupti->plan("GH100", wanted);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().sets.size(), 2u);
}

TEST_F(Planning, RefusesNamesThatCannotBeCollected) {
  const Result<MetricPlan> plan =
      cupti->plan("GH100", {"dram__bytes_read.sum", "dram__bytes_read", "no__such_metric.sum",
                            "sm__throughput.avg.pct_of_peak_sustained_elapsed"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().sets, std::vector<MetricSet>{{"dram__bytes_read.sum"}});
  EXPECT_EQ(plan.value().refused.size(), 3u);
  EXPECT_THAT(plan.value().refused.at("sm__throughput.avg.pct_of_peak_sustained_elapsed"),
              HasSubstr("more than one pass"));
}

TEST_F(Planning, NamesAnUnknownChip) {
  const Result<MetricPlan> plan = cupti->plan("XX999", default_metrics());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::counters_denied);
  EXPECT_THAT(plan.error().message, HasSubstr("XX999"));
}

TEST_F(Planning, KnowsTheChipsOfSupportedProfiles) {
  const std::vector<std::string> chips = cupti->chips();
  for (const char* chip : {"GA100", "GH100", "AD102"}) EXPECT_THAT(chips, Contains(chip));
}

}  // namespace
}  // namespace weir
