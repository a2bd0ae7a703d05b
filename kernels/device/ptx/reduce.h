// Additions to global memory whose old value nobody needs (PTX `red`): they are carried out in the L2.
#pragma once

namespace ptx {

/// destination += value.
__device__ __forceinline__ void red_add_f32(float* destination, float value) {
  asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;\n" ::"l"(__cvta_generic_to_global(destination)),
               "f"(value)
               : "memory");
}

/// destination[i] += value[i], each by itself; 16-byte aligned. Compute capability 9.0.
__device__ __forceinline__ void red_add_v4_f32(float* destination, const float (&value)[4]) {
  asm volatile("red.relaxed.gpu.global.add.v4.f32 [%0], {%1, %2, %3, %4};\n" ::"l"(
                   __cvta_generic_to_global(destination)),
               "f"(value[0]), "f"(value[1]), "f"(value[2]), "f"(value[3])
               : "memory");
}

}  // namespace ptx
