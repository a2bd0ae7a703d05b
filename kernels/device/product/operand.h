// Operands of a matrix product in either order, on their way from global memory to fragments.
#pragma once

#include "device/choose.h"
#include "device/ptx/cp_async.h"
#include "device/warp_tile.h"

namespace product {

using device::Half;
using device::Operand;

/// What lies side by side in memory: neighbours along the dimension that the product sums over (its depth),
/// or neighbours across it, rows of A or columns of the product in B.
enum class Order { along_depth, across_depth };

/// An operand in global memory: `rows` x `depth` elements (of B, the columns of the product are its rows).
/// The sum may go on over more `segments` of the same shape, such as the heads of a group.
struct Matrix {
  const Half* data;
  long long line_stride;  // elements from one line of neighbours to the next, a multiple of 8
  int rows, depth;
  long long segment_stride = 0;
  int segments = 1;
};

template <Order order, int rows, int depth>
using OperandTile = typename device::Choose<order == Order::along_depth, device::SharedTile<rows, depth>,
                                            device::SharedTile<depth, rows>>::Type;

/// Copies one tile of an operand after the other, along the depth, with all `threads` threads of the block.
/// What lies outside of the matrix becomes zero and isn't read.
template <Order order, int rows, int depth, int threads>
class OperandStream {
  using Tile = OperandTile<order, rows, depth>;
  static constexpr int kLinesPerPass = threads / Tile::chunks;
  static constexpr int kPasses = Tile::rows / kLinesPerPass;
  static_assert(threads % Tile::chunks == 0, "a pass of the block must copy whole lines");
  static_assert(Tile::rows % kLinesPerPass == 0, "the tile must be copied in whole passes of the block");
  static_assert(kLinesPerPass % Tile::swizzle_period == 0,
                "every pass must see the same permutation of chunks");

 public:
  __device__ __forceinline__ OperandStream(const Matrix& matrix, int first_row) : matrix_(matrix) {
    const int line = static_cast<int>(threadIdx.x) / Tile::chunks;
    const int column = static_cast<int>(threadIdx.x) % Tile::chunks * Tile::chunk_elements;
    destination_offset_ = Tile::byte_offset(line, column / Tile::chunk_elements);
    if constexpr (order == Order::along_depth) {
      matrix_.data += (first_row + line) * matrix_.line_stride + column;
      across_left_ = matrix_.rows - first_row - line;
      depth_left_ = matrix_.depth - column;
    } else {
      matrix_.data += line * matrix_.line_stride + first_row + column;
      across_left_ = matrix_.rows - first_row - column;
      depth_left_ = matrix_.depth - line;
    }
    segment_depth_left_ = depth_left_;
    source_ = matrix_.data;
    steps_left_ = steps_of_segment();
  }

  /// Starts copying the next tile to the shared address `tile`. The caller commits and waits.
  __device__ __forceinline__ void copy_next(unsigned tile) {
    const int lines_left = order == Order::along_depth ? across_left_ : depth_left_;
    const int columns_left = order == Order::along_depth ? depth_left_ : across_left_;
    const int bytes = min(max(columns_left, 0), Tile::chunk_elements) * static_cast<int>(sizeof(Half));
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      ptx::cp_async_cg_16(tile + destination_offset_ + pass * kLinesPerPass * Tile::row_bytes,
                          source_ + pass * kLinesPerPass * matrix_.line_stride,
                          pass * kLinesPerPass < lines_left ? bytes : 0);
    }
    source_ += order == Order::along_depth ? depth : depth * matrix_.line_stride;
    depth_left_ -= depth;
    if (--steps_left_ == 0) next_segment();
  }

  /// Tiles of all segments.
  static __device__ __forceinline__ int steps(const Matrix& matrix) {
    return (matrix.depth + depth - 1) / depth * matrix.segments;
  }

 private:
  __device__ __forceinline__ int steps_of_segment() const {
    return (matrix_.depth + depth - 1) / depth;
  }

  __device__ __forceinline__ void next_segment() {
    matrix_.data += matrix_.segment_stride;
    source_ = matrix_.data;
    depth_left_ = segment_depth_left_;
    steps_left_ = steps_of_segment();
  }

  Matrix matrix_;           // its data: this thread's chunk of the segment's first tile, in the first pass
  const Half* source_;      // the same of the next tile
  int across_left_;         // from this thread's first element to the matrix's edge, across the depth
  int depth_left_;          // along it, in this segment
  int segment_depth_left_;  // at the segment's beginning
  int steps_left_;          // in this segment
  int destination_offset_;
};

/// Reads a tile whose lines run across the depth, 16 lines at a time; device::FragmentReader of the
/// transpose.
template <Operand operand, class Tile, int rows>
class AcrossReader {
  static_assert((rows & (rows - 1)) == 0,
                "the step to the next 16 rows is an exclusive or of the chunk's bits");

 public:
  __device__ __forceinline__ explicit AcrossReader(int first_row) {
    const int lane = static_cast<int>(threadIdx.x) % device::kWarpSize;
    const int quarter = lane / 8;
    const int right_columns = operand == Operand::a ? quarter / 2 : quarter % 2;
    const int lower_rows = operand == Operand::a ? quarter % 2 : quarter / 2;
    offset_ = Tile::byte_offset(right_columns * 8 + lane % 8, first_row / 8 + lower_rows);
  }

  __device__ __forceinline__ void read(device::OperandFragment<operand, rows>& fragment, unsigned tile,
                                       int depth_step) const {
    const unsigned lines = tile + depth_step * device::kMmaDepth * Tile::row_bytes;
#pragma unroll
    for (int block = 0; block < rows / 16; ++block) {
      ptx::ldmatrix_x4_trans(fragment.registers[block], lines + (offset_ ^ (block * 32)));
    }
  }

 private:
  int offset_;  // of this lane's line; steps of 16 lines share its permutation of chunks
};

template <Operand operand, Order order, class Tile, int rows>
using Reader =
    typename device::Choose<order == Order::along_depth, device::FragmentReader<operand, Tile, rows>,
                            AcrossReader<operand, Tile, rows>>::Type;

}  // namespace product
