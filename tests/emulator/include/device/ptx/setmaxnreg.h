// Host versions of kernels/device/ptx/setmaxnreg.h: the compiler says whether the registers suffice.
#pragma once

namespace ptx {

template <int registers>
inline void setmaxnreg_dec() {}
template <int registers>
inline void setmaxnreg_inc() {}

}  // namespace ptx
