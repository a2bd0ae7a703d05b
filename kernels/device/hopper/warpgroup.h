// Warpgroups: the four consecutive warps that wgmma and setmaxnreg act on. A block has one that copies (the
// producer) and one to three that compute (the consumers).
#pragma once

#include "device/ptx/barrier.h"
#include "device/ptx/setmaxnreg.h"

namespace hopper {

constexpr int kWarpgroupThreads = 128;
constexpr int kRegistersPerMultiprocessor = 65536;

/// `value`, which is the same for the warp, from a shuffle so that the compiler knows it: what follows from
/// it is worked out in uniform registers. Descriptors that are not cost 13 instructions before each wgmma,
/// not 3.
template <class T>
__device__ __forceinline__ T uniform(T value) {
  return __shfl_sync(0xffffffffu, value, 0);
}

/// The number of this thread's warpgroup.
__device__ __forceinline__ int warpgroup_index() {
  return uniform(static_cast<int>(threadIdx.x) / kWarpgroupThreads);
}
__device__ __forceinline__ int thread_in_warpgroup() {
  return static_cast<int>(threadIdx.x) % kWarpgroupThreads;
}
__device__ __forceinline__ int warp_in_warpgroup() {
  return thread_in_warpgroup() / 32;
}

/// Barriers of the block by use; number 0 is __syncthreads.
enum BarrierUse { kWithinWarpgroup = 1, kTurn = 5, kAllConsumers = 8 };

/// Among the threads of one consumer warpgroup.
__device__ __forceinline__ void sync_warpgroup(int consumer) {
  ptx::bar_sync(kWithinWarpgroup + consumer, kWarpgroupThreads);
}

/// Among the threads of all consumer warpgroups.
template <int consumers>
__device__ __forceinline__ void sync_consumers() {
  ptx::bar_sync(kAllConsumers, consumers * kWarpgroupThreads);
}

/// The same at every step, of whose numbers `parity` is the lowest bit. Who does not wait may be one step
/// ahead.
template <int consumers, bool waits>
__device__ __forceinline__ void meet_consumers(int parity) {
  if constexpr (waits) {
    ptx::bar_sync(kAllConsumers + 1 + parity, consumers * kWarpgroupThreads);
  } else {
    ptx::bar_arrive(kAllConsumers + 1 + parity, consumers * kWarpgroupThreads);
  }
}

/// How the registers of a block are split, of which `blocks` share a multiprocessor: each thread starts with
/// the same number, the producer gives up all but `kept`, and the consumers share what it gave. 24 is the
/// least that there is.
template <int consumers, int kept = 24, int blocks = 1>
struct RegisterSplit {
  static constexpr int threads = (consumers + 1) * kWarpgroupThreads;
  static constexpr int at_launch = kRegistersPerMultiprocessor / (threads * blocks) / 8 * 8;
  static constexpr int shared_out = (at_launch * (consumers + 1) - kept) / consumers / 8 * 8;
  static constexpr int consumer_registers = shared_out < 240 ? shared_out : 240;

  /// One consumer of one block already starts with as many as a thread can address.
  static constexpr bool moves = at_launch < consumer_registers;
  static __device__ __forceinline__ void become_producer() {
    if constexpr (moves) ptx::setmaxnreg_dec<kept>();
  }
  static __device__ __forceinline__ void become_consumer() {
    if constexpr (moves) ptx::setmaxnreg_inc<consumer_registers>();
  }
};

}  // namespace hopper
