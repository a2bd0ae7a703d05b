// Host versions of barriers in shared memory (PTX `mbarrier`). Barriers are given by their shared address.
#pragma once

namespace ptx {

inline void mbarrier_init(unsigned barrier, int count, WEIR_SITE) {
  weir::emulator::mbarrier_init(barrier, count, site);
}
inline void mbarrier_inval(unsigned barrier, WEIR_SITE) {
  weir::emulator::mbarrier_invalidate(barrier, site);
}
inline void fence_mbarrier_init() {}
inline void mbarrier_arrive(unsigned barrier, WEIR_SITE) {
  weir::emulator::mbarrier_arrive(barrier, 1, 0, site);
}
inline void mbarrier_expect_tx(unsigned barrier, int bytes, WEIR_SITE) {
  weir::emulator::mbarrier_arrive(barrier, 0, bytes, site);
}
inline void mbarrier_arrive_expect_tx(unsigned barrier, int bytes, WEIR_SITE) {
  weir::emulator::mbarrier_arrive(barrier, 1, bytes, site);
}
inline bool mbarrier_try_wait_parity(unsigned barrier, int parity, WEIR_SITE) {
  return weir::emulator::mbarrier_test(barrier, parity, site);
}
/// try_wait until the phase of this parity is over.
inline void mbarrier_wait_parity(unsigned barrier, int parity, WEIR_SITE) {
  weir::emulator::mbarrier_wait(barrier, parity, site);
}

}  // namespace ptx
