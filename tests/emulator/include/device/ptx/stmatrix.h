// Host versions of PTX `stmatrix`, compute capability 9.0.
#pragma once

namespace ptx {

inline void stmatrix_x4(unsigned row_address, const unsigned (&source)[4], WEIR_SITE) {
  weir::emulator::stmatrix(4, false, source, row_address, site);
}
inline void stmatrix_x4_trans(unsigned row_address, const unsigned (&source)[4], WEIR_SITE) {
  weir::emulator::stmatrix(4, true, source, row_address, site);
}
inline void stmatrix_x2(unsigned row_address, const unsigned (&source)[2], WEIR_SITE) {
  weir::emulator::stmatrix(2, false, source, row_address, site);
}
inline void stmatrix_x2_trans(unsigned row_address, const unsigned (&source)[2], WEIR_SITE) {
  weir::emulator::stmatrix(2, true, source, row_address, site);
}

}  // namespace ptx
