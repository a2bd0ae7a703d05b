// From lists of kept mask blocks to the tiles of which something is kept.
#pragma once

#include <weir/config.h>

namespace sparse {

/// How tiles of one length cover mask blocks of another, or the other way round.
template <int tile, int block>
struct Cover {
  static_assert(tile % block == 0 || block % tile == 0,
                "tiles and mask blocks must not straddle one another");
  static constexpr int blocks_of_tile = tile > block ? tile / block : 1;
  static constexpr int tiles_of_block = block > tile ? block / tile : 1;
};

/// Which mask blocks of a tile are kept: bit (line of blocks) * blocks_along + (block of the line), where a
/// line is `line_places` rows (or columns) high and a block `block_places` long.
template <int line_places, int block_places, int blocks_along>
struct KeptBlocks {
  unsigned bits;

  /// Of the block at a place that is counted from the tile's first.
  __device__ __forceinline__ bool contains(int line, int place) const {
    return (bits >> (line / line_places * blocks_along + place / block_places) & 1) != 0;
  }
  /// Whether anything is kept of the line.
  __device__ __forceinline__ bool any(int line) const {
    constexpr unsigned kLine = blocks_along == 32 ? ~0u : (1u << blocks_along % 32) - 1;
    return (bits >> line / line_places * blocks_along & kLine) != 0;
  }
};

struct KeptTile {
  int index;      // below 0: there are no more
  unsigned bits;  // of KeptBlocks
};

/// Walks the tiles of [begin, end) of which something is kept, from the last to the first. A tile lies in
/// `lines` lines of mask blocks, each with its list of kept blocks in ascending order; along the lines it
/// covers `blocks_along` blocks, or a block is `tiles_along` tiles. All threads of a block walk together.
template <int lines, int blocks_along, int tiles_along>
class KeptTiles {
 public:
  static constexpr unsigned kAll = lines * blocks_along == 32 ? ~0u : (1u << (lines * blocks_along % 32)) - 1;
  static_assert(lines * blocks_along <= 32, "a tile's mask blocks have one bit each");
  static_assert(blocks_along == 1 || tiles_along == 1, "either covers the other");

  /// `first[i]` is where the list of line i begins in `blocks`, `first[i + 1]` where it ends. Lines from
  /// `existing` on keep nothing.
  __device__ __forceinline__ KeptTiles(const int* first, const int* blocks, int existing, int begin, int end)
      : blocks_(blocks), begin_(begin), end_(end) {
#pragma unroll
    for (int line = 0; line < lines; ++line) {
      first_[line] = first[min(line, existing)];
      left_[line] = first[min(line + 1, existing)];
    }
    fetch();
  }

  __device__ __forceinline__ KeptTile next() {
    do {
      if (tiles_left_ == 0 && !next_group()) return {-1, 0};
      --tiles_left_;
    } while (tile() >= end_);
    if (tile() < begin_) return {-1, 0};
    return {tile(), bits_};
  }

 private:
  static constexpr bool kSimple = lines == 1 && blocks_along == 1;

  __device__ __forceinline__ int tile() const {
    return group_ * tiles_along + tiles_left_;
  }

  /// One list: its next entry is on its way while the tiles of this one are worked on.
  __device__ __forceinline__ void fetch() {
    if (kSimple) fetched_ = left_[0] > first_[0] ? blocks_[--left_[0]] : -1;
  }

  /// The last group of blocks that one tile covers, or the last block, of those that are left.
  __device__ __forceinline__ bool next_group() {
    if constexpr (kSimple) {
      group_ = fetched_;
      bits_ = 1;
      fetch();
    } else {
      group_ = -1;
#pragma unroll
      for (int line = 0; line < lines; ++line) {
        if (left_[line] > first_[line]) group_ = max(group_, blocks_[left_[line] - 1] / blocks_along);
      }
      bits_ = 0;
#pragma unroll
      for (int line = 0; line < lines; ++line) {
        while (left_[line] > first_[line]) {
          const int block = blocks_[left_[line] - 1];
          if (block / blocks_along != group_) break;
          bits_ |= 1u << (line * blocks_along + block % blocks_along);
          --left_[line];
        }
      }
    }
    tiles_left_ = tiles_along;
    return group_ >= 0;
  }

  const int* blocks_;
  int begin_, end_;
  int first_[lines], left_[lines];  // of each line's list, what is left to walk
  int group_ = -1, tiles_left_ = 0;
  int fetched_ = -1;
  unsigned bits_ = 0;
};

}  // namespace sparse
