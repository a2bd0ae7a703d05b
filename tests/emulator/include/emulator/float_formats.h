// bf16 and f16 as bits, and their conversions: exact to f32, to nearest even from f32.
#pragma once

namespace weir::emulator {

inline unsigned bits_of(float value) {
  return __builtin_bit_cast(unsigned, value);
}
inline float float_of(unsigned bits) {
  return __builtin_bit_cast(float, bits);
}

inline float f32_from_bf16(unsigned short bits) {
  return float_of(static_cast<unsigned>(bits) << 16);
}

inline unsigned short bf16_from_f32(float value) {
  const unsigned bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;  // PTX's canonical NaN
  return static_cast<unsigned short>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float f32_from_f16(unsigned short half) {
  const unsigned sign = static_cast<unsigned>(half & 0x8000u) << 16;
  const unsigned exponent = (half >> 10) & 0x1fu;
  const unsigned mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return float_of(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
  const float subnormal = static_cast<float>(mantissa) * 0x1p-24f;
  return sign != 0 ? -subnormal : subnormal;
}

inline unsigned short f16_from_f32(float value) {
  const unsigned bits = bits_of(value);
  const unsigned sign = (bits >> 16) & 0x8000u;
  const unsigned magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0x7fff;
  if (magnitude >= 0x477ff000u) return static_cast<unsigned short>(sign | 0x7c00u);  // from 65520 on
  if (magnitude < 0x38800000u) {  // subnormal: in units of 2^-24, which f32's addition rounds to
    const float shifted = float_of(magnitude) + 0.5f;
    return static_cast<unsigned short>(sign | (bits_of(shifted) - bits_of(0.5f)));
  }
  const unsigned rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<unsigned short>(sign | ((rounded - (112u << 23)) >> 13));
}

}  // namespace weir::emulator
