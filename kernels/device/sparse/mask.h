// A problem's block mask as kernels get it.
#pragma once

#include <weir/config.h>

#include "device/block_order.h"

namespace sparse {

/// The lists of kept blocks of all mask heads, by rows (or columns) of blocks: list i of a head is
/// blocks[first[head * lines + i]] up to, without, blocks[first[head * lines + i + 1]], in ascending order.
/// order[head * lines + i] is the line with the i-th most work.
struct BlockLists {
  const int* first;
  const int* blocks;
  const int* order;
  int heads;  // a mask of its own for each of them; heads beyond share them in turn

  /// Of a head of all sequences together.
  __device__ __forceinline__ int line(int head, int lines, int index) const {
    return (heads == 1 ? 0 : head % heads) * lines + index;
  }
};

/// Which tile of a head a block works on, by its place among the head's. Tiles that lie in one line of mask
/// blocks follow the lines' order; tiles that cover several lines, and those of one line, are taken from the
/// first on, or from the last back.
template <class Cover, bool from_last>
struct TileOrder {
  /// Some places have no tile where the last line is not whole.
  static __device__ __forceinline__ int places(int lines) {
    return Cover::blocks_of_tile > 1 ? device::ceil_div(lines, Cover::blocks_of_tile)
                                     : lines * Cover::tiles_of_block;
  }

  /// `head` is one of all sequences'.
  static __device__ __forceinline__ int tile(const BlockLists& lists, int head, int lines, int place) {
    if constexpr (Cover::blocks_of_tile > 1) {
      return from_last ? places(lines) - 1 - place : place;
    } else {
      constexpr int kTiles = Cover::tiles_of_block;
      const int within = place % kTiles;
      return lists.order[lists.line(head, lines, place / kTiles)] * kTiles +
             (from_last ? kTiles - 1 - within : within);
    }
  }

  /// The line that the tile begins in.
  static __device__ __forceinline__ int line(int tile) {
    return tile * Cover::blocks_of_tile / Cover::tiles_of_block;
  }
};

}  // namespace sparse
