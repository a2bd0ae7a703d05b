// Tiles of 16-bit elements in shared memory, laid out so that neither ldmatrix nor 16-byte copies meet bank
// conflicts.
#pragma once

#include "device/element.h"

namespace device {

/// rows x columns elements, row after row, each row in chunks of 8 elements (16 bytes). The chunks of a row
/// are permuted by an exclusive or with the row, such that the same chunk of 8 consecutive rows (what
/// ldmatrix reads in one phase) covers all 32 banks once, and so does a row of 8 chunks.
template <int rows_, int columns_>
struct SharedTile {
  static constexpr int rows = rows_;
  static constexpr int columns = columns_;
  static constexpr int chunk_elements = 8;
  static constexpr int chunks = columns / chunk_elements;
  static constexpr int row_bytes = columns * static_cast<int>(sizeof(Half));
  static constexpr int bytes = rows * row_bytes;
  static_assert(chunks == 2 || chunks == 4 || chunks % 8 == 0,
                "a row must be 32, 64 or a multiple of 128 bytes");

  /// Rows that share one pass over the 32 banks (128 bytes).
  static constexpr int rows_per_line = chunks < 8 ? 8 / chunks : 1;
  /// Rows after which the permutation repeats.
  static constexpr int swizzle_period = 8;

  static __device__ __forceinline__ int byte_offset(int row, int chunk) {
    const int swizzle = row / rows_per_line % (chunks < 8 ? chunks : 8);
    return row * row_bytes + (chunk ^ swizzle) * 16;
  }
};

}  // namespace device
