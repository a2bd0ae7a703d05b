// Tiles of 16-bit elements in shared memory, swizzled so that neither ldmatrix nor 16-byte rows meet a bank
// conflict.
#pragma once

#include "device/element.h"
#include "device/ptx/cp_async.h"
#include "device/ptx/ldmatrix.h"

namespace device {

/// `rows_` rows of `columns_` elements (a multiple of 32). A row is a sequence of 16-byte chunks, permuted
/// within groups of 128 bytes, or of 64 where a row is an odd multiple of that, such that the same chunk of 8
/// consecutive rows covers all 32 banks. Tiles start at multiples of 128 bytes of shared memory: a step along
/// a row is an exclusive or with the address within a group, and an offset beyond it.
template <int rows_, int columns_>
struct HalfTile {
  static constexpr int rows = rows_;
  static constexpr int columns = columns_;
  static constexpr int row_bytes = columns * 2;
  static constexpr int chunks_per_row = columns / 8;
  static constexpr int bytes = rows * row_bytes;
  static constexpr int group_bytes = row_bytes % 128 == 0 ? 128 : 64;
  static constexpr int chunks_per_group = group_bytes / 16;
  static_assert(columns % 32 == 0, "the swizzle is written for rows of whole 64 bytes");

  static __device__ __forceinline__ unsigned chunk_address(unsigned tile, int row, int chunk) {
    // Two neighbouring rows of an odd multiple of 64 bytes lie in different halves of the banks.
    const int swizzle = group_bytes == 128 ? row & 7 : row >> 1 & 3;
    return tile + row * row_bytes + ((chunk ^ swizzle) << 4);
  }

  /// An anchor, moved by rows (a multiple of 8) and columns (a multiple of 8, and of 16 for the x4 anchors).
  static __device__ __forceinline__ unsigned moved(unsigned anchor, int rows, int columns) {
    const int column_bytes = columns * 2;
    return (anchor ^ (column_bytes % group_bytes)) + column_bytes / group_bytes * group_bytes +
           rows * row_bytes;
  }

  /// Starts copying the tile's rows from global memory with all `threads` threads of the block. `source`
  /// points at this thread's chunk (see `thread_offset`); with `check`, rows from `valid_rows` on are filled
  /// with zeros.
  template <int threads, bool check>
  static __device__ __forceinline__ void copy_async(unsigned tile, const Half* source, int row_stride,
                                                    int valid_rows) {
    constexpr int rows_per_pass = threads / chunks_per_group;
    static_assert(threads % chunks_per_group == 0 && rows_per_pass % 8 == 0,
                  "every pass of the copy must see the same permutation of chunks");
    const int row = static_cast<int>(threadIdx.x) / chunks_per_group;
    const unsigned destination = chunk_address(tile, row, static_cast<int>(threadIdx.x) % chunks_per_group);
#pragma unroll
    for (int pass = 0; pass * rows_per_pass < rows; ++pass) {
      const bool whole_pass = (pass + 1) * rows_per_pass <= rows;
      if (!whole_pass && row + pass * rows_per_pass >= rows) continue;
      const unsigned address = destination + pass * rows_per_pass * row_bytes;
      const Half* pointer = source + static_cast<long long>(pass * rows_per_pass) * row_stride;
      const bool valid = !check || row + pass * rows_per_pass < valid_rows;
      if (check && !valid) pointer = source - static_cast<long long>(row) * row_stride;
#pragma unroll
      for (int group = 0; group < row_bytes / group_bytes; ++group) {
        if constexpr (check) {
          ptx::cp_async_cg_16(address + group * group_bytes, pointer + group * (group_bytes / 2),
                              valid ? 16 : 0);
        } else {
          ptx::cp_async_cg_16(address + group * group_bytes, pointer + group * (group_bytes / 2));
        }
      }
    }
  }

  /// Where this thread's first chunk lies in global memory, in elements from the tile's first row.
  static __device__ __forceinline__ long long thread_offset(int row_stride) {
    const int thread = static_cast<int>(threadIdx.x);
    return static_cast<long long>(thread / chunks_per_group) * row_stride + thread % chunks_per_group * 8;
  }

  /// This lane's anchor for fragments of the tile as the A operand (rows by columns): see `a_fragment`.
  static __device__ __forceinline__ unsigned a_anchor(unsigned tile, int lane) {
    return chunk_address(tile, lane % 16, lane / 16);
  }

  /// a[16, 16] at (first_row, first_column), both multiples of 16.
  static __device__ __forceinline__ void a_fragment(unsigned (&a)[4], unsigned anchor, int first_row,
                                                    int first_column) {
    ptx::ldmatrix_x4(a, moved(anchor, first_row, first_column));
  }

  /// This lane's anchor for fragments of the tile's transpose as the A operand: see `a_transposed_fragment`.
  static __device__ __forceinline__ unsigned a_transposed_anchor(unsigned tile, int lane) {
    return chunk_address(tile, lane / 16 * 8 + lane % 8, lane / 8 % 2);
  }

  /// a[16, 16]: contraction over 16 rows from first_row, results for 16 columns from first_column.
  static __device__ __forceinline__ void a_transposed_fragment(unsigned (&a)[4], unsigned anchor,
                                                               int first_row, int first_column) {
    ptx::ldmatrix_x4_trans(a, moved(anchor, first_row, first_column));
  }

  /// This lane's anchor for fragments of the tile's transpose as the B operand: see `b_transposed_fragment`.
  static __device__ __forceinline__ unsigned b_transposed_anchor(unsigned tile, int lane) {
    return chunk_address(tile, lane / 16 * 8 + lane % 8, lane / 8 % 2);
  }

  /// Two b[16, 8]: contraction over 16 columns from first_column, results for 8 + 8 rows from first_row.
  static __device__ __forceinline__ void b_transposed_fragment(unsigned (&b)[2][2], unsigned anchor,
                                                               int first_row, int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4(registers, moved(anchor, first_row, first_column));
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }

  /// This lane's anchor for fragments of the tile itself as the B operand: see `b_fragment`.
  static __device__ __forceinline__ unsigned b_anchor(unsigned tile, int lane) {
    return chunk_address(tile, lane % 16, lane / 16);
  }

  /// Two b[16, 8]: contraction over 16 rows from first_row, results for 8 + 8 columns from first_column.
  static __device__ __forceinline__ void b_fragment(unsigned (&b)[2][2], unsigned anchor, int first_row,
                                                    int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4_trans(registers, moved(anchor, first_row, first_column));
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }
};

}  // namespace device
