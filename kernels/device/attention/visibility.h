// Which keys a query sees and, the other way round, which queries see a key: lengths, the causal diagonal, windows
// and the mask formula, for points and for tiles.
#pragma once

#include <weir/config.h>

namespace attention {

/// What is seen apart from the mask formula: a band around the diagonal that ends in the lower right corner of
/// a sequence's scores. Indices count from the sequence's first query and key. Both ends of a row's keys grow
/// with the row, and both ends of a key's queries with the key.
struct Visibility {
  int seq_q, seq_kv;
  int window_left, window_right;  // keys besides the diagonal's; below 0: all

  /// Query i sees keys [first_key(i), end_key(i)); the ends may lie outside of the sequence, in any order.
  __device__ __forceinline__ int first_key(int query) const {
    if constexpr (config::windowed) {
      if (window_left >= 0) return query + seq_kv - seq_q - window_left;
    }
    return 0;
  }
  __device__ __forceinline__ int end_key(int query) const {
    int end = seq_kv;
    if constexpr (config::causal) end = min(end, query + 1 + seq_kv - seq_q);
    if constexpr (config::windowed) {
      if (window_right >= 0) end = min(end, query + 1 + seq_kv - seq_q + window_right);
    }
    return end;
  }

  /// Key j is seen by queries [first_query(j), end_query(j)); as above.
  __device__ __forceinline__ int first_query(int key) const {
    int first = 0;
    if constexpr (config::causal) first = max(first, key - seq_kv + seq_q);
    if constexpr (config::windowed) {
      if (window_right >= 0) first = max(first, key - seq_kv + seq_q - window_right);
    }
    return first;
  }
  __device__ __forceinline__ int end_query(int key) const {
    if constexpr (config::windowed) {
      if (window_left >= 0) return min(seq_q, key + 1 - seq_kv + seq_q + window_left);
    }
    return seq_q;
  }

  /// With the mask formula, for a query and a key of the sequence.
  __device__ __forceinline__ bool sees(int query, int key, int head, int batch) const {
    const bool inside = key >= first_key(query) && key < end_key(query);
    if constexpr (config::mask_is_default) {
      return inside;
    } else {
      return inside && config::mask(query, key, head, batch);
    }
  }
};

/// Tiles of `tile` places (keys, or queries) that a run of rows (queries, or keys) sees, apart from the mask
/// formula: [begin, end) at least in part, [whole_begin, whole_end) every place by every row.
struct TileSpan {
  int begin, end, whole_begin, whole_end;

  /// From the places that the run's first and last row see.
  template <int tile>
  static __device__ __forceinline__ TileSpan of(int first_row_begin, int first_row_end, int last_row_begin,
                                                int last_row_end) {
    return {.begin = max(0, first_row_begin) / tile,
            .end = (max(0, last_row_end) + tile - 1) / tile,
            .whole_begin = (max(0, last_row_begin) + tile - 1) / tile,
            .whole_end = max(0, first_row_end) / tile};
  }

  template <int tile_kv>
  static __device__ __forceinline__ TileSpan of_queries(const Visibility& visibility, int first, int last) {
    return of<tile_kv>(visibility.first_key(first), visibility.end_key(first), visibility.first_key(last),
                       visibility.end_key(last));
  }

  template <int tile_q>
  static __device__ __forceinline__ TileSpan of_keys(const Visibility& visibility, int first, int last) {
    return of<tile_q>(visibility.first_query(first), visibility.end_query(first), visibility.first_query(last),
                      visibility.end_query(last));
  }

  __device__ __forceinline__ bool is_whole(int tile) const {
    return tile >= whole_begin && tile < whole_end;
  }
};

/// What the mask formula says of a box of queries and keys, all ends inclusive and inside the sequence.
__device__ __forceinline__ config::Range masked_box(int first_query, int last_query, int first_key,
                                                    int last_key, int head, int batch) {
  if constexpr (config::mask_is_default) {
    return config::Range::all;
  } else {
    return config::mask_range(first_query, last_query, first_key, last_key, head, head, batch, batch);
  }
}

}  // namespace attention
