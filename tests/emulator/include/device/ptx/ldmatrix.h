// Host versions of kernels/device/ptx/ldmatrix.h.
#pragma once

namespace ptx {

inline void ldmatrix_x4(unsigned (&destination)[4], unsigned row_address, WEIR_SITE) {
  weir::emulator::ldmatrix(4, false, destination, row_address, site);
}
inline void ldmatrix_x4_trans(unsigned (&destination)[4], unsigned row_address, WEIR_SITE) {
  weir::emulator::ldmatrix(4, true, destination, row_address, site);
}
inline void ldmatrix_x2(unsigned (&destination)[2], unsigned row_address, WEIR_SITE) {
  weir::emulator::ldmatrix(2, false, destination, row_address, site);
}
inline void ldmatrix_x2_trans(unsigned (&destination)[2], unsigned row_address, WEIR_SITE) {
  weir::emulator::ldmatrix(2, true, destination, row_address, site);
}
inline void ldmatrix_x1(unsigned& destination, unsigned row_address, WEIR_SITE) {
  weir::emulator::ldmatrix(1, false, &destination, row_address, site);
}
inline void ldmatrix_x1_trans(unsigned& destination, unsigned row_address, WEIR_SITE) {
  weir::emulator::ldmatrix(1, true, &destination, row_address, site);
}

}  // namespace ptx
