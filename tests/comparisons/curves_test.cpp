#include "comparisons/curves.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir::comparison {
namespace {

TEST(Exponent, IsThatOfAPowerWhateverItsFactorAndTheDistances) {
  for (const double power : {-1.0, 0.0, 0.5, 2.0}) {
    std::vector<Point> points;
    for (const double x : {3.0, 4.0, 50.0, 1000.0}) points.push_back({x, 7 * std::pow(x, power)});
    ASSERT_TRUE(exponent(points).has_value());
    EXPECT_NEAR(*exponent(points), power, 1e-12);
  }
}

// y = x² + 8 x at 2, 8 and 32 has logarithms, base 2, of 4.32, 7 and 10.32 at 1, 3 and 5: by symmetry the
// slope is that between the ends.
TEST(Exponent, OfASumLiesBetweenItsTerms) {
  const double expected = std::log2(1280.0 / 20) / 4;
  EXPECT_NEAR(*exponent({{2, 20}, {8, 128}, {32, 1280}}), expected, 1e-12);
}

TEST(Exponent, NeedsTwoPlaces) {
  EXPECT_FALSE(exponent({}).has_value());
  EXPECT_FALSE(exponent({{2, 3}}).has_value());
  EXPECT_FALSE(exponent({{2, 3}, {2, 4}}).has_value());
}

TEST(Crossings, OfPowersLieWhereTheyAreEqual) {
  // x² = 100 x at 100, although no point is there.
  std::vector<Point> square, line;
  for (const double x : {10.0, 40.0, 160.0, 640.0}) {
    square.push_back({x, x * x});
    line.push_back({x, 100 * x});
  }
  const std::vector<double> found = crossings(square, line);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0], 100, 1e-9);
  EXPECT_EQ(crossings(line, square).size(), 1u);
}

TEST(Crossings, CountEachChangeOfOrderAndNoTouch) {
  const std::vector<Point> flat{{1, 2}, {2, 2}, {4, 2}, {8, 2}, {16, 2}};
  EXPECT_EQ(crossings(flat, {{1, 1}, {2, 4}, {4, 1}, {8, 2}, {16, 1}}).size(), 2u);
  EXPECT_TRUE(crossings(flat, {{1, 1}, {2, 2}, {4, 1}}).empty());
  EXPECT_EQ(crossings(flat, {{1, 1}, {2, 2}, {4, 4}}).size(), 1u) << "through a common point";
}

TEST(Crossings, LookOnlyAtPlacesThatBothHave) {
  EXPECT_TRUE(crossings({{1, 1}, {4, 4}}, {{2, 1}, {8, 4}}).empty());
  EXPECT_EQ(crossings({{1, 1}, {2, 9}, {4, 4}}, {{1, 2}, {4, 2}}).size(), 1u);
}

}  // namespace
}  // namespace weir::comparison
