// Which queries see which keys, for tiles of both.
#pragma once

#include <weir/config.h>

#include "device/block_order.h"

namespace attention::backward {

/// Rows [first, first + count) of a sequence, some of them perhaps beyond its end.
struct Rows {
  int first, count;
};

/// Tiles [first, end).
struct TileRange {
  int first, end;
};

/// A sequence's queries and keys.
struct Visibility {
  int seq_q, seq_kv;

  /// How far a key is ahead of a query, where the last query is on a level with the last key.
  __device__ __forceinline__ int lead(int query, int key) const { return key - query - (seq_kv - seq_q); }

  /// Whether the lead leaves the pair visible.
  __device__ __forceinline__ bool in_band(int lead) const { return !config::causal || lead <= 0; }

  /// Whether all of the queries see all of the keys. Queries beyond the sequence count as if they existed.
  __device__ __forceinline__ bool all_visible(const Rows& queries, const Rows& keys) const {
    const int last_key = keys.first + keys.count - 1;
    return last_key < seq_kv && in_band(lead(queries.first, last_key));
  }

  /// The tiles of `tile` queries in which a query sees one of the keys.
  __device__ __forceinline__ TileRange query_tiles(const Rows& keys, int tile) const {
    const int first_query = config::causal ? max(0, lead(0, keys.first)) : 0;
    const int end = device::ceil_div(seq_q, tile);
    return {min(first_query / tile, end), end};
  }

  /// The tiles of `tile` keys in which a key is seen by one of the queries.
  __device__ __forceinline__ TileRange key_tiles(const Rows& queries, int tile) const {
    const int last_query = min(queries.first + queries.count, seq_q) - 1;
    const int end_key = config::causal ? min(seq_kv, max(0, 1 - lead(last_query, 0))) : seq_kv;
    return {0, (end_key + tile - 1) / tile};
  }
};

}  // namespace attention::backward
