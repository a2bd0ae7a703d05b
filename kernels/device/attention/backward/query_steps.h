// The query tiles that a block's keys meet.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/problem.h"
#include "device/attention/backward/work.h"
#include "device/attention/visible_tiles.h"

namespace attention::backward {

/// A tile of queries of one of the heads that share the block's keys.
struct QueryStep {
  int head;  // of those; `heads` at the end
  int tile;
  bool whole;  // every pair is visible
  AllKept kept = {};
};

/// Head after head, of each the tiles in which a query sees one of the keys, from the last to the first.
class QuerySteps {
 public:
  __device__ __forceinline__ QuerySteps(const Visibility& sees, const Rows& keys, int first_head, int heads,
                                        int batch)
      : sees_(sees),
        keys_(keys),
        first_head_(first_head),
        heads_(heads),
        batch_(batch),
        span_(TileSpan::of_keys<config::tile_q>(sees, keys.first, min(keys.last(), sees.seq_kv - 1))),
        masked_tiles_(span_.begin, span_.end),
        head_(0),
        tile_(span_.end) {
    if (span_.begin >= span_.end) head_ = heads;
  }

  __device__ __forceinline__ int heads() const { return heads_; }

  __device__ __forceinline__ QueryStep next() {
    if constexpr (config::mask_is_default) {
      if (tile_ <= span_.begin) ++head_, tile_ = span_.end;
      --tile_;
      return {.head = head_, .tile = tile_, .whole = in_band(tile_)};
    } else {
      for (; head_ < heads_; ++head_, masked_tiles_ = VisibleTiles(span_.begin, span_.end)) {
        const VisibleTiles::Tile found = masked_tiles_.next([this](int tile) {
          const int first = tile * config::tile_q;
          return masked_box(first, min(first + config::tile_q, sees_.seq_q) - 1, keys_.first,
                            min(keys_.last(), sees_.seq_kv - 1), first_head_ + head_, batch_);
        });
        if (found.index >= 0) {
          return {.head = head_, .tile = found.index, .whole = found.whole && in_band(found.index)};
        }
      }
      return {.head = heads_, .tile = 0, .whole = true};
    }
  }

 private:
  __device__ __forceinline__ bool in_band(int tile) const {
    return all_in_band(sees_, {tile * config::tile_q, config::tile_q}, keys_);
  }

  Visibility sees_;
  Rows keys_;
  int first_head_, heads_, batch_;
  TileSpan span_;
  VisibleTiles masked_tiles_;
  int head_, tile_;  // without a mask formula, the step that was last taken
};

/// What the blocks of a key pass work on, without a block mask.
struct KeyPlan {
  using Steps = QuerySteps;

  /// Key tiles in order: with a causal mask, those that most queries see come first.
  static __device__ __forceinline__ TileWork work(int block, const Problem& problem) {
    return TileWork::of_block(block, problem.batches, problem.heads_kv,
                              device::ceil_div(problem.seq_kv, config::tile_kv));
  }
  static __device__ __forceinline__ Steps steps(const Visibility& sees, const Rows& keys, int first_head,
                                                int heads, const TileWork& work, const Problem&) {
    return Steps(sees, keys, first_head, heads, work.batch);
  }
};

}  // namespace attention::backward
