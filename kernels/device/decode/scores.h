// From products of queries with keys to scores in units of log2, which the softmax takes.
#pragma once

#include <weir/config.h>

#include "device/decode/problem.h"
#include "device/softmax.h"

namespace decode {

/// Whether a score is anything but the scaled product.
constexpr bool kModified = config::softcap > 0 || !config::score_is_default;
constexpr float kSoftcap = config::softcap > 0 ? static_cast<float>(config::softcap) : 1.0f;

constexpr float inverse_square_root(int value) {
  double root = value;  // Newton's iteration from above
  for (int i = 0; i < 32; ++i) root = (root + value / root) / 2;
  return static_cast<float>(1.0 / root);
}
constexpr float kScale = inverse_square_root(config::head_dim);

/// What the softmax multiplies scores with. Modified scores have been scaled before they were modified.
constexpr float kScaleLog2 = kModified ? device::kLog2E : device::kLog2E * kScale;

/// Absolute error about 2^-22.
__device__ __forceinline__ float tanh(float value) {
  return 1.0f - __fdividef(2.0f, 1.0f + ptx::ex2_approx_ftz(2.0f * device::kLog2E * value));
}

/// The score of one product.
__device__ __forceinline__ float score(float product, const Query& query, int key) {
  if constexpr (!kModified) return product;
  float value = product * kScale;
  if constexpr (config::softcap > 0) value = kSoftcap * tanh(value / kSoftcap);
  return config::score(value, query.index, key, query.head, query.batch);
}

}  // namespace decode
