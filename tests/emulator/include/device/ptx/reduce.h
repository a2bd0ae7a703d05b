// Host versions of kernels/device/ptx/reduce.h.
#pragma once

namespace ptx {

inline void red_add_f32(float* destination, float value, WEIR_SITE) {
  weir::emulator::reduce_add(destination, &value, 1, site);
}
inline void red_add_v2_f32(float* destination, const float (&value)[2], WEIR_SITE) {
  weir::emulator::reduce_add(destination, value, 2, site);
}
inline void red_add_v4_f32(float* destination, const float (&value)[4], WEIR_SITE) {
  weir::emulator::reduce_add(destination, value, 4, site);
}

}  // namespace ptx
