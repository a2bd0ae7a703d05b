// How many pairs of a query and a key a block of scores has.
#pragma once

#include <weir/config.h>

namespace sparse {

/// Pairs of the block that the causal rule leaves.
__device__ __forceinline__ float visible_pairs(int row, int column, int seq_q, int seq_kv) {
  const int first_query = row * config::block_q, end_query = min(first_query + config::block_q, seq_q);
  const int first_key = column * config::block_kv;
  const int keys = min(first_key + config::block_kv, seq_kv) - first_key;
  if constexpr (!config::causal) {
    return static_cast<float>(end_query - first_query) * static_cast<float>(keys);
  } else {
    // Query i sees i + shift keys of the block, as far as there are so many.
    const int shift = seq_kv - seq_q + 1 - first_key;
    const int some = min(max(1 - shift, first_query), end_query);
    const int all = min(max(keys - shift, some), end_query);
    return 0.5f * static_cast<float>(all - some) * static_cast<float>(some + all - 1 + 2 * shift) +
           static_cast<float>(end_query - all) * static_cast<float>(keys);
  }
}

}  // namespace sparse
