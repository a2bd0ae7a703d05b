// From dot products to the scores that the softmax sees.
#pragma once

#include <weir/config.h>

#include "device/attention/position.h"
#include "device/ptx/math.h"
#include "device/softmax.h"

namespace attention {

/// 1 / sqrt(head_dim).
constexpr float kScale = config::head_dim == 64    ? 0.125f
                         : config::head_dim == 96  ? 0.10206207261596575f
                         : config::head_dim == 128 ? 0.08838834764831845f
                                                   : 0.0625f;

/// Whether scores are more than scaled dot products.
constexpr bool kScoresTransformed = config::softcap > 0.0f || !config::score_is_default;

/// What turns a score into a power of two: a plain one is a dot product still.
constexpr float kScaleLog2 = device::kLog2E * (kScoresTransformed ? 1.0f : kScale);

/// softcap * tanh(dot / (sqrt(head_dim) * softcap)), as softcap - 2 softcap / (1 + exp(2 x)): two fast functions
/// whose error stays below 2^-20 of the softcap, where the hardware's tanh has 2^-11 of the score.
__device__ __forceinline__ float capped(float dot) {
  constexpr float kCap = config::softcap;
  const float power = ptx::ex2_approx_ftz(dot * (2.0f * device::kLog2E * kScale / kCap));
  return kCap - 2.0f * kCap * ptx::rcp_approx_ftz(1.0f + power);
}

/// The score, in units of the natural exponent, of a query and a key with this dot product.
__device__ __forceinline__ float transformed(float dot, Position query, Position key, int head, int batch) {
  float score;
  if constexpr (config::softcap > 0.0f) {
    score = capped(dot);
  } else {
    score = dot * kScale;
  }
  if constexpr (config::score_is_default) {
    return score;
  } else {
    return config::score(score, query, key, head, batch);
  }
}

}  // namespace attention
