// Block-wide copies of tiles between row-major matrices in global memory and SharedTiles.
#pragma once

#include "device/element.h"
#include "device/ptx/cp_async.h"
#include "device/shared_tile.h"

namespace device {

/// Walks a matrix along its columns, one tile of full rows after the other. All `threads` threads of the
/// block copy together; what lies outside the matrix becomes zero and isn't read. The number of columns is a
/// multiple of 8 and the matrix is 16-byte aligned.
template <class Tile, int threads>
class TileLoader {
  static constexpr int kRowsPerPass = threads / Tile::chunks;
  static constexpr int kPasses = Tile::rows / kRowsPerPass;
  static_assert(threads % Tile::chunks == 0, "a pass of the block must copy whole rows");
  static_assert(Tile::rows % kRowsPerPass == 0, "the tile must be copied in whole passes of the block");
  static_assert(kRowsPerPass % Tile::swizzle_period == 0,
                "every pass must see the same permutation of chunks");

 public:
  __device__ __forceinline__ TileLoader(const Half* matrix, int rows, int columns, int first_row) {
    const int row = static_cast<int>(threadIdx.x) / Tile::chunks;
    const int chunk = static_cast<int>(threadIdx.x) % Tile::chunks;
    const int rows_left = rows - first_row - row;
    source_ = matrix + static_cast<long long>(first_row + row) * columns + chunk * Tile::chunk_elements;
    pass_stride_ = static_cast<long long>(kRowsPerPass) * columns;
    passes_inside_ = (rows_left + kRowsPerPass - 1) / kRowsPerPass;
    columns_left_ = columns - chunk * Tile::chunk_elements;
    destination_offset_ = Tile::byte_offset(row, chunk);
  }

  /// Starts copying the next tile to the shared address `tile`. The caller commits and waits.
  __device__ __forceinline__ void load_next(unsigned tile) {
    const int passes = columns_left_ > 0 ? passes_inside_ : 0;
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      ptx::cp_async_cg_16(tile + destination_offset_ + pass * kRowsPerPass * Tile::row_bytes,
                          source_ + pass * pass_stride_, pass < passes ? 16 : 0);
    }
    source_ += Tile::columns;
    columns_left_ -= Tile::columns;
  }

 private:
  const Half* source_;     // this thread's chunk of the next tile, in its first pass
  long long pass_stride_;  // elements
  int passes_inside_;      // passes in which this thread's row lies inside the matrix
  int columns_left_;       // from this thread's chunk to the matrix's edge
  int destination_offset_;
};

/// Stores what lies inside the matrix, `sizeof(Vector)` bytes per thread, so that a warp writes consecutive
/// addresses. The columns of the matrix are a multiple of the vector's elements.
template <class Vector, class Tile, int threads>
__device__ __forceinline__ void store_tile_by(Half* matrix, int rows, int columns, int first_row,
                                              int first_column, const unsigned char* tile) {
  constexpr int kVectorElements = sizeof(Vector) / sizeof(Half);
  constexpr int kVectorsPerRow = Tile::columns / kVectorElements;
#pragma unroll 4
  for (int index = threadIdx.x; index < Tile::rows * kVectorsPerRow; index += threads) {
    const int row = index / kVectorsPerRow;
    const int column = index % kVectorsPerRow * kVectorElements;
    if (first_row + row < rows && first_column + column < columns) {
      const int chunk = column / Tile::chunk_elements;
      const int within_chunk = column % Tile::chunk_elements * static_cast<int>(sizeof(Half));
      const auto* source = tile + Tile::byte_offset(row, chunk) + within_chunk;
      Half* destination = matrix + static_cast<long long>(first_row + row) * columns + first_column + column;
      *reinterpret_cast<Vector*>(destination) = *reinterpret_cast<const Vector*>(source);
    }
  }
}

/// Stores the part of a shared tile that lies inside the matrix, with the widest stores that its rows'
/// alignment allows.
template <class Tile, int threads>
__device__ __forceinline__ void store_tile(Half* matrix, int rows, int columns, int first_row,
                                           int first_column, const unsigned char* tile) {
  if (columns % 8 == 0) {
    store_tile_by<uint4, Tile, threads>(matrix, rows, columns, first_row, first_column, tile);
  } else if (columns % 2 == 0) {
    store_tile_by<unsigned, Tile, threads>(matrix, rows, columns, first_row, first_column, tile);
  } else {
    store_tile_by<Half, Tile, threads>(matrix, rows, columns, first_row, first_column, tile);
  }
}

}  // namespace device
