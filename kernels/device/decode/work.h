// Which part of the problem a block works on at a time.
#pragma once

#include <weir/config.h>

#include "device/decode/problem.h"

namespace decode {

constexpr int kThreads = config::warps * 32;
constexpr int kKeyWarps = config::warps / config::warps_rows;
constexpr int kTileKeys = kKeyWarps * config::keys_per_warp;
static_assert(config::warps % config::warps_rows == 0, "every row has the same number of warps");

/// The grouped heads of one key and value head read the same keys: their queries are rows of one tile. Row r
/// is query r / group of head r % group. A piece is a tile of such rows against one of `parts` parts of the
/// key tiles that they see.
struct Piece {
  int batch, head_kv, part;
  int first_row, rows;  // the first row of the tile; rows of the whole sequence and its heads
  int tile, tiles_end;  // key tiles
  Sequence sequence;

  __device__ __forceinline__ Piece() {}

  __device__ __forceinline__ Piece(const Problem& problem, int parts, int item) {
    const int group = problem.group();
    const int row_tiles = (group * problem.seq_q + config::tile_rows - 1) / config::tile_rows;
    // Side by side: the tiles that read the same keys, then the heads, whose keys are neighbours in memory.
    first_row = item % row_tiles * config::tile_rows;
    head_kv = item / row_tiles % problem.heads_kv;
    part = item / row_tiles / problem.heads_kv % parts;
    batch = item / row_tiles / problem.heads_kv / parts;
    sequence = problem.sequence(batch);
    rows = group * sequence.queries;
    tile = tiles_end = 0;
    if (!has_rows()) return;
    const attention::Visibility visibility = problem.visibility(sequence);
    const int begin = visibility.first_key(first_query(group));
    const int end = visibility.end_key(last_query(group));
    const int first = begin / kTileKeys;
    const int count = max(0, (end + kTileKeys - 1) / kTileKeys - first);
    tile = first + static_cast<int>(static_cast<long long>(count) * part / parts);
    tiles_end = first + static_cast<int>(static_cast<long long>(count) * (part + 1) / parts);
  }

  /// Sequences of a packed batch may have fewer queries than the longest one, or none.
  __device__ __forceinline__ bool has_rows() const { return first_row < rows; }
  __device__ __forceinline__ int first_query(int group) const { return first_row / group; }
  __device__ __forceinline__ int last_query(int group) const {
    return (min(first_row + config::tile_rows, rows) - 1) / group;
  }

  __device__ __forceinline__ Query query(int row, int group) const {
    return {.index = row / group, .head = head_kv * group + row % group, .batch = batch};
  }

  /// Which pairs of the piece's rows and a key tile the mask admits.
  __device__ __forceinline__ config::Range admitted(int key_tile, int group) const {
    if constexpr (config::mask_is_default) return config::Range::all;
    const int first_key = key_tile * kTileKeys;
    return config::mask_range(first_query(group), last_query(group), first_key,
                              min(first_key + kTileKeys, sequence.keys) - 1, head_kv * group,
                              head_kv * group + group - 1, batch, batch);
  }

  /// Whether every row of the tile sees all `count` keys as far as causality and the window decide it.
  __device__ __forceinline__ bool see_all(const Problem& problem, int first_key, int count) const {
    const attention::Visibility visibility = problem.visibility(sequence);
    const int group = problem.group();
    return first_key >= visibility.first_key(last_query(group)) &&
           first_key + count <= visibility.end_key(first_query(group));
  }
};

}  // namespace decode
