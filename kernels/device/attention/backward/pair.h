// From the score of a query and a key to its weight, and back from the weight's gradient to the score's.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/tiles.h"
#include "device/ptx/math.h"

namespace attention::backward {

constexpr float kScaleLog2 = device::kLog2E * kScale;

/// What dS = P * (dP - delta) needs of a query: the logarithm of its sum of exponentials in units of log2,
/// +inf where it sees nothing and P is to be 0, and delta = sum(dO * O).
struct RowStatistics {
  float log2_sum, delta;
};

/// P of a visible pair, from q · k.
__device__ __forceinline__ float weight(float product, const RowStatistics& row) {
  return ptx::ex2_approx_ftz(product * kScaleLog2 - row.log2_sum);
}

}  // namespace attention::backward
