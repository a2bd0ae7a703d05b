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

/// Which tile of a line of tiles a block works on, by its place among those of a head. Tiles within a line of
/// mask blocks follow the lines' order, and in a line the last one comes first; tiles that cover several
/// lines go from the last to the first.
template <class Cover>
struct TileOrder {
  static __device__ __forceinline__ int lines(int length, int block) {
    return device::ceil_div(length, block);
  }

  /// Places; some have no tile where the last line is not whole.
  static __device__ __forceinline__ int places(int lines) {
    return Cover::blocks_of_tile > 1 ? device::ceil_div(lines, Cover::blocks_of_tile)
                                     : lines * Cover::tiles_of_block;
  }

  static __device__ __forceinline__ int tile(const BlockLists& lists, int head, int lines, int place) {
    if constexpr (Cover::blocks_of_tile > 1) {
      return places(lines) - 1 - place;
    } else {
      constexpr int kTiles = Cover::tiles_of_block;
      return lists.order[lists.line(head, lines, place / kTiles)] * kTiles + kTiles - 1 - place % kTiles;
    }
  }
};

}  // namespace sparse
