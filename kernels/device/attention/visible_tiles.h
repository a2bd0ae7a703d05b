// The tiles of a span that the mask formula leaves.
#pragma once

#include <weir/config.h>

#include "device/softmax.h"

namespace attention {

/// Walks the tiles of [begin, end) of which the mask formula leaves something, from the last to the first.
/// The lanes of a warp ask about 32 tiles at once, so a tile costs a few instructions however long the
/// formula is, whether it is taken or skipped. All lanes of the warp call together; all warps find the same.
class VisibleTiles {
 public:
  struct Tile {
    int index;   // below 0: there are no more
    bool whole;  // the formula hides no point of it
  };

  __device__ __forceinline__ VisibleTiles(int begin, int end) : begin_(begin), asked_(end) {}

  /// `range_of(tile)` is the formula's answer for one tile; each lane passes another one.
  template <class RangeOf>
  __device__ __forceinline__ Tile next(const RangeOf& range_of) {
    while (some_ == 0) {
      if (asked_ <= begin_) return {-1, false};
      asked_ -= 32;
      const int tile = asked_ + static_cast<int>(threadIdx.x) % 32;
      const config::Range range = tile >= begin_ ? range_of(tile) : config::Range::none;
      some_ = __ballot_sync(device::kWholeWarp, range != config::Range::none);
      all_ = __ballot_sync(device::kWholeWarp, range == config::Range::all);
    }
    const int bit = 31 - __clz(static_cast<int>(some_));
    some_ &= ~(1u << bit);
    return {asked_ + bit, (all_ >> bit & 1) != 0};
  }

 private:
  int begin_;
  int asked_;          // tiles from here on have been asked about
  unsigned some_ = 0;  // of [asked_, asked_ + 32), those that are left to walk
  unsigned all_ = 0;
};

}  // namespace attention
