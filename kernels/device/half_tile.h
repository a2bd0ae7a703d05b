// Tiles of 16-bit elements in shared memory, swizzled so that neither ldmatrix nor 16-byte rows meet a bank
// conflict.
#pragma once

#include "device/element.h"
#include "device/ptx/cp_async.h"
#include "device/ptx/ldmatrix.h"

namespace device {

/// `rows_` rows of `columns_` elements (64, 96, 128 or 256). A row is a sequence of 16-byte chunks, permuted
/// among groups of 8 neighbours by an exclusive or with the row, so the same chunk of 8 consecutive rows
/// covers all 32 banks. Rows of 96 elements start 64 bytes further round the banks from one to the next:
/// there groups of 4 and a permutation that changes with every second row do the same.
///
/// Tiles start at multiples of 256 bytes of shared memory: the fragment functions combine the position with
/// the address by xor.
template <int rows_, int columns_>
struct HalfTile {
  static constexpr int rows = rows_;
  static constexpr int columns = columns_;
  static constexpr int row_bytes = columns * 2;
  static constexpr int chunks_per_row = columns / 8;
  static constexpr int bytes = rows * row_bytes;
  static_assert(columns == 64 || columns == 96 || columns == 128 || columns == 256,
                "the permutation is written for rows of 128, 192, 256 or 512 bytes");

  /// What a row's chunks are combined with.
  static __device__ __forceinline__ int permutation(int row) {
    return columns == 96 ? row >> 1 & 3 : row & 7;
  }

  static __device__ __forceinline__ unsigned chunk_address(unsigned tile, int row, int chunk) {
    return tile + row * row_bytes + ((chunk ^ permutation(row)) << 4);
  }

  /// `anchor` moved right by `columns_right`, a multiple of 16. Within `kXorBytes` by exclusive or, to which
  /// the permutation is indifferent; beyond, where it leaves the chunks' order alone, by addition, which the
  /// instruction does for free.
  static __device__ __forceinline__ unsigned moved(unsigned anchor, int columns_right) {
    constexpr int kXorBytes = columns == 96 ? 64 : columns == 256 ? 128 : row_bytes;
    const int right = columns_right * 2;
    return (anchor ^ right % kXorBytes) + right / kXorBytes * kXorBytes;
  }

  /// Starts copying the tile's rows from global memory with all `threads` threads of the block. `source`
  /// points at this thread's chunk (see `thread_offset`); with `check`, rows from `valid_rows` on are filled
  /// with zeros.
  template <int threads, bool check>
  static __device__ __forceinline__ void copy_async(unsigned tile, const Half* source, int row_stride,
                                                    int valid_rows) {
    copy_part<threads, check, 0, kFirstPart>(tile, source, row_stride, valid_rows);
    if constexpr (kFirstPart < chunks_per_row) {
      constexpr int kSecondPart = chunks_per_row - kFirstPart;
      const int thread = static_cast<int>(threadIdx.x);
      const int rows_down = thread / kSecondPart - thread / kFirstPart;
      const int chunks_right = kFirstPart + thread % kSecondPart - thread % kFirstPart;
      copy_part<threads, check, kFirstPart, kSecondPart>(
          tile, source + static_cast<long long>(rows_down) * row_stride + chunks_right * 8, row_stride,
          valid_rows);
    }
  }

  /// Where this thread's first chunk lies in global memory, in elements from the tile's first row.
  static __device__ __forceinline__ long long thread_offset(int row_stride) {
    const int thread = static_cast<int>(threadIdx.x);
    return static_cast<long long>(thread / kFirstPart) * row_stride + thread % kFirstPart * 8;
  }

  /// This lane's anchor for fragments of the tile as the A operand (rows by columns): see `a_fragment`.
  static __device__ __forceinline__ unsigned a_anchor(unsigned tile, int lane) {
    return chunk_address(tile, lane % 16, lane / 16);
  }

  /// a[16, 16] at (first_row, first_column), both multiples of 16.
  static __device__ __forceinline__ void a_fragment(unsigned (&a)[4], unsigned anchor, int first_row,
                                                    int first_column) {
    ptx::ldmatrix_x4(a, moved(anchor, first_column) + first_row * row_bytes);
  }

  /// This lane's anchor for fragments of the tile's transpose as the B operand: see `b_transposed_fragment`.
  static __device__ __forceinline__ unsigned b_transposed_anchor(unsigned tile, int lane) {
    return chunk_address(tile, lane / 16 * 8 + lane % 8, lane / 8 % 2);
  }

  /// Two b[16, 8]: contraction over 16 columns from first_column, results for 8 + 8 rows from first_row.
  static __device__ __forceinline__ void b_transposed_fragment(unsigned (&b)[2][2], unsigned anchor,
                                                               int first_row, int first_column) {
    unsigned registers[4];
    ptx::ldmatrix_x4(registers, moved(anchor, first_column) + first_row * row_bytes);
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
    ptx::ldmatrix_x4_trans(registers, moved(anchor, first_column) + first_row * row_bytes);
    b[0][0] = registers[0], b[0][1] = registers[1], b[1][0] = registers[2], b[1][1] = registers[3];
  }

 private:
  /// A copy takes rows in one part or two, so that each pass of the threads covers whole rows of a part.
  static constexpr int kFirstPart = columns == 96 ? 8 : columns == 256 ? 16 : chunks_per_row;

  /// `chunks` chunks of each row, from `first_chunk` on; `source` points at this thread's one.
  template <int threads, bool check, int first_chunk, int chunks>
  static __device__ __forceinline__ void copy_part(unsigned tile, const Half* source, int row_stride,
                                                   int valid_rows) {
    constexpr int rows_per_pass = threads / chunks;
    static_assert(rows % rows_per_pass == 0 && rows_per_pass % 8 == 0,
                  "each pass of the copy must fill whole rows");
    const int row = static_cast<int>(threadIdx.x) / chunks;
    const unsigned destination =
        chunk_address(tile, row, first_chunk + static_cast<int>(threadIdx.x) % chunks);
#pragma unroll
    for (int pass = 0; pass < rows / rows_per_pass; ++pass) {
      const unsigned address = destination + pass * rows_per_pass * row_bytes;
      const Half* pointer = source + static_cast<long long>(pass * rows_per_pass) * row_stride;
      if constexpr (check) {
        const bool valid = row + pass * rows_per_pass < valid_rows;
        ptx::cp_async_cg_16(address, valid ? pointer : source - static_cast<long long>(row) * row_stride,
                            valid ? 16 : 0);
      } else {
        ptx::cp_async_cg_16(address, pointer);
      }
    }
  }
};

}  // namespace device
