// Host versions of kernels/device/ptx/opaque.h.
#pragma once

namespace ptx {

inline int opaque(int value) {
  return value;
}
inline unsigned opaque(unsigned value) {
  return value;
}
inline void pin(float&) {}
inline void execute_before(float, unsigned) {}

}  // namespace ptx
