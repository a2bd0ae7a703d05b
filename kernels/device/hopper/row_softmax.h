// Online softmax over the rows of a warpgroup's scores, which lie as wgmma leaves them (ptx/wgmma.h): a
// thread has every fourth pair of columns of two rows.
#pragma once

#include "device/hopper/product.h"
#include "device/ptx/math.h"

namespace hopper {

constexpr float kLog2E = 1.44269504088896340736f;
constexpr float kLn2 = 0.69314718055994530942f;

__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7f800000u);
}

/// Exponentials are powers of two relative to `base`, the largest score seen when it was last raised, in
/// units of log2. It is raised only when a score exceeds it by more than `slack`: numerator and denominator
/// share the base, so the result is the same, and the output is seldom rescaled.
struct RowSoftmax {
  static constexpr int slack = 8;  // sums of larger exponentials in f16 weights could overflow

  float base[2];
  float sum[2];  // of this thread's columns, until `finish`

  __device__ __forceinline__ void reset() {
    base[0] = base[1] = -infinity();
    sum[0] = sum[1] = 0.0f;
  }

  /// Turns scores into weights. Returns whether what was summed up with earlier weights is to be multiplied
  /// with `factor`, by row. `masked`: a row may have had nothing but -inf so far.
  template <bool masked, int registers>
  __device__ __forceinline__ bool weigh(float (&scores)[registers], float (&factor)[2], float scale_log2) {
    const bool raises = raise_base(scores, factor, scale_log2);
    const float origin[2] = {masked ? finite(base[0]) : base[0], masked ? finite(base[1]) : base[1]};
#pragma unroll
    for (int i = 0; i < registers; ++i) {
      const int half = i / 2 % 2;
      scores[i] = ptx::ex2_approx_ftz(scores[i] * scale_log2 - origin[half]);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float total = 0.0f;
#pragma unroll
      for (int i = 0; i < registers; i += 4) total += scores[i + 2 * half] + scores[i + 2 * half + 1];
      sum[half] += total;
    }
    return raises;
  }

  /// Completes the sums over the four threads that share a row.
  __device__ __forceinline__ void finish() {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      sum[half] += __shfl_xor_sync(0xffffffffu, sum[half], 1);
      sum[half] += __shfl_xor_sync(0xffffffffu, sum[half], 2);
    }
  }

  /// What the row's output is to be multiplied with; 0 for a row without a visible key.
  __device__ __forceinline__ float normaliser(int half) const {
    return sum[half] == 0.0f ? 0.0f : 1.0f / sum[half];
  }

  /// The natural logarithm of the row's sum of exponentials; -inf for a row without a visible key.
  __device__ __forceinline__ float log_sum_exp(int half) const {
    return sum[half] == 0.0f ? -infinity() : (base[half] + ptx::lg2_approx_ftz(sum[half])) * kLn2;
  }

 private:
  template <int registers>
  __device__ __forceinline__ bool raise_base(const float (&scores)[registers], float (&factor)[2],
                                             float scale_log2) {
    float maximum[2];
    bool exceeds = false;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float value = fmaxf(scores[2 * half], scores[2 * half + 1]);
#pragma unroll
      for (int i = 4; i < registers; i += 4) {
        value = fmaxf(value, fmaxf(scores[i + 2 * half], scores[i + 2 * half + 1]));
      }
      value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
      value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
      maximum[half] = fmaxf(base[half], value * scale_log2);
      exceeds |= maximum[half] > base[half] + slack;
    }
    if (!__any_sync(0xffffffffu, exceeds)) return false;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      factor[half] = ptx::ex2_approx_ftz(base[half] - finite(maximum[half]));
      base[half] = maximum[half];
      sum[half] *= factor[half];
    }
    return true;
  }

  /// -inf - -inf would be NaN: a row without a visible key counts from 0.
  static __device__ __forceinline__ float finite(float value) {
    return value == -infinity() ? 0.0f : value;
  }
};

/// Weights of 64 rows as the A operand of products over 16 columns each.
template <int columns>
using Weights = unsigned[columns / kDepth][4];

template <Element element, int registers>
__device__ __forceinline__ void round_weights(Weights<2 * registers>& weights,
                                              const float (&scores)[registers]) {
#pragma unroll
  for (int i = 0; i < registers / 2; ++i) {
    weights[i / 4][i % 4] = device::pack_from_f32<element>(scores[2 * i], scores[2 * i + 1]);
  }
}

}  // namespace hopper
