// Loads from global memory (PTX `ld.global`).
#pragma once

namespace ptx {

/// 16 bytes from the L2, past L1 (`.cg`). Volatile: asked for again, it is read again.
__device__ __forceinline__ float4 ld_global_cg_v4(const float4* source) {
  float4 value;
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];\n"
               : "=f"(value.x), "=f"(value.y), "=f"(value.z), "=f"(value.w)
               : "l"(__cvta_generic_to_global(source))
               : "memory");
  return value;
}

}  // namespace ptx
