#include "kernels/element_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace weir {
namespace {

std::uint16_t bits_of(Element element, float value) {
  const std::vector<std::byte> bytes = from_floats(element, {&value, 1});
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes.data(), 2);
  return bits;
}

// All values but NaN survive the way to f32 and back.
TEST(ElementValues, EveryHalfReadsBackAsItself) {
  for (const Element element : {Element::bf16, Element::f16}) {
    for (int bits = 0; bits < 65536; ++bits) {
      const auto half = static_cast<std::uint16_t>(bits);
      std::vector<std::byte> bytes(2);
      std::memcpy(bytes.data(), &half, 2);
      const float value = to_floats(element, bytes).at(0);
      if (std::isnan(value)) continue;
      ASSERT_EQ(bits_of(element, value), half) << to_string(element) << " " << bits;
    }
  }
}

TEST(ElementValues, RoundToNearestAndTiesToEven) {
  EXPECT_EQ(bits_of(Element::bf16, 1.0f), 0x3f80);
  EXPECT_EQ(bits_of(Element::bf16, 1.0f + 1.0f / 256), 0x3f80) << "a tie";
  EXPECT_EQ(bits_of(Element::bf16, 1.0f + 3.0f / 256), 0x3f82) << "a tie";
  EXPECT_EQ(bits_of(Element::f16, 1.0f), 0x3c00);
  EXPECT_EQ(bits_of(Element::f16, 1.0f + 1.0f / 2048), 0x3c00) << "a tie";
  EXPECT_EQ(bits_of(Element::f16, 1.0f + 3.0f / 2048), 0x3c02) << "a tie";
  EXPECT_EQ(bits_of(Element::f16, 65519.0f), 0x7bff);
  EXPECT_EQ(bits_of(Element::f16, 65520.0f), 0x7c00);
  EXPECT_EQ(bits_of(Element::f16, std::ldexp(1.0f, -25)), 0x0000) << "a tie between 0 and the least";
  EXPECT_EQ(bits_of(Element::f16, -std::ldexp(3.0f, -25)), 0x8002) << "a tie of subnormal numbers";
}

TEST(ElementValues, SpecialValuesStay) {
  for (const Element element : {Element::bf16, Element::f16}) {
    const std::vector<float> given{INFINITY, -INFINITY, NAN};
    const std::vector<float> found = to_floats(element, from_floats(element, given));
    EXPECT_EQ(found[0], INFINITY);
    EXPECT_EQ(found[1], -INFINITY);
    EXPECT_TRUE(std::isnan(found[2]));
  }
}

}  // namespace
}  // namespace weir
