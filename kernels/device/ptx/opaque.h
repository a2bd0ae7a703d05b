// A value that the optimiser can't see through: an empty instruction.
#pragma once

namespace ptx {

/// Returns `value`. What is computed from the result is computed where it is used, not moved out of the loop
/// into registers that the accumulators need.
__device__ __forceinline__ int opaque(int value) {
  asm volatile("" : "+r"(value));
  return value;
}

__device__ __forceinline__ unsigned opaque(unsigned value) {
  asm volatile("" : "+r"(value));
  return value;
}

/// What is done to `value` after this is not moved before it, nor before anything that was not moved past it.
__device__ __forceinline__ void pin(float& value) {
  asm volatile("" : "+f"(value)::"memory");
}

}  // namespace ptx
