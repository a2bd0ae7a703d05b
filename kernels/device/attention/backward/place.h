// Where a thread is in its block.
#pragma once

#include "device/ptx/opaque.h"

namespace attention::backward {

struct ThreadPlace {
  int lane, warp;

  /// Worked out anew where it is used: addresses that were kept would take the accumulators' registers.
  static __device__ __forceinline__ ThreadPlace now() {
    const unsigned thread = ptx::opaque(threadIdx.x);
    return {.lane = static_cast<int>(thread % 32), .warp = static_cast<int>(thread / 32)};
  }
};

}  // namespace attention::backward
