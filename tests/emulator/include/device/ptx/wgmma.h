// Host versions of warpgroup-wide matrix multiply-accumulate (PTX `wgmma`, compute capability 9.0a).
#pragma once

namespace ptx {

inline void wgmma_fence() {}
inline void wgmma_commit_group(WEIR_SITE) {
  weir::emulator::wgmma_commit(site);
}
template <int pending>
inline void wgmma_wait_group(WEIR_SITE) {
  weir::emulator::wgmma_wait(pending, site);
}

/// accumulator[64, 2 * registers] (+)= a[64, 16] * b[16, 2 * registers]; with `transposed`, the operand is
/// stored along m or n.
#define WEIR_WGMMA(type)                                                                                    \
  template <bool a_transposed, bool b_transposed, int registers>                                            \
  inline void wgmma_k16_##type(float(&accumulator)[registers], unsigned long long a, unsigned long long b,  \
                               bool accumulate, WEIR_SITE) {                                                \
    weir::emulator::wgmma({weir::emulator::Half16::type, 2 * registers, accumulator, nullptr, a, b,         \
                           accumulate, a_transposed, b_transposed},                                         \
                          site);                                                                            \
  }                                                                                                         \
  template <bool b_transposed, int registers>                                                               \
  inline void wgmma_k16_##type(float(&accumulator)[registers], const unsigned(&a)[4], unsigned long long b, \
                               bool accumulate, WEIR_SITE) {                                                \
    weir::emulator::wgmma({weir::emulator::Half16::type, 2 * registers, accumulator, a, 0, b, accumulate,   \
                           false, b_transposed},                                                            \
                          site);                                                                            \
  }
WEIR_WGMMA(bf16)
WEIR_WGMMA(f16)
#undef WEIR_WGMMA

}  // namespace ptx
