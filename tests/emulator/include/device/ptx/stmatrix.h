// Host versions of kernels/device/ptx/stmatrix.h.
#pragma once

namespace ptx {

inline void stmatrix_x4(unsigned row_address, const unsigned (&source)[4], WEIR_SITE) {
  weir::emulator::stmatrix(4, false, source, row_address, site);
}

}  // namespace ptx
