// A warp's share of a matrix product between tiles in shared memory, 16 steps of the contraction at a time.
#pragma once

#include "device/half_tile.h"

namespace device {

/// How `warps` warps divide a product of rows x columns: the split into equal parts of whole 16 x 16 blocks
/// that reads the least from shared memory (a part's rows of A and its columns of B), the flatter of equals.
template <int rows, int columns, int warps>
struct WarpSplit {
 private:
  static constexpr int fewest_reads() {
    int best = 0, least = rows + columns + 1;
    for (int along_rows = 1; along_rows <= warps; along_rows *= 2) {
      const int along_columns = warps / along_rows;
      if (rows % (16 * along_rows) != 0 || columns % (16 * along_columns) != 0) continue;
      const int reads = rows / along_rows + columns / along_columns;
      if (reads <= least) best = along_rows, least = reads;
    }
    return best;
  }

 public:
  static constexpr int along_rows = fewest_reads();
  static_assert(along_rows > 0, "the warps must divide the product into blocks of 16 x 16");
  static constexpr int along_columns = warps / along_rows;
  static constexpr int warp_rows = rows / along_rows;
  static constexpr int warp_columns = columns / along_columns;

  static __device__ __forceinline__ int first_row(int warp) { return warp / along_columns * warp_rows; }
  static __device__ __forceinline__ int first_column(int warp) { return warp % along_columns * warp_columns; }

  /// The other way to share columns: in blocks of 16 by turns, a warp's next block 16 * along_columns
  /// further. It suits every tile; a `first_column` may lie inside a group of the tile's chunks.
  static __device__ __forceinline__ int first_block_column(int warp) { return warp % along_columns * 16; }
};

/// Operands: the tile in shared memory is A, transpose(A), B or transpose(B) of the product; the warp's part
/// starts at row or column `first` of the product.
template <class Tile>
struct OperandA {
  unsigned anchor;
  __device__ __forceinline__ OperandA(unsigned tile, int first, int lane)
      : anchor(Tile::moved(Tile::a_anchor(tile, lane), first, 0)) {}
  __device__ __forceinline__ void read(unsigned (&a)[4], int row_tile, int depth_step) const {
    Tile::a_fragment(a, anchor, 16 * row_tile, 16 * depth_step);
  }
};

template <class Tile>
struct OperandATransposed {
  unsigned anchor;
  __device__ __forceinline__ OperandATransposed(unsigned tile, int first, int lane)
      : anchor(Tile::moved(Tile::a_transposed_anchor(tile, lane), 0, first)) {}
  __device__ __forceinline__ void read(unsigned (&a)[4], int row_tile, int depth_step) const {
    Tile::a_transposed_fragment(a, anchor, 16 * depth_step, 16 * row_tile);
  }
};

/// With `turns`, the warp takes every turns-th block of 16 columns.
template <class Tile, int turns = 1>
struct OperandB {
  unsigned anchor;
  __device__ __forceinline__ OperandB(unsigned tile, int first, int lane)
      : anchor(Tile::moved(Tile::b_anchor(tile, lane), 0, first)) {}
  __device__ __forceinline__ void read(unsigned (&b)[2][2], int column_pair, int depth_step) const {
    Tile::b_fragment(b, anchor, 16 * depth_step, 16 * turns * column_pair);
  }
};

template <class Tile>
struct OperandBTransposed {
  unsigned anchor;
  __device__ __forceinline__ OperandBTransposed(unsigned tile, int first, int lane)
      : anchor(Tile::moved(Tile::b_transposed_anchor(tile, lane), first, 0)) {}
  __device__ __forceinline__ void read(unsigned (&b)[2][2], int column_pair, int depth_step) const {
    Tile::b_transposed_fragment(b, anchor, 16 * column_pair, 16 * depth_step);
  }
};

/// All of a warp's A in registers.
template <int row_tiles, int depth_steps>
struct HeldA {
  unsigned fragments[depth_steps][row_tiles][4];
  template <class Operand>
  __device__ __forceinline__ void hold(const Operand& operand) {
#pragma unroll
    for (int step = 0; step < depth_steps; ++step) {
#pragma unroll
      for (int tile = 0; tile < row_tiles; ++tile) operand.read(fragments[step][tile], tile, step);
    }
  }
  __device__ __forceinline__ void read(unsigned (&a)[4], int row_tile, int depth_step) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] = fragments[depth_step][row_tile][i];
  }
};

/// 16 row_tiles x 8 column_tiles sums in accumulators; ptx/mma.h says which lane holds what.
template <int row_tiles, int column_tiles>
using Sums = float[row_tiles][column_tiles][4];

template <int row_tiles, int column_tiles>
__device__ __forceinline__ void clear(float (&sums)[row_tiles][column_tiles][4]) {
#pragma unroll
  for (int tile = 0; tile < row_tiles; ++tile) {
#pragma unroll
    for (int i = 0; i < 4 * column_tiles; ++i) sums[tile][i / 4][i % 4] = 0.0f;
  }
}

/// sums += A · B over 16 * depth_steps.
template <Element element, int depth_steps, int row_tiles, int column_tiles, class A, class B>
__device__ __forceinline__ void add_product(float (&sums)[row_tiles][column_tiles][4], const A& a_operand,
                                            const B& b_operand) {
  static_assert(column_tiles % 2 == 0, "B is read 16 columns at a time");
#pragma unroll
  for (int step = 0; step < depth_steps; ++step) {
    unsigned a[row_tiles][4];
#pragma unroll
    for (int tile = 0; tile < row_tiles; ++tile) a_operand.read(a[tile], tile, step);
#pragma unroll
    for (int pair = 0; pair < column_tiles / 2; ++pair) {
      unsigned b[2][2];
      b_operand.read(b, pair, step);
#pragma unroll
      for (int tile = 0; tile < row_tiles; ++tile) {
        multiply_accumulate<element>(sums[tile][2 * pair], a[tile], b[0]);
        multiply_accumulate<element>(sums[tile][2 * pair + 1], a[tile], b[1]);
      }
    }
  }
}

}  // namespace device
