#include "kernels/element_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace weir {
namespace {

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_f16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float size = exponent == 31  ? (fraction == 0 ? INFINITY : NAN)
                     : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                     : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return bits & 0x8000 ? -size : size;
}

std::uint16_t to_f16(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const float size = std::fabs(value);
  if (size == 0) return sign;
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (size >= 65520.0f) return static_cast<std::uint16_t>(sign | 0x7c00);
  // In units of the last place: subnormals share that of the smallest normal number.
  int exponent = 0;
  std::frexp(size, &exponent);
  const int unit = std::max(exponent - 11, -24);
  const auto digits = static_cast<int>(std::nearbyint(std::ldexp(size, -unit)));  // up to 2048
  return static_cast<std::uint16_t>(sign | ((unit + 24) * 1024 + digits));
}

}  // namespace

std::vector<float> to_floats(Element element, std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / static_cast<std::size_t>(bytes_of(element)));
  if (element == Element::f32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    values[i] = element == Element::bf16 ? from_bf16(bits) : from_f16(bits);
  }
  return values;
}

std::vector<std::byte> from_floats(Element element, std::span<const float> values) {
  std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(bytes_of(element)));
  if (element == Element::f32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = element == Element::bf16 ? to_bf16(values[i]) : to_f16(values[i]);
    std::memcpy(bytes.data() + 2 * i, &bits, 2);
  }
  return bytes;
}

}  // namespace weir
