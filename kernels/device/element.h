// What a kernel needs to know about its 16-bit element type: conversion to and from f32, and the tensor-core
// operation.
#pragma once

#include <weir/config.h>

#include "device/ptx/convert.h"
#include "device/ptx/mma.h"

namespace device {

/// The bits of one bf16 or f16; which of the two is a template argument wherever it matters.
using Half = unsigned short;

template <Element element>
__device__ __forceinline__ void require_half() {
  static_assert(element == Element::bf16 || element == Element::f16, "the element type must be bf16 or f16");
}

/// Exact.
template <Element element>
__device__ __forceinline__ float to_f32(Half bits) {
  require_half<element>();
  if constexpr (element == Element::bf16) {
    return __uint_as_float(static_cast<unsigned>(bits) << 16);
  } else {
    return ptx::cvt_f32_f16(bits);
  }
}

/// Rounds to nearest, ties to even.
template <Element element>
__device__ __forceinline__ Half from_f32(float value) {
  require_half<element>();
  if constexpr (element == Element::bf16) {
    return ptx::cvt_rn_bf16_f32(value);
  } else {
    return ptx::cvt_rn_f16_f32(value);
  }
}

/// Two rounded values in one register, `low` in the lower half: the order of elements in memory.
template <Element element>
__device__ __forceinline__ unsigned pack_from_f32(float low, float high) {
  require_half<element>();
  if constexpr (element == Element::bf16) {
    return ptx::cvt_rn_bf16x2_f32(low, high);
  } else {
    return ptx::cvt_rn_f16x2_f32(low, high);
  }
}

/// accumulator[16, 8] += a[16, 16] * b[16, 8]; ptx/mma.h says which lane holds what.
template <Element element>
__device__ __forceinline__ void multiply_accumulate(float (&accumulator)[4], const unsigned (&a)[4],
                                                    const unsigned (&b)[2]) {
  require_half<element>();
  if constexpr (element == Element::bf16) {
    ptx::mma_m16n8k16_bf16(accumulator, a, b);
  } else {
    ptx::mma_m16n8k16_f16(accumulator, a, b);
  }
}

}  // namespace device
