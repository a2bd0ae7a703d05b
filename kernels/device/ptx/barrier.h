// The 16 barriers of a block (PTX `bar`), of which __syncthreads uses number 0. `threads` counts those that
// arrive and those that wait, a multiple of 32.
#pragma once

namespace ptx {

/// Arrives, and waits for the others.
__device__ __forceinline__ void bar_sync(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;\n" ::"r"(barrier), "r"(threads) : "memory");
}

/// Arrives without waiting.
__device__ __forceinline__ void bar_arrive(int barrier, int threads) {
  asm volatile("bar.arrive %0, %1;\n" ::"r"(barrier), "r"(threads) : "memory");
}

}  // namespace ptx
