#include "gpu/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace weir {
namespace {

TEST(MedianInterval, HasTheRanksOfPublishedTables) {
  // P(Binomial(n, 1/2) < k) <= 2.5%, worked out by hand: 1/64 at n = 6; 10/512 at n = 9; 11/1024 at n =
  // 10; 2.07% at n = 20.
  EXPECT_EQ(median_interval(6), (RankInterval{1, 6}));
  EXPECT_EQ(median_interval(9), (RankInterval{2, 8}));
  EXPECT_EQ(median_interval(10), (RankInterval{2, 9}));
  EXPECT_EQ(median_interval(20), (RankInterval{6, 15}));
  EXPECT_EQ(median_interval(50), (RankInterval{18, 33}));
  EXPECT_EQ(median_interval(100), (RankInterval{40, 61}));
}

TEST(MedianInterval, IsTheWholeRangeBelowSixSamples) {
  for (std::int64_t n = 1; n <= 5; ++n) EXPECT_EQ(median_interval(n), (RankInterval{1, n}));
}

TEST(MedianInterval, DoesNotUnderflowForManySamples) {
  const RankInterval ranks = median_interval(10000);  // normal approximation: 5000 -+ 98
  EXPECT_NEAR(static_cast<double>(ranks.low), 4902, 2);
  EXPECT_EQ(ranks.low + ranks.high, 10001);
}

TEST(Median, AveragesTheMiddleOfAnEvenCount) {
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 3, 2}), 2.5);
}

TEST(Summarize, TakesOrderStatisticsAndWidensByTheTick) {
  std::vector<double> samples(10);
  std::iota(samples.begin(), samples.end(), 1.0);
  std::reverse(samples.begin(), samples.end());
  const Timing timing = summarize(samples, 0.5);
  EXPECT_EQ(timing.median_seconds, 5.5);
  EXPECT_EQ(timing.low_seconds, 2 - 0.25);
  EXPECT_EQ(timing.high_seconds, 9 + 0.25);
  EXPECT_EQ(timing.minimum_seconds, 1);
  EXPECT_EQ(timing.samples, 10);
}

TEST(EnoughSamples, NeedsTheMinimumAndTheWidth) {
  const TimingOptions options{
      .target_relative_width = 0.01, .minimum_samples = 10, .maximum_samples = 50, .maximum_seconds = 1};
  Timing timing{.median_seconds = 1, .low_seconds = 0.991, .high_seconds = 1.009, .samples = 9};
  EXPECT_FALSE(enough_samples(timing, options, 0.1));
  timing.samples = 10;
  EXPECT_TRUE(enough_samples(timing, options, 0.1));
  timing.high_seconds = 1.011;
  EXPECT_FALSE(enough_samples(timing, options, 0.1));
  timing.samples = 50;
  EXPECT_TRUE(enough_samples(timing, options, 0.1));
}

TEST(EnoughSamples, StopsAtTheBudgetButNeverBelowThree) {
  const TimingOptions options{.maximum_seconds = 1};
  Timing timing{.median_seconds = 1, .low_seconds = 0.5, .high_seconds = 1.5, .samples = 2};
  EXPECT_FALSE(enough_samples(timing, options, 5));
  timing.samples = 3;
  EXPECT_TRUE(enough_samples(timing, options, 1));
  EXPECT_FALSE(enough_samples(timing, options, 0.99));
}

TEST(Hopeless, ComparesTheFastestSampleAfterThree) {
  const TimingOptions options{.abandon_factor = 3};
  Timing timing{.minimum_seconds = 3, .samples = 3};
  EXPECT_TRUE(hopeless(timing, 1, options));
  EXPECT_FALSE(hopeless(timing, 1.01, options));
  timing.samples = 2;
  EXPECT_FALSE(hopeless(timing, 1, options));
  EXPECT_FALSE(hopeless({.minimum_seconds = 3, .samples = 3}, 1, {.abandon_factor = 0}));
}

TEST(ClockTooLow, NeedsEnoughSamplesToJudge) {
  const std::vector<double> few(kClockSamples - 1, 1e9);
  const std::vector<double> many(kClockSamples, 1e9);
  EXPECT_FALSE(clock_too_low(0.1e9, few));
  EXPECT_TRUE(clock_too_low(0.79e9, many));
  EXPECT_FALSE(clock_too_low(0.81e9, many));
  EXPECT_FALSE(clock_too_low(0, many)) << "unknown is not low";
}

TEST(RoundOrder, IsAPermutationThatDependsOnSeedAndRound) {
  std::set<std::vector<std::size_t>> orders;
  for (std::uint64_t round = 0; round < 20; ++round) {
    std::vector<std::size_t> order = round_order(8, 1, round);
    EXPECT_EQ(order, round_order(8, 1, round));
    orders.insert(order);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
  }
  EXPECT_GE(orders.size(), 19u);
  EXPECT_NE(round_order(8, 1, 0), round_order(8, 2, 0));
  EXPECT_TRUE(round_order(0, 1, 0).empty());
}

TEST(RoundOrder, PutsEveryCandidateFirstAboutAsOften) {
  std::vector<int> first(4);
  for (std::uint64_t round = 0; round < 4000; ++round) ++first[round_order(4, 7, round).front()];
  for (const int times : first) EXPECT_NEAR(times, 1000, 120);  // over four standard deviations
}

}  // namespace
}  // namespace weir
