// Online softmax over the rows of score tiles that lie in mma accumulators (ptx/mma.h says which lane holds
// what).
#pragma once

#include "device/element.h"
#include "device/ptx/math.h"

namespace device {

constexpr float kLog2E = 1.44269504088896340736f;
constexpr float kLn2 = 0.69314718055994530942f;
constexpr unsigned kWholeWarp = 0xffffffffu;

/// A warp's tile of 16 * row_tiles rows in accumulators: [row tile][8-column tile][register].
template <int row_tiles, int columns>
using Accumulators = float[row_tiles][columns / 8][4];

__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7f800000u);
}

/// The state of a warp's 16 * row_tiles rows. A lane holds two rows of each row tile: lane / 4 and lane / 4
/// + 8.
///
/// Exponentials are taken relative to `base`, the largest score seen when it was last raised; everything in
/// units of log2: score * scale_log2. With `slack` 0 the base is raised with every new maximum. With a
/// positive slack it is raised only when a score exceeds it by more than 2^slack, which rarely happens: the
/// result is the same, since numerator and denominator share the base, and 2^slack must stay far below the
/// element type's largest value.
template <int row_tiles, int slack>
struct OnlineSoftmax {
  static_assert(slack >= 0 && slack <= 8, "larger exponentials would overflow f16 sums");

  float base[row_tiles][2];
  float sum[row_tiles][2];  // this lane's columns only, until `finish`

  __device__ __forceinline__ void reset() {
#pragma unroll
    for (int tile = 0; tile < row_tiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        base[tile][half] = -infinity();
        sum[tile][half] = 0.0f;
      }
    }
  }

  /// Raises the base to the scores' row maxima and rescales what has been accumulated so far.
  template <int columns, int output_columns>
  __device__ __forceinline__ void raise_base(const float (&scores)[row_tiles][columns][4],
                                             float (&output)[row_tiles][output_columns][4],
                                             float scale_log2) {
    float maximum[row_tiles][2];
    bool exceeds = false;
#pragma unroll
    for (int tile = 0; tile < row_tiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float value = fmaxf(scores[tile][0][2 * half], scores[tile][0][2 * half + 1]);
#pragma unroll
        for (int column = 1; column < columns; ++column) {
          value = fmaxf(value, fmaxf(scores[tile][column][2 * half], scores[tile][column][2 * half + 1]));
        }
        value = fmaxf(value, __shfl_xor_sync(kWholeWarp, value, 1));
        value = fmaxf(value, __shfl_xor_sync(kWholeWarp, value, 2));
        maximum[tile][half] = fmaxf(base[tile][half], value * scale_log2);
        exceeds |= maximum[tile][half] > base[tile][half] + slack;
      }
    }
    if (slack > 0 && !__any_sync(kWholeWarp, exceeds)) return;
#pragma unroll
    for (int tile = 0; tile < row_tiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float factor = ptx::ex2_approx_ftz(base[tile][half] - finite(maximum[tile][half]));
        base[tile][half] = maximum[tile][half];
        sum[tile][half] *= factor;
#pragma unroll
        for (int column = 0; column < output_columns; ++column) {
          output[tile][column][2 * half] *= factor;
          output[tile][column][2 * half + 1] *= factor;
        }
      }
    }
  }

  /// Turns 16 columns of a row tile's scores into the A operand of the product with V. `masked`: a row may
  /// have had nothing but -inf so far.
  template <Element element, bool masked>
  __device__ __forceinline__ void exponentials(unsigned (&weights)[4], const float (&left)[4],
                                               const float (&right)[4], int tile, float scale_log2) {
    float e[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int half = i / 2 % 2;
      const float score = i < 4 ? left[i] : right[i - 4];
      const float origin = masked ? finite(base[tile][half]) : base[tile][half];
      e[i] = ptx::ex2_approx_ftz(score * scale_log2 - origin);
      sum[tile][half] += e[i];
    }
    weights[0] = pack_from_f32<element>(e[0], e[1]);
    weights[1] = pack_from_f32<element>(e[2], e[3]);
    weights[2] = pack_from_f32<element>(e[4], e[5]);
    weights[3] = pack_from_f32<element>(e[6], e[7]);
  }

  /// Completes the row sums across the lanes that share a row.
  __device__ __forceinline__ void finish() {
#pragma unroll
    for (int tile = 0; tile < row_tiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float& value = sum[tile][half];
        value += __shfl_xor_sync(kWholeWarp, value, 1);
        value += __shfl_xor_sync(kWholeWarp, value, 2);
      }
    }
  }

  /// What the row's output is to be multiplied with; 0 for a row without a visible key.
  __device__ __forceinline__ float weight(int tile, int half) const {
    return sum[tile][half] == 0.0f ? 0.0f : 1.0f / sum[tile][half];
  }

  /// The natural logarithm of the row's sum of exponentials; -inf for a row without a visible key.
  __device__ __forceinline__ float log_sum_exp(int tile, int half) const {
    return sum[tile][half] == 0.0f ? -infinity()
                                   : (base[tile][half] + ptx::lg2_approx_ftz(sum[tile][half])) * kLn2;
  }

 private:
  /// -inf - -inf would be NaN: a row without a visible key counts from 0.
  static __device__ __forceinline__ float finite(float value) {
    return value == -infinity() ? 0.0f : value;
  }
};

}  // namespace device
