// From products of queries with keys to scores: scale, softcap, the caller's formula.
#pragma once

#include <weir/config.h>

#include "device/ptx/math.h"
#include "device/softmax.h"

namespace attention {

/// Whether a score is anything but the scaled product.
constexpr bool kModified = config::softcap > 0 || !config::score_is_default;
constexpr float kSoftcap = config::softcap > 0 ? static_cast<float>(config::softcap) : 1.0f;

constexpr float inverse_square_root(int value) {
  double root = value;  // Newton's iteration from above
  for (int i = 0; i < 32; ++i) root = (root + value / root) / 2;
  return static_cast<float>(1.0 / root);
}
constexpr float kScale = inverse_square_root(config::head_dim);

/// Absolute error about 2^-22.
__device__ __forceinline__ float fast_tanh(float value) {
  return 1.0f - __fdividef(2.0f, 1.0f + ptx::ex2_approx_ftz(2.0f * device::kLog2E * value));
}

/// The score of one product.
__device__ __forceinline__ float modified_score(float product, int query, int key, int head, int batch) {
  float value = product * kScale;
  if constexpr (config::softcap > 0) value = kSoftcap * fast_tanh(value / kSoftcap);
  if constexpr (!config::score_is_default) value = config::score(value, query, key, head, batch);
  return value;
}

/// Its derivative with respect to the product.
__device__ __forceinline__ float score_slope(float product, int query, int key, int head, int batch) {
  float slope = kScale;
  float value = product * kScale;
  if constexpr (config::softcap > 0) {
    const float capped = fast_tanh(value / kSoftcap);
    slope *= 1.0f - capped * capped;
    value = kSoftcap * capped;
  }
  if constexpr (!config::score_is_default) {
    slope *= config::score_derivative(value, query, key, head, batch);
  }
  return slope;
}

}  // namespace attention
