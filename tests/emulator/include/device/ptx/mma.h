// Host versions of kernels/device/ptx/mma.h.
#pragma once

namespace ptx {

inline void mma_m16n8k16_bf16(float (&accumulator)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                              WEIR_SITE) {
  weir::emulator::mma_m16n8k16(weir::emulator::Half16::bf16, accumulator, a, b, site);
}
inline void mma_m16n8k16_f16(float (&accumulator)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                             WEIR_SITE) {
  weir::emulator::mma_m16n8k16(weir::emulator::Half16::f16, accumulator, a, b, site);
}

}  // namespace ptx
