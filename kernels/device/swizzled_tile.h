// Tiles of 16-bit elements in shared memory with fragments at a few distances from a lane's anchor, for heads
// of any length that is a multiple of 32.
#pragma once

#include "device/element.h"
#include "device/ptx/ldmatrix.h"

namespace device {

/// `rows_` rows of `columns_` elements without gaps, each a sequence of 16-byte chunks. Within each group of
/// 8 (of 4, where 8 don't divide a row) the chunks are permuted by an exclusive or with the row, so that the
/// same chunk of 8 consecutive rows (what ldmatrix reads in one phase) covers all 32 banks once. Chunks
/// change places within pairs of 32 bytes: a sector of global memory stays one in shared memory. Copies with
/// cp.async to rows that begin at odd multiples of 16 bytes asked the L2 for every sector of those rows
/// twice, on an H100.
template <int rows_, int columns_>
struct SwizzledTile {
  static constexpr int rows = rows_;
  static constexpr int columns = columns_;
  static constexpr int chunks = columns / 8;
  static constexpr int row_bytes = chunks * 16;
  static constexpr int bytes = rows * row_bytes;
  static constexpr int group = chunks % 8 == 0 ? 8 : 4;
  static_assert(rows % 16 == 0, "fragments are 16 x 16");
  static_assert(chunks % 8 == 0 || chunks % 8 == 4, "rows are whole groups, and two of them cover the banks");

  /// The tile begins at a multiple of 128 bytes.
  static __device__ __forceinline__ int byte_offset(int row, int chunk) {
    return row * row_bytes + (chunk ^ swizzle(row)) * 16;
  }

  struct Chunk {
    int row, index;
  };

  /// What a thread of `threads` copies in a pass over the tile, such that 8 neighbouring lanes write to all
  /// 32 banks: 8 chunks of one row, or groups of 4 of two rows. The last pass may go past the last row.
  template <int threads>
  static __device__ __forceinline__ Chunk chunk_of(int thread, int pass) {
    if constexpr (group == 8) {
      static_assert(threads % chunks == 0, "the threads copy whole rows");
      return {thread / chunks + pass * (threads / chunks), thread % chunks};
    } else {
      constexpr int kGroups = chunks / 4;
      const int eight_rows = pass * (threads / 32) + thread / 32;
      return {eight_rows / kGroups * 8 + thread % 32 / 4, eight_rows % kGroups * 4 + thread % 4};
    }
  }

  /// Where this lane finds its part of the A operand at (0, 0): see `a_fragment`. Also of the tile itself as
  /// the B operand: see `b_fragment`.
  static __device__ __forceinline__ unsigned a_anchor(unsigned tile, int lane) {
    return tile + byte_offset(lane % 16, lane / 16);
  }

  /// a[16, 16] at (first_row, first_column).
  static __device__ __forceinline__ void a_fragment(unsigned (&a)[4], unsigned anchor, int first_row,
                                                    int first_column) {
    ptx::ldmatrix_x4(a, at(anchor, first_row, first_column));
  }

  /// Where this lane finds its part of the tile's transpose as the B operand: see `b_transposed_fragment`.
  static __device__ __forceinline__ unsigned b_transposed_anchor(unsigned tile, int lane) {
    return tile + byte_offset(lane / 16 * 8 + lane % 8, lane / 8 % 2);
  }

  /// Two b[16, 8]: contraction over 16 columns from first_column, results for 8 + 8 rows from first_row.
  static __device__ __forceinline__ void b_transposed_fragment(unsigned (&b)[2][2], unsigned anchor,
                                                               int first_row, int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4(registers, at(anchor, first_row, first_column));
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }

  /// Two b[16, 8] of the tile itself, from its `a_anchor`: contraction over 16 rows from first_row, results
  /// for 8 + 8 columns from first_column.
  static __device__ __forceinline__ void b_fragment(unsigned (&b)[2][2], unsigned anchor, int first_row,
                                                    int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4_trans(registers, at(anchor, first_row, first_column));
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }

 private:
  static __device__ __forceinline__ int swizzle(int row) { return group == 8 ? row % 8 : row / 2 % 4; }

  /// What is `first_row` rows below an anchor and `first_column` columns right of it, multiples of 16: the
  /// permutation repeats after 8 rows, and an even chunk's bits are exchanged like the anchor's.
  static __device__ __forceinline__ unsigned at(unsigned anchor, int first_row, int first_column) {
    const int chunk = first_column / 8;
    return (anchor ^ static_cast<unsigned>(chunk % group * 16)) +
           static_cast<unsigned>(first_row * row_bytes + chunk / group * group * 16);
  }
};

}  // namespace device
