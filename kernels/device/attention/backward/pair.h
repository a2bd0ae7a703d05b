// From the dot product of a query and a key to the pair's weight, and back from the weight's gradient to the
// score's; and which pairs count.
#pragma once

#include <weir/config.h>

#include "device/attention/position.h"
#include "device/attention/score.h"
#include "device/attention/visibility.h"

namespace attention::backward {

/// What dS = P * (dP - delta) needs of a query: the logarithm of its sum of exponentials in units of log2,
/// +inf where it sees nothing and P is to be 0, and delta = sum(dO * O).
struct RowStatistics {
  float log2_sum, delta;
};

/// What dQ and dK are still to be multiplied with; a modified score's slope has the scale in it.
constexpr float kGradientScale = kModified ? 1.0f : kScale;

/// Replaces a product by what dP - delta is to be multiplied with, the pair's weight times the score's slope,
/// and returns the weight.
__device__ __forceinline__ float weigh(float& product, const RowStatistics& row, Position query, Position key,
                                       int head, int batch) {
  float weight;
  if constexpr (kModified) {
    const float score = modified_score(product, query, key, head, batch);
    weight = ptx::ex2_approx_ftz(score * kScaleLog2 - row.log2_sum);
    product = weight * score_slope(product, query, key, head, batch);
  } else {
    weight = product = ptx::ex2_approx_ftz(product * kScaleLog2 - row.log2_sum);
  }
  return weight;
}

/// The diagonals that a query sees: key - query - (seq_kv - seq_q) lies in [least, most].
struct Band {
  int least, most;

  static constexpr int kNoLimit = 1 << 30;

  static __device__ __forceinline__ Band of(const Visibility& sees) {
    Band band{.least = -kNoLimit, .most = config::causal ? 0 : kNoLimit};
    if constexpr (config::windowed) {
      if (sees.window_left >= 0) band.least = -sees.window_left;
      if (!config::causal && sees.window_right >= 0) band.most = sees.window_right;
    }
    return band;
  }

  __device__ __forceinline__ bool contains(int lead) const {
    if constexpr (config::windowed) return lead >= least && lead <= most;
    return !config::causal || lead <= most;
  }
};

/// How far a key is ahead of a query's diagonal.
__device__ __forceinline__ int lead(const Visibility& sees, int query, int key) {
  return key - query - sees.diagonal();
}

/// Rows [first, first + count) of a sequence, some of them perhaps beyond its end.
struct Rows {
  int first, count;
  __device__ __forceinline__ int last() const { return first + count - 1; }
};

/// A tile whose pairs are all kept, apart from what the problem's parameters hide.
struct AllKept {
  /// Row and column are counted from the tile's first, in the order of its block's scores.
  __device__ __forceinline__ bool contains(int, int) const { return true; }
};

/// Whether all of the queries see all of the keys, apart from the mask formula. Queries beyond the sequence
/// count as if they existed: their weights are 0 anyway.
__device__ __forceinline__ bool all_in_band(const Visibility& sees, const Rows& queries, const Rows& keys) {
  const Band band = Band::of(sees);
  return keys.last() < sees.seq_kv && band.contains(lead(sees, queries.first, keys.last())) &&
         band.contains(lead(sees, queries.last(), keys.first));
}

}  // namespace attention::backward
