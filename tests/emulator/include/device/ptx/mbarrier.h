// Host versions of kernels/device/ptx/mbarrier.h.
#pragma once

#include "emulator/hopper.h"

namespace ptx {

inline void mbarrier_init(unsigned barrier, unsigned arrivals, WEIR_SITE) {
  weir::emulator::mbarrier_init(barrier, arrivals, site);
}
inline void mbarrier_arrive(unsigned barrier, WEIR_SITE) {
  weir::emulator::mbarrier_arrive(barrier, 0, site);
}
inline void mbarrier_arrive_cluster(unsigned barrier, WEIR_SITE) {
  weir::emulator::mbarrier_arrive(barrier, 0, site);
}
inline void mbarrier_arrive_expect_tx(unsigned barrier, unsigned bytes, WEIR_SITE) {
  weir::emulator::mbarrier_arrive(barrier, bytes, site);
}
inline bool mbarrier_try_wait_parity(unsigned barrier, unsigned parity, WEIR_SITE) {
  return weir::emulator::mbarrier_try_wait(barrier, parity, site);
}

}  // namespace ptx
