#include "reports/statistics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace weir::report {
namespace {

using Values = std::vector<double>;

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  // Positions p * (n - 1) in {10, 20, 30, 40}: 0.5 -> 1.5, 0.9 -> 2.7.
  EXPECT_DOUBLE_EQ(*quantile({40, 10, 30, 20}, 0.5), 25);
  EXPECT_DOUBLE_EQ(*quantile({40, 10, 30, 20}, 0.9), 37);
  EXPECT_DOUBLE_EQ(*quantile({40, 10, 30, 20}, 0), 10);
  EXPECT_DOUBLE_EQ(*quantile({40, 10, 30, 20}, 1), 40);
  EXPECT_DOUBLE_EQ(*median({3, 1, 2}), 2);
}

TEST(Quantile, OfNothingIsNothingAndOfOneValueIsThatValue) {
  EXPECT_EQ(quantile({}, 0.5), std::nullopt);
  EXPECT_EQ(quantile({7}, 0.9), 7);
}

TEST(Quantile, AcceptsInfiniteValues) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(median({1, 2, infinity}), 2);
  EXPECT_EQ(quantile({1, infinity, infinity}, 0.75), infinity);
}

TEST(Quantile, RefusesAShareOutsideZeroToOne) {
  EXPECT_THROW(quantile({1}, 1.5), std::invalid_argument);
  EXPECT_THROW(quantile({1}, std::nan("")), std::invalid_argument);
}

TEST(Ranks, ShareTheMeanAmongEqualValues) {
  EXPECT_EQ(ranks({5, 1, 5, 9}), (Values{2.5, 1, 2.5, 4}));
}

TEST(Spearman, IsOneForAnyIncreasingRelation) {
  EXPECT_EQ(spearman({1, 2, 3, 4}, {1, 10, 11, 5000}), 1);
  EXPECT_EQ(spearman({1, 2, 3, 4}, {9, 7, 2, 1}), -1);
}

TEST(Spearman, MatchesHandWorkedValues) {
  // Without ties, 1 - 6 sum(d^2) / (n (n^2 - 1)): d = {1, -1, 0, 0}, so 1 - 12 / 60.
  EXPECT_DOUBLE_EQ(*spearman({1, 2, 3, 4}, {2, 1, 3, 4}), 0.8);
  // With ties: ranks {1.5, 1.5, 3} and {1, 2, 3}; covariance 1.5, variances 1.5 and 2.
  EXPECT_DOUBLE_EQ(*spearman({4, 4, 5}, {1, 2, 3}), 1.5 / std::sqrt(3.0));
}

TEST(Spearman, IsUndefinedForTooFewOrConstantValues) {
  EXPECT_EQ(spearman({1, 2}, {1, 2}), std::nullopt);
  EXPECT_EQ(spearman({3, 3, 3}, {1, 2, 3}), std::nullopt);
}

TEST(GeometricMeanExcess, MultipliesRatios) {
  EXPECT_NEAR(*geometric_mean_excess({0, 0.21}), 0.1, 1e-12);  // sqrt(1 * 1.21) = 1.1
  EXPECT_EQ(geometric_mean_excess({}), std::nullopt);
}

TEST(VarianceExplained, SeparatesGroupsFromWhatIsInsideThem) {
  EXPECT_DOUBLE_EQ(*variance_explained({0, 0, 1, 1}, {1, 1, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(*variance_explained({0, 1, 0, 1}, {1, 1, 5, 5}), 0);
  // Means 2 and 4 around 3: between 4, total 4 + 1 + 1 + 1 + 1 = 8.
  EXPECT_DOUBLE_EQ(*variance_explained({0, 0, 1, 1}, {1, 3, 3, 5}), 0.5);
  EXPECT_EQ(variance_explained({0, 1}, {2, 2}), std::nullopt);
}

Values finite_values() {
  const auto integers = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-50, 50)));
  return {integers.begin(), integers.end()};
}

RC_GTEST_PROP(QuantileProperty, LiesBetweenSmallestAndLargestAndGrowsWithTheShare, ()) {
  const Values values = finite_values();
  const double p = *rc::gen::inRange(0, 101) / 100.0, q = *rc::gen::inRange(0, 101) / 100.0;
  const double at_p = *quantile(values, p), at_q = *quantile(values, q);
  RC_ASSERT(at_p >= *std::min_element(values.begin(), values.end()));
  RC_ASSERT(at_p <= *std::max_element(values.begin(), values.end()));
  RC_ASSERT(p > q || at_p <= at_q);
}

RC_GTEST_PROP(RanksProperty, SumToTheSameWithAndWithoutTies, ()) {
  const Values values = finite_values();
  double sum = 0;
  for (const double rank : ranks(values)) sum += rank;
  const double n = static_cast<double>(values.size());
  RC_ASSERT(std::abs(sum - n * (n + 1) / 2) < 1e-9);
}

RC_GTEST_PROP(SpearmanProperty, IsSymmetricBoundedAndBlindToMonotonicChanges, ()) {
  const Values x = finite_values();
  Values y, stretched;
  for (const double value : x) {
    y.push_back(*rc::gen::inRange(-20, 20));
    stretched.push_back(std::exp(value / 10));
  }
  const auto correlation = spearman(x, y);
  RC_ASSERT(correlation == spearman(y, x));
  RC_ASSERT(correlation == spearman(stretched, y));
  if (correlation) RC_ASSERT(std::abs(*correlation) <= 1);
}

}  // namespace
}  // namespace weir::report
