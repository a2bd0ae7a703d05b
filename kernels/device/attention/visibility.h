// Which keys a query sees and, the other way round, which queries see a key: lengths, the causal diagonal,
// windows and the mask formula, for points and for tiles.
#pragma once

#include <weir/config.h>

namespace attention {

/// What the mask formula says of one query and one key.
__device__ __forceinline__ bool unmasked(int query, int key, int head, int batch) {
  if constexpr (config::mask_is_default) {
    return true;
  } else {
    return config::mask(query, key, head, batch);
  }
}

/// What is seen apart from the mask formula: a band around the diagonal that ends in the lower right corner
/// of a sequence's scores. Indices count from the sequence's first query and key. Both ends of a query's keys
/// grow with the query, and both ends of a key's queries with the key.
struct Visibility {
  int seq_q, seq_kv;
  int window_left, window_right;  // keys besides the diagonal's; below 0: all

  /// The key on query 0's diagonal; below 0 where the first queries are before all keys.
  __device__ __forceinline__ int diagonal() const { return seq_kv - seq_q; }

  /// Query i sees keys [first_key(i), end_key(i)), none if they are in the wrong order.
  __device__ __forceinline__ int first_key(int query) const {
    if constexpr (config::windowed) {
      if (window_left >= 0) return max(0, query + diagonal() - window_left);
    }
    return 0;
  }
  __device__ __forceinline__ int end_key(int query) const {
    int end = seq_kv;
    if constexpr (config::causal) end = min(end, max(0, query + 1 + diagonal()));
    if constexpr (config::windowed) {
      if (window_right >= 0) end = min(end, max(0, query + 1 + diagonal() + window_right));
    }
    return end;
  }
  /// Where the causal diagonal or the window ends the query's keys, were there enough of them; may be below
  /// 0.
  __device__ __forceinline__ int band_end(int query) const {
    if constexpr (config::causal) return query + 1 + seq_kv - seq_q;
    if constexpr (config::windowed) {
      if (window_right >= 0) return query + 1 + seq_kv - seq_q + window_right;
    }
    return seq_kv;
  }

  /// Key j is seen by queries [first_query(j), end_query(j)), as above.
  __device__ __forceinline__ int first_query(int key) const {
    int first = 0;
    if constexpr (config::causal) first = max(first, key - diagonal());
    if constexpr (config::windowed) {
      if (window_right >= 0) first = max(first, key - diagonal() - window_right);
    }
    return first;
  }
  __device__ __forceinline__ int end_query(int key) const {
    if constexpr (config::windowed) {
      if (window_left >= 0) return min(seq_q, max(0, key + 1 - diagonal() + window_left));
    }
    return seq_q;
  }

  /// With the mask formula, for a query and a key that are not below 0.
  __device__ __forceinline__ bool sees(int query, int key, int head, int batch) const {
    return key >= first_key(query) && key < end_key(query) && unmasked(query, key, head, batch);
  }
};

/// Tiles of `tile` places (keys, or queries) that a run of rows (queries, or keys) sees, apart from the mask
/// formula: [begin, end) at least in part, [whole_begin, whole_end) every place by every row.
struct TileSpan {
  int begin, end, whole_begin, whole_end;

  /// Queries [first, last + 1).
  template <int tile_kv>
  static __device__ __forceinline__ TileSpan of_queries(const Visibility& visibility, int first, int last) {
    return of<tile_kv>(visibility.first_key(first), visibility.end_key(last), visibility.first_key(last),
                       visibility.end_key(first));
  }

  /// Keys [first, last + 1).
  template <int tile_q>
  static __device__ __forceinline__ TileSpan of_keys(const Visibility& visibility, int first, int last) {
    return of<tile_q>(visibility.first_query(first), visibility.end_query(last), visibility.first_query(last),
                      visibility.end_query(first));
  }

  /// Places [begin, end) are seen by any row, [whole_begin, whole_end) by all.
  template <int tile>
  static __device__ __forceinline__ TileSpan of(int begin, int end, int whole_begin, int whole_end) {
    return {.begin = begin / tile,
            .end = (end + tile - 1) / tile,
            .whole_begin = (whole_begin + tile - 1) / tile,
            .whole_end = whole_end / tile};
  }

  __device__ __forceinline__ bool is_whole(int tile) const { return tile >= whole_begin && tile < whole_end; }
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
