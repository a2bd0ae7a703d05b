// Tiles of 16-bit elements in shared memory with padded rows: any number of columns that is a multiple of 16,
// every fragment at a constant distance from a lane's anchor.
#pragma once

#include "device/element.h"
#include "device/ptx/ldmatrix.h"

namespace device {

/// `rows_` rows of `columns_` elements. A row is a sequence of 16-byte chunks and one more that is never
/// used: with an odd number of chunks from row to row, the same chunk of 8 consecutive rows (what ldmatrix
/// reads in one phase) covers all 32 banks once.
template <int rows_, int columns_>
struct PaddedTile {
  static constexpr int rows = rows_;
  static constexpr int columns = columns_;
  static constexpr int chunks = columns / 8;
  static constexpr int row_bytes = (chunks + 1) * 16;
  static constexpr int bytes = rows * row_bytes;
  static_assert(rows % 16 == 0 && columns % 16 == 0, "fragments are 16 x 16");

  static __device__ __forceinline__ int byte_offset(int row, int chunk) {
    return row * row_bytes + chunk * 16;
  }

  struct Chunk {
    int row, index;
  };

  /// What a thread of `threads` copies in a pass over the tile, such that 8 neighbouring lanes write to all
  /// 32 banks: 8 chunks of one row, or, where rows are an odd number of halves of that, halves of the rows r
  /// and r
  /// + 4. The last pass may go past the last row.
  template <int threads>
  static __device__ __forceinline__ Chunk chunk_of(int thread, int pass) {
    if constexpr (chunks % 8 == 0) {
      static_assert(threads % chunks == 0, "the threads copy whole rows");
      return {thread / chunks + pass * (threads / chunks), thread % chunks};
    } else {
      constexpr int kHalves = chunks / 4;
      static_assert(chunks % 4 == 0, "rows are copied in halves of 128 bytes");
      const int eight_rows = pass * (threads / 32) + thread / 32;
      const int quad = thread % 32 / 4;
      return {eight_rows / kHalves * 8 + quad / 2 + quad % 2 * 4, eight_rows % kHalves * 4 + thread % 4};
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
    ptx::ldmatrix_x4(a, anchor + byte_offset(first_row, first_column / 8));
  }

  /// Where this lane finds its part of the tile's transpose as the B operand: see `b_transposed_fragment`.
  static __device__ __forceinline__ unsigned b_transposed_anchor(unsigned tile, int lane) {
    return tile + byte_offset(lane / 16 * 8 + lane % 8, lane / 8 % 2);
  }

  /// Two b[16, 8]: contraction over 16 columns from first_column, results for 8 + 8 rows from first_row.
  static __device__ __forceinline__ void b_transposed_fragment(unsigned (&b)[2][2], unsigned anchor,
                                                               int first_row, int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4(registers, anchor + byte_offset(first_row, first_column / 8));
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }

  /// Two b[16, 8] of the tile itself, from its `a_anchor`: contraction over 16 rows from first_row, results
  /// for 8 + 8 columns from first_column.
  static __device__ __forceinline__ void b_fragment(unsigned (&b)[2][2], unsigned anchor, int first_row,
                                                    int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4_trans(registers, anchor + byte_offset(first_row, first_column / 8));
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }
};

}  // namespace device
