// Moves registers between the warpgroups of a block (PTX `setmaxnreg`, compute capability 9.0a): all warps of
// a warpgroup execute it, and the block's total must not exceed what it was launched with. Needs a kernel
// whose
// __launch_bounds__ give threads and blocks, and branches that no warpgroup leaves for another's.
#pragma once

namespace ptx {

/// At most `registers` for each thread of this warpgroup from here on; a multiple of 8 from 24 to 256.
template <int registers>
__device__ __forceinline__ void setmaxnreg_dec() {
  static_assert(registers % 8 == 0 && registers >= 24 && registers <= 256,
                "setmaxnreg counts in eights, 24 to 256");
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;\n" ::"n"(registers));
}

/// Waits until other warpgroups have given up enough.
template <int registers>
__device__ __forceinline__ void setmaxnreg_inc() {
  static_assert(registers % 8 == 0 && registers >= 24 && registers <= 256,
                "setmaxnreg counts in eights, 24 to 256");
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;\n" ::"n"(registers));
}

}  // namespace ptx
