// From products of queries with keys to scores: scale, softcap, the caller's formula.
#pragma once

#include <weir/config.h>

#include "device/ptx/math.h"
#include "device/softmax.h"

namespace attention {

/// 1 / sqrt(head_dim).
constexpr float kScale = config::head_dim == 64    ? 0.125f
                         : config::head_dim == 96  ? 0.10206207261596575f
                         : config::head_dim == 128 ? 0.08838834764831845f
                                                   : 0.0625f;
static_assert(config::head_dim == 64 || config::head_dim == 96 || config::head_dim == 128 ||
                  config::head_dim == 256,
              "the scale is listed for heads of 64, 96, 128 and 256");

/// Whether a score is anything but the scaled product.
constexpr bool kModified = config::softcap > 0 || !config::score_is_default;
constexpr float kSoftcap = config::softcap > 0 ? static_cast<float>(config::softcap) : 1.0f;

/// What turns a score into a power of two. A score that is not modified is left a product.
constexpr float kScaleLog2 = device::kLog2E * (kModified ? 1.0f : kScale);

/// (1 - tanh(product * kScale / softcap)) / 2, as 1 / (1 + exp(2 x)): absolute error about 2^-23, where the
/// hardware's tanh is off by 2^-11 of its value, as much as rounding the scores to f16.
__device__ __forceinline__ float below_cap(float product) {
  const float power = ptx::ex2_approx_ftz(product * (2.0f * device::kLog2E * kScale / kSoftcap));
  return ptx::rcp_approx_ftz(1.0f + power);
}

/// The score, in units of the natural exponent. An Index is an int or a Position.
template <class Index>
__device__ __forceinline__ float modified_score(float product, Index query, Index key, int head, int batch) {
  float score;
  if constexpr (config::softcap > 0) {
    score = kSoftcap - 2.0f * kSoftcap * below_cap(product);
  } else {
    score = product * kScale;
  }
  if constexpr (config::score_is_default) {
    return score;
  } else {
    return config::score(score, query, key, head, batch);
  }
}

/// Its derivative with respect to the product.
template <class Index>
__device__ __forceinline__ float score_slope(float product, Index query, Index key, int head, int batch) {
  float slope = kScale, score = product * kScale;
  if constexpr (config::softcap > 0) {
    const float below = below_cap(product);
    slope = 4.0f * kScale * below * (1.0f - below);
    score = kSoftcap - 2.0f * kSoftcap * below;
  }
  if constexpr (config::score_is_default) {
    return slope;
  } else {
    return slope * config::score_derivative(score, query, key, head, batch);
  }
}

}  // namespace attention
