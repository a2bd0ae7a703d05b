// Host versions of kernels/device/ptx/convert.h.
#pragma once

namespace ptx {

inline unsigned short cvt_rn_bf16_f32(float value) {
  return weir::emulator::bf16_from_f32(value);
}
inline unsigned short cvt_rn_f16_f32(float value) {
  return weir::emulator::f16_from_f32(value);
}
inline float cvt_f32_f16(unsigned short bits) {
  return weir::emulator::f32_from_f16(bits);
}
inline unsigned cvt_rn_bf16x2_f32(float low, float high) {
  return cvt_rn_bf16_f32(low) | static_cast<unsigned>(cvt_rn_bf16_f32(high)) << 16;
}
inline unsigned cvt_rn_f16x2_f32(float low, float high) {
  return cvt_rn_f16_f32(low) | static_cast<unsigned>(cvt_rn_f16_f32(high)) << 16;
}

}  // namespace ptx
