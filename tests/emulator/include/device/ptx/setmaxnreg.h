// Host versions of PTX `setmaxnreg`.
#pragma once

namespace ptx {

template <int registers>
inline void setmaxnreg_inc(WEIR_SITE) {
  weir::emulator::set_max_registers(registers, site);
}
template <int registers>
inline void setmaxnreg_dec(WEIR_SITE) {
  weir::emulator::set_max_registers(registers, site);
}

}  // namespace ptx
