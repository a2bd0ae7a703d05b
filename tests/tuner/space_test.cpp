#include "tuner/space.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

RejectedConfig rejected(const std::string& variant, const std::string& reason) {
  RejectedConfig each;
  each.config.variant = variant;
  each.reason = reason;
  return each;
}

TEST(SampleRejections, KeepsTheFirstOfEachReasonAndSaysHowManyMoreThereAre) {
  const std::vector<RejectedConfig> all = {rejected("a", "too large"), rejected("b", "odd"),
                                           rejected("c", "too large"), rejected("d", "too large"),
                                           rejected("e", "too large"), rejected("f", "odd")};
  const std::vector<RejectedConfig> sample = sample_rejections(all, 2);
  ASSERT_EQ(sample.size(), 4u);
  EXPECT_EQ(sample[0].config.variant, "a");
  EXPECT_EQ(sample[0].reason, "too large");
  EXPECT_EQ(sample[1].config.variant, "b");
  EXPECT_EQ(sample[2].config.variant, "c");
  EXPECT_EQ(sample[2].reason, "too large (and 2 configurations more)");
  EXPECT_EQ(sample[3].config.variant, "f");
  EXPECT_EQ(sample[3].reason, "odd");
}

TEST(SampleRejections, OfFewIsAll) {
  EXPECT_EQ(sample_rejections({rejected("a", "x"), rejected("b", "x")}, 5).size(), 2u);
  EXPECT_TRUE(sample_rejections({}, 5).empty());
}

}  // namespace
}  // namespace weir
