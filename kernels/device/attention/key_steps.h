// The key tiles of a block, in the order of its steps.
#pragma once

#include <weir/config.h>

#include "device/attention/key_stream.h"
#include "device/attention/visibility.h"
#include "device/attention/visible_tiles.h"
#include "device/choose.h"

namespace attention {

/// What the block's queries see of one head.
struct BlockView {
  Visibility visibility;
  int first_query, last_query;
  int head, batch;
};

/// All tiles that the block's rows see, from the last to the first: step 0 works on the only one that can
/// reach past seq_kv.
struct IntervalSteps {
  int count;
  TileSpan span;

  static __device__ __forceinline__ IntervalSteps of(const BlockView& view) {
    const TileSpan span =
        TileSpan::of_queries<config::tile_kv>(view.visibility, view.first_query, view.last_query);
    return {.count = config::windowed ? max(0, span.end - span.begin) : span.end, .span = span};
  }

  __device__ __forceinline__ bool any() const { return count > 0; }
  /// Asked about the tile `ahead` steps after the one at hand.
  __device__ __forceinline__ bool ended(int step, int ahead) const { return count <= step + ahead; }
  __device__ __forceinline__ int tile(int step, int ahead) const {
    return (config::windowed ? span.end : count) - 1 - (step + ahead);
  }
  __device__ __forceinline__ bool is_whole(int step) const { return span.is_whole(tile(step, 0)); }
  __device__ __forceinline__ void advance() {}
  template <class Rows>
  __device__ __forceinline__ bool seen_by(const Rows& rows, int first_key) const {
    return rows.see(first_key);
  }
  template <class Rows>
  __device__ __forceinline__ void mask(Rows& rows, int first_key) const {
    rows.mask(first_key);
  }
};

/// Of those tiles the ones that the mask formula leaves.
class MaskedSteps {
 public:
  static __device__ __forceinline__ MaskedSteps of(const BlockView& view) {
    const TileSpan span =
        TileSpan::of_queries<config::tile_kv>(view.visibility, view.first_query, view.last_query);
    MaskedSteps steps(view, span);
#pragma unroll
    for (int ahead = 0; ahead <= kStepsAhead; ++ahead) steps.next_[ahead] = steps.found();
    return steps;
  }

  __device__ __forceinline__ bool any() const {
    return next_[0].index >= 0;
  }
  __device__ __forceinline__ bool ended(int, int ahead) const {
    return next_[ahead].index < 0;
  }
  __device__ __forceinline__ int tile(int, int ahead) const {
    return next_[ahead].index;
  }
  __device__ __forceinline__ bool is_whole(int) const {
    return next_[0].whole;
  }
  __device__ __forceinline__ void advance() {
#pragma unroll
    for (int ahead = 0; ahead < kStepsAhead; ++ahead) next_[ahead] = next_[ahead + 1];
    next_[kStepsAhead] = found();
  }
  template <class Rows>
  __device__ __forceinline__ bool seen_by(const Rows& rows, int first_key) const {
    return rows.see(first_key);
  }
  template <class Rows>
  __device__ __forceinline__ void mask(Rows& rows, int first_key) const {
    rows.mask(first_key);
  }

 private:
  __device__ __forceinline__ MaskedSteps(const BlockView& view, const TileSpan& span)
      : view_(view), span_(span), tiles_(span.begin, span.end) {}

  __device__ __forceinline__ VisibleTiles::Tile found() {
    VisibleTiles::Tile tile = tiles_.next([this](int index) {
      const int first_key = index * config::tile_kv;
      return masked_box(view_.first_query, view_.last_query, first_key,
                        min(first_key + config::tile_kv, view_.visibility.seq_kv) - 1, view_.head,
                        view_.batch);
    });
    tile.whole = tile.whole && span_.is_whole(tile.index);
    return tile;
  }

  BlockView view_;
  TileSpan span_;
  VisibleTiles tiles_;
  VisibleTiles::Tile next_[kStepsAhead + 1];  // of the step at hand and those after it
};

using KeySteps = device::Choose<config::mask_is_default, IntervalSteps, MaskedSteps>::Type;

}  // namespace attention
