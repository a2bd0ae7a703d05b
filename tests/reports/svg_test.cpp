#include "reports/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace weir::report {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Scale, MapsTheEndsAndTheMiddle) {
  const Scale linear = Scale::linear(0, 10, 100, 200);
  EXPECT_DOUBLE_EQ(linear(0), 100);
  EXPECT_DOUBLE_EQ(linear(5), 150);
  const Scale logarithmic = Scale::logarithmic(1, 100, 200, 0);
  EXPECT_DOUBLE_EQ(logarithmic(10), 100);
}

TEST(Scale, DrawsWhatIsOutsideAtTheEdge) {
  const Scale scale = Scale::logarithmic(1, 100, 0, 200);
  EXPECT_DOUBLE_EQ(scale(0), 0);
  EXPECT_DOUBLE_EQ(scale(-5), 0);
  EXPECT_DOUBLE_EQ(scale(1e9), 200);
  EXPECT_DOUBLE_EQ(scale(INFINITY), 200);
  EXPECT_DOUBLE_EQ(scale(NAN), 0);
}

TEST(Scale, HasRoundTicks) {
  EXPECT_THAT(Scale::linear(0, 10, 0, 1).ticks(), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(Scale::logarithmic(1, 1e4, 0, 1).ticks(),
              ElementsAre(DoubleNear(1, 1e-9), DoubleNear(10, 1e-9), DoubleNear(100, 1e-9),
                          DoubleNear(1e3, 1e-9), DoubleNear(1e4, 1e-9)));
  EXPECT_THAT(Scale::logarithmic(1, 12, 0, 1).ticks(), ElementsAre(1, 2, 5, 10));
}

TEST(Scale, AroundValuesCopesWithNoneEqualAndHostileOnes) {
  for (const std::vector<double>& values :
       {std::vector<double>{}, {5, 5}, {0, 0}, {-1, NAN, INFINITY}, {1, 1e12}, {1e-300, 1e300}}) {
    const Scale scale = Scale::around(values, 0, 100);
    EXPECT_LT(scale.low(), scale.high());
    EXPECT_LE(scale.ticks().size(), 12u);
    for (const double value : values) EXPECT_TRUE(scale(value) >= 0 && scale(value) <= 100);
  }
}

TEST(Coordinate, HasAtMostOneDecimal) {
  EXPECT_EQ(coordinate(12.34), "12.3");
  EXPECT_EQ(coordinate(12.04), "12");
  EXPECT_EQ(coordinate(-0.01), "0");
}

TEST(Svg, EscapesItsTexts) {
  Svg svg(10, 10, "\"<&");
  svg.text(0, 0, "<b>", Anchor::middle);
  EXPECT_THAT(svg.str(), ::testing::HasSubstr("aria-label=\"&quot;&lt;&amp;\""));
  EXPECT_THAT(svg.str(), ::testing::HasSubstr(">&lt;b&gt;</text></svg>"));
}

}  // namespace
}  // namespace weir::report
