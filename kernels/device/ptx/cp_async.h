// Asynchronous copies from global to shared memory (PTX `cp.async`, compute capability 8.0).
#pragma once

namespace ptx {

/// The 32-bit shared-memory address of a generic pointer into shared memory.
__device__ __forceinline__ unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

/// Copies 16 bytes past L1 to `destination` (a shared address). Only the first `valid_bytes` (0 to 16) are
/// read from `source`, the rest becomes zeros: with 0, nothing is read and `source` may lie outside the
/// tensor. Both addresses are 16-byte aligned.
__device__ __forceinline__ void cp_async_cg_16(unsigned destination, const void* source, int valid_bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(destination),
               "l"(__cvta_generic_to_global(source)), "r"(valid_bytes)
               : "memory");
}

/// As above, all 16 bytes.
__device__ __forceinline__ void cp_async_cg_16(unsigned destination, const void* source) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(destination),
               "l"(__cvta_generic_to_global(source))
               : "memory");
}

/// Closes the group of this thread's copies since the last commit; an empty group is legal and already
/// complete.
__device__ __forceinline__ void cp_async_commit_group() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}

/// Waits until at most `pending` of this thread's most recent groups are incomplete. Other threads' copies
/// become visible only after a barrier as well.
template <int pending>
__device__ __forceinline__ void cp_async_wait_group() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(pending) : "memory");
}

}  // namespace ptx
