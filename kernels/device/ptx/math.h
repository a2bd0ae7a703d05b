// Fast single-precision functions of the special function unit (PTX `ex2`, `lg2` and `rcp`), without toolkit
// headers.
#pragma once

namespace ptx {

/// 2^value, relative error about 2^-22; subnormal results are zero, 2^-inf is zero.
__device__ __forceinline__ float ex2_approx_ftz(float value) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(result) : "f"(value));
  return result;
}

/// log2(value), absolute error about 2^-22 near 1; log2(0) is -inf.
__device__ __forceinline__ float lg2_approx_ftz(float value) {
  float result;
  asm("lg2.approx.ftz.f32 %0, %1;\n" : "=f"(result) : "f"(value));
  return result;
}

/// 1 / value, error at most one unit in the last place; 1 / inf is zero.
__device__ __forceinline__ float rcp_approx_ftz(float value) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;\n" : "=f"(result) : "f"(value));
  return result;
}

}  // namespace ptx
