// Host versions of kernels/device/ptx/opaque.h.
#pragma once

namespace ptx {

inline int opaque(int value) {
  return value;
}
inline unsigned opaque(unsigned value) {
  return value;
}

}  // namespace ptx
