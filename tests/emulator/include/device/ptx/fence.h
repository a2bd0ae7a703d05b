// Host versions of kernels/device/ptx/fence.h.
#pragma once

#include "emulator/hopper.h"

namespace ptx {

inline void fence_proxy_async_shared() {
  weir::emulator::fence_async();
}
inline void fence_mbarrier_init() {}

}  // namespace ptx
