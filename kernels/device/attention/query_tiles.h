// The query tiles of an attention problem in the order of work, and the key tiles that each sees.
#pragma once

#include <weir/config.h>

namespace attention {

struct ProblemSize {
  int batches, heads_q, heads_kv, seq_q, seq_kv;

  __device__ __forceinline__ int tiles_q() const { return (seq_q + config::tile_q - 1) / config::tile_q; }
  __device__ __forceinline__ int query_tiles() const { return batches * heads_q * tiles_q(); }
};

/// The number, in the order of work, of the `item`-th of `items` that the grid takes, where item % gridDim.x
/// is the block's number. Every second round of a persistent grid goes backwards, so that no block has the
/// longest of every round.
__device__ __forceinline__ int work_order(int item, int items) {
  if constexpr (!config::persistent) return item;
  const int blocks = static_cast<int>(gridDim.x);
  const int first = item - static_cast<int>(blockIdx.x);  // of the round
  const bool backwards = first / blocks % 2 != 0;
  return backwards ? first + min(blocks, items - first) - 1 - static_cast<int>(blockIdx.x) : item;
}

/// tile_q query rows of one head. Heads are worked on in groups of head_group; within a group the query tiles
/// that see the most keys come first, and the heads of the group run side by side. Key tiles [0, unmasked)
/// are seen whole by every row, [unmasked, tiles) in part.
struct QueryTileWork {
  int batch, head_q, head_kv, first_row, tiles, unmasked;

  /// `item` as the blocks count them: item % gridDim.x is the block's number.
  static __device__ __forceinline__ QueryTileWork of(int item, const ProblemSize& size) {
    return numbered(work_order(item, size.query_tiles()), size);
  }

  /// By its number in the order of work.
  static __device__ __forceinline__ QueryTileWork numbered(int number, const ProblemSize& size) {
    const int tiles_q = size.tiles_q();
    const int first_head = number / (config::head_group * tiles_q) * config::head_group;
    const int heads = min(config::head_group, size.batches * size.heads_q - first_head);
    const int within = number - first_head * tiles_q;
    const int head = first_head + within % heads;
    QueryTileWork work{.batch = head / size.heads_q,
                       .head_q = head % size.heads_q,
                       .head_kv = head % size.heads_q / (size.heads_q / size.heads_kv),
                       .first_row = (tiles_q - 1 - within / heads) * config::tile_q,
                       .tiles = 0,
                       .unmasked = 0};
    int seen_by_any = size.seq_kv, seen_by_all = size.seq_kv;
    if constexpr (config::causal) {
      const int shift = size.seq_kv - size.seq_q;
      seen_by_any = min(size.seq_kv, max(0, min(work.first_row + config::tile_q, size.seq_q) + shift));
      seen_by_all = min(size.seq_kv, max(0, work.first_row + 1 + shift));
    }
    work.tiles = (seen_by_any + config::tile_kv - 1) / config::tile_kv;
    work.unmasked = seen_by_all / config::tile_kv;
    return work;
  }
};

}  // namespace attention
