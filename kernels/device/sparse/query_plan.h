// What the blocks of the backward's query pass work on, where lists say which blocks of the mask are kept.
#pragma once

#include <weir/config.h>

#include "device/sparse/key_plan.h"

namespace sparse {

/// The key tiles that a block's queries see, from the last to the first.
class KeptKeySteps {
 public:
  using Queries = Cover<config::dq_tile_q, config::block_q>;
  using Keys = Cover<config::dq_tile_kv, config::block_kv>;
  using Tiles = KeptTiles<Queries::blocks_of_tile, Keys::blocks_of_tile, Keys::tiles_of_block>;

  struct Step {
    int tile;  // below 0 at the end
    bool whole;
    KeptBlocks<config::block_q, config::block_kv, Keys::blocks_of_tile> kept;
  };

  __device__ __forceinline__ KeptKeySteps(const Tiles& tiles, const Visibility& sees, const Rows& queries)
      : tiles_(tiles), sees_(sees), queries_(queries) {}

  __device__ __forceinline__ Step next() {
    const KeptTile tile = tiles_.next();
    const bool in_band = attention::backward::all_in_band(
        sees_, queries_, {tile.index * config::dq_tile_kv, config::dq_tile_kv});
    return {.tile = tile.index, .whole = tile.bits == Tiles::kAll && in_band, .kept = {tile.bits}};
  }

 private:
  Tiles tiles_;
  Visibility sees_;
  Rows queries_;
};

/// Of attention::backward::query_pass.
struct KeptQueryPlan {
  using Steps = KeptKeySteps;
  using Order = TileOrder<Steps::Queries, true>;

  BlockLists rows;

  __device__ __forceinline__ TileWork work(int block, const Problem& problem) const {
    const int lines = device::ceil_div(problem.seq_q, config::block_q);
    TileWork work = TileWork::of_block(block, problem.batches, problem.heads_q, Order::places(lines));
    work.tile = Order::tile(rows, work.batch * problem.heads_q + work.head, lines, work.tile);
    return work;
  }

  __device__ __forceinline__ Steps steps(const Visibility& sees, const Rows& queries, const TileWork& work,
                                         const Problem& problem) const {
    const int lines = device::ceil_div(problem.seq_q, config::block_q), line = Order::line(work.tile);
    const TileSpan span =
        TileSpan::of_queries<config::dq_tile_kv>(sees, queries.first, min(queries.last(), sees.seq_q - 1));
    return Steps(Steps::Tiles(rows.first + rows.line(work.batch * problem.heads_q + work.head, lines, line),
                              rows.blocks, lines - line, span.begin, span.end),
                 sees, queries);
  }
};

}  // namespace sparse
