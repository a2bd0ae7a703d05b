// Host version of kernels/device/ptx/load.h.
#pragma once

namespace ptx {

inline float4 ld_global_cg_v4(const float4* source) {
  return *source;
}

}  // namespace ptx
