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
/// key tiles that they see: tiles one after another, or, interleaved, every `parts`-th, so that all blocks
/// together read the cache from its beginning to its end.
struct Piece {
  int batch, head_kv, part;
  int parts;            // that have work: no more than key tiles, and the first one in any case
  int row_tile;         // number of the tile of rows in the whole problem
  int first_row, rows;  // the first row of the tile; rows of the whole sequence and its heads
  int tile, tiles_end;  // key tiles, `tile_step()` apart
  Sequence sequence;

  __device__ __forceinline__ Piece() {}

  __device__ __forceinline__ Piece(const Problem& problem, int all_parts, int item) {
    const unsigned group = static_cast<unsigned>(problem.group());
    const unsigned row_tiles =
        (group * static_cast<unsigned>(problem.seq_q) + config::tile_rows - 1) / config::tile_rows;
    const unsigned heads = static_cast<unsigned>(problem.heads_kv);
    // Side by side: the tiles that read the same keys, then the heads, whose keys are neighbours in memory.
    const unsigned head = static_cast<unsigned>(item) / row_tiles;
    const unsigned slice = head / heads;
    const unsigned sequence_number = slice / static_cast<unsigned>(all_parts);
    const unsigned tile_of_head = static_cast<unsigned>(item) % row_tiles;
    first_row = static_cast<int>(tile_of_head) * config::tile_rows;
    head_kv = static_cast<int>(head % heads);
    part = static_cast<int>(slice % static_cast<unsigned>(all_parts));
    batch = static_cast<int>(sequence_number);
    row_tile = static_cast<int>((sequence_number * heads + head % heads) * row_tiles + tile_of_head);
    sequence = problem.sequence(batch);
    rows = static_cast<int>(group) * sequence.queries;
    tile = tiles_end = 0;
    parts = 1;
    if (has_rows()) share_keys(problem, all_parts);
  }

  /// Sequences of a packed batch may have fewer queries than the longest one, or none.
  __device__ __forceinline__ bool has_rows() const { return first_row < rows; }
  __device__ __forceinline__ bool has_work() const { return has_rows() && part < parts; }
  __device__ __forceinline__ int tile_step() const { return config::interleaved ? parts : 1; }
  /// Of the tile.
  __device__ __forceinline__ int valid_rows() const { return min(config::tile_rows, rows - first_row); }
  __device__ __forceinline__ int first_query(int group) const { return first_row / group; }
  __device__ __forceinline__ int last_query(int group) const {
    return (first_row + valid_rows() - 1) / group;
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

 private:
  __device__ __forceinline__ void share_keys(const Problem& problem, int all_parts) {
    const int group = problem.group();
    const attention::Visibility visibility = problem.visibility(sequence);
    const int begin = visibility.first_key(first_query(group));
    const int end = visibility.end_key(last_query(group));
    const int first = begin / kTileKeys;
    const int count = max(0, (end + kTileKeys - 1) / kTileKeys - first);
    parts = max(1, min(all_parts, count));
    if (part >= parts) return;
    if constexpr (config::interleaved) {
      tile = first + part;
      tiles_end = first + count;
    } else {
      // The definition's restriction keeps the products within 32 bits.
      const unsigned tiles = static_cast<unsigned>(count), all = static_cast<unsigned>(parts);
      tile = first + static_cast<int>(tiles * static_cast<unsigned>(part) / all);
      tiles_end = first + static_cast<int>(tiles * static_cast<unsigned>(part + 1) / all);
    }
  }
};

}  // namespace decode
