// Host versions of kernels/device/ptx/reduce.h.
#pragma once

namespace ptx {

inline void red_add_f32(float* destination, float value, WEIR_SITE) {
  weir::emulator::check_global(destination, 4, true, "red", site);
  *destination += value;
}
inline void red_add_v4_f32(float* destination, const float (&value)[4], WEIR_SITE) {
  if (reinterpret_cast<unsigned long long>(destination) % 16 != 0) {
    weir::emulator::fail("red of 16 bytes at an address that is no multiple of 16", site);
  }
  weir::emulator::check_global(destination, 16, true, "red", site);
  for (int i = 0; i < 4; ++i) destination[i] += value[i];
}

}  // namespace ptx
