// What the blocks of the backward pass over keys work on, where lists say which blocks of the mask are kept.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/problem.h"
#include "device/attention/backward/work.h"
#include "device/sparse/kept_tiles.h"
#include "device/sparse/mask.h"

namespace sparse {

using attention::TileSpan;
using attention::Visibility;
using attention::backward::Problem;
using attention::backward::Rows;
using attention::backward::TileWork;

/// The query tiles that a block's keys meet: head after head, of each from the last to the first.
class KeptQuerySteps {
 public:
  using Keys = Cover<config::tile_kv, config::block_kv>;
  using Queries = Cover<config::tile_q, config::block_q>;
  using Tiles = KeptTiles<Keys::blocks_of_tile, Queries::blocks_of_tile, Queries::tiles_of_block>;

  struct Step {
    int head;  // of those that share the keys; their number at the end
    int tile;
    bool whole;  // every pair is visible
    KeptBlocks<config::block_kv, config::block_q, Queries::blocks_of_tile> kept;
  };

  /// `first_head` is one of all sequences', `line` the first line of mask blocks that the keys lie in.
  __device__ __forceinline__ KeptQuerySteps(const BlockLists& columns, const Visibility& sees,
                                            const Rows& keys, int first_head, int heads, int line)
      : columns_(columns),
        sees_(sees),
        keys_(keys),
        first_head_(first_head),
        heads_(heads),
        line_(line),
        tiles_(tiles_of(0)) {}

  __device__ __forceinline__ Step next() {
    while (head_ < heads_) {
      const KeptTile tile = tiles_.next();
      if (tile.index >= 0) {
        const bool in_band =
            attention::backward::all_in_band(sees_, {tile.index * config::tile_q, config::tile_q}, keys_);
        return {.head = head_,
                .tile = tile.index,
                .whole = tile.bits == Tiles::kAll && in_band,
                .kept = {tile.bits}};
      }
      if (++head_ < heads_) tiles_ = tiles_of(head_);
    }
    return {.head = heads_, .tile = 0, .whole = true, .kept = {0}};
  }

 private:
  __device__ __forceinline__ Tiles tiles_of(int head) const {
    const int lines = device::ceil_div(sees_.seq_kv, config::block_kv);
    const TileSpan span =
        TileSpan::of_keys<config::tile_q>(sees_, keys_.first, min(keys_.last(), sees_.seq_kv - 1));
    return Tiles(columns_.first + columns_.line(first_head_ + head, lines, line_), columns_.blocks,
                 lines - line_, span.begin, span.end);
  }

  BlockLists columns_;
  Visibility sees_;
  Rows keys_;
  int first_head_, heads_, line_;
  int head_ = 0;
  Tiles tiles_;
};

/// Of attention::backward::key_pass.
struct KeptKeyPlan {
  using Steps = KeptQuerySteps;
  using Order = TileOrder<Steps::Keys, false>;

  BlockLists columns;

  __device__ __forceinline__ TileWork work(int block, const Problem& problem) const {
    const int lines = device::ceil_div(problem.seq_kv, config::block_kv);
    TileWork work = TileWork::of_block(block, problem.batches, problem.heads_kv, Order::places(lines));
    work.tile = Order::tile(columns, first_head(work, problem), lines, work.tile);
    return work;
  }

  __device__ __forceinline__ Steps steps(const Visibility& sees, const Rows& keys, int, int heads,
                                         const TileWork& work, const Problem& problem) const {
    return Steps(columns, sees, keys, first_head(work, problem), heads, Order::line(work.tile));
  }

  /// The first query head that shares the keys, of all sequences'.
  static __device__ __forceinline__ int first_head(const TileWork& work, const Problem& problem) {
    return work.batch * problem.heads_q + work.head * (problem.heads_q / problem.heads_kv);
  }
};

}  // namespace sparse
