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

/// What `value`, at least 0, is computed from is executed before later waits and memory operations: a store
/// to shared memory that never happens, but that ptxas does not move past them. It moves arithmetic, and
/// would leave what is meant to run during a product until after the wait for it.
__device__ __forceinline__ void execute_before(float value, unsigned shared) {
  asm volatile(
      "{\n.reg .pred never;\n"
      "setp.lt.f32 never, %0, 0f00000000;\n"
      "@never st.shared.f32 [%1], %0;\n}\n" ::"f"(value),
      "r"(shared)
      : "memory");
}

}  // namespace ptx
