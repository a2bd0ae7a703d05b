#include "gpu/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

const TensorLayout kTensor{
    .name = "c", .role = Role::out, .element = Element::bf16, .shape = {10, 10}, .strides_elements = {10, 1}};
// Of 100 elements: rms error 0.01, rms reference 1.
const ReferenceError kLow{
    .rms_error = 0.01, .rms_reference = 1, .largest_error = 0.05, .largest_reference = 4};
constexpr double kAllowed = 2 * 0.01 + 1.0 / 256;

Comparison with_rms(double rms) {
  return {.squared_error = rms * rms * 100, .squared_reference = 100, .largest_error = rms};
}

TEST(Judge, AllowsTwiceTheLowPrecisionErrorAndOneRounding) {
  const Verification good = judge(kTensor, with_rms(kAllowed * 0.999), kLow);
  EXPECT_TRUE(good.passed) << good.detail;
  EXPECT_NEAR(good.allowed_error, kAllowed, 1e-12);
  const Verification bad = judge(kTensor, with_rms(kAllowed * 1.001), kLow);
  EXPECT_FALSE(bad.passed);
  EXPECT_THAT(bad.detail, HasSubstr("tensor c: rms error"));
}

TEST(Judge, FindsOneWrongElementThatTheMeanHides) {
  const double allowed = 4 * (0.05 + 4.0 / 256);
  Comparison one = with_rms(0.005);
  one.largest_error = allowed * 1.01;
  one.largest_error_index = 57;
  const Verification bad = judge(kTensor, one, kLow);
  EXPECT_FALSE(bad.passed);
  EXPECT_THAT(bad.detail, HasSubstr("[5, 7]"));
  one.largest_error = allowed * 0.99;
  EXPECT_TRUE(judge(kTensor, one, kLow).passed);
}

TEST(Judge, RefusesNaNWhereTheReferenceHasNone) {
  Comparison nan = with_rms(0);
  nan.special_mismatches = 3;
  nan.special_index = 42;
  const Verification bad = judge(kTensor, nan, kLow);
  EXPECT_FALSE(bad.passed);
  EXPECT_THAT(bad.detail, HasSubstr("3 of 100"));
  EXPECT_THAT(bad.detail, HasSubstr("[4, 2]"));
}

TEST(Judge, WantsIntegersExactly) {
  TensorLayout integers = kTensor;
  integers.element = Element::i32;
  const ReferenceError exact{.rms_reference = 1000, .largest_reference = 5000};
  EXPECT_TRUE(judge(integers, with_rms(0), exact).passed);
  EXPECT_FALSE(judge(integers, with_rms(0.1), exact).passed);
}

TEST(ReferenceErrorOf, AveragesOverElements) {
  const ReferenceError error = reference_error(
      {.squared_error = 4, .squared_reference = 100, .largest_error = 2, .largest_reference = 9}, 25);
  EXPECT_EQ(error, (ReferenceError{
                       .rms_error = 0.4, .rms_reference = 2, .largest_error = 2, .largest_reference = 9}));
}

TEST(UnitRoundoff, IsHalfTheSpacing) {
  EXPECT_EQ(unit_roundoff(Element::bf16), 1.0 / 256);
  EXPECT_EQ(unit_roundoff(Element::f16), 1.0 / 2048);
  EXPECT_EQ(unit_roundoff(Element::f32), 0x1p-24);
  EXPECT_EQ(unit_roundoff(Element::i32), 0);
}

}  // namespace
}  // namespace weir
