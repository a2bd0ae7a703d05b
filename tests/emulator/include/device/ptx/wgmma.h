// Host versions of kernels/device/ptx/wgmma.h.
#pragma once

#include "emulator/hopper.h"

namespace ptx {

/// Ordering of registers; what is missing shows as NaN in the sums.
inline void wgmma_fence() {}
inline void wgmma_commit_group(WEIR_SITE) {
  weir::emulator::wgmma_commit(site);
}
template <int pending>
inline void wgmma_wait_group(WEIR_SITE) {
  weir::emulator::wgmma_wait(pending, site);
}

#define WEIR_HOST_WGMMA(name, type)                                                                          \
  template <bool a_along_m, bool b_along_n, int registers>                                                   \
  inline void name(float(&sums)[registers], unsigned long long a, unsigned long long b, bool accumulate,     \
                   WEIR_SITE) {                                                                              \
    weir::emulator::wgmma(type, sums, 2 * registers, nullptr, a, b, a_along_m, b_along_n, accumulate, site); \
  }                                                                                                          \
  template <bool b_along_n, int registers>                                                                   \
  inline void name(float(&sums)[registers], const unsigned(&a)[4], unsigned long long b, bool accumulate,    \
                   WEIR_SITE) {                                                                              \
    weir::emulator::wgmma(type, sums, 2 * registers, a, 0, b, false, b_along_n, accumulate, site);           \
  }
WEIR_HOST_WGMMA(wgmma_m64k16_bf16, weir::emulator::Half16::bf16)
WEIR_HOST_WGMMA(wgmma_m64k16_f16, weir::emulator::Half16::f16)
#undef WEIR_HOST_WGMMA

}  // namespace ptx
