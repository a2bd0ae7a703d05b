// What one warp holds of a matrix product: operand fragments and an accumulator, in the layouts of ptx/mma.h.
#pragma once

#include "device/element.h"
#include "device/ptx/ldmatrix.h"
#include "device/shared_tile.h"

namespace device {

constexpr int kWarpSize = 32;

/// Columns of one operand that one mma.sync multiplies.
constexpr int kMmaDepth = 16;

/// The operands differ in the order of the four 8x8 quarters of a block of 16 rows by 16 columns: mma.sync
/// takes all of a block of A in one instruction and half the rows of a block of B (columns of the product),
/// in neighbouring registers.
enum class Operand {
  a,  ///< rows 0-7 then 8-15 of columns 0-7, then the same of columns 8-15
  b,  ///< columns 0-7 then 8-15 of rows 0-7, then the same of rows 8-15
};

/// rows x 16 elements of an operand whose rows are stored along k: A, or B transposed.
template <Operand operand, int rows>
struct OperandFragment {
  static_assert(rows % 16 == 0, "an operand is read in blocks of 16 rows");
  unsigned registers[rows / 16][4];
};

/// Reads `rows` rows of a shared tile, from `first_row` on, 16 columns at a time.
template <Operand operand, class Tile, int rows>
class FragmentReader {
  static_assert((Tile::chunks & (Tile::chunks - 1)) == 0,
                "the step along k is an exclusive or of the chunk's bits");

 public:
  __device__ __forceinline__ explicit FragmentReader(int first_row) {
    const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
    const int quarter = lane / 8;
    const int lower_rows = operand == Operand::a ? quarter % 2 : quarter / 2;
    const int right_columns = operand == Operand::a ? quarter / 2 : quarter % 2;
    offset_ = Tile::byte_offset(first_row + lower_rows * 8 + lane % 8, right_columns);
  }

  /// `depth_step` counts blocks of 16 columns.
  __device__ __forceinline__ void read(OperandFragment<operand, rows>& fragment, unsigned tile,
                                       int depth_step) const {
    const unsigned address = tile + (offset_ ^ (depth_step * kMmaDepth * static_cast<int>(sizeof(Half))));
#pragma unroll
    for (int block = 0; block < rows / 16; ++block) {
      ptx::ldmatrix_x4(fragment.registers[block], address + block * 16 * Tile::row_bytes);
    }
  }

 private:
  int offset_;  // of this lane's row; blocks of 16 rows share its permutation of chunks
};

/// rows x columns sums in f32.
template <Element element, int rows, int columns>
class WarpAccumulator {
 public:
  /// this += a * transpose(b) over 16 columns.
  __device__ __forceinline__ void add_product(const OperandFragment<Operand::a, rows>& a,
                                              const OperandFragment<Operand::b, columns>& b) {
#pragma unroll
    for (int i = 0; i < rows / 16; ++i) {
#pragma unroll
      for (int step = 0; step < columns / 8; ++step) {
        const int j =
            i % 2 == 0 ? step : columns / 8 - 1 - step;  // back and forth, to reuse the operand just used
        const auto& quarters = b.registers[j / 2];
        const unsigned b_block[2] = {quarters[j % 2 * 2], quarters[j % 2 * 2 + 1]};
        multiply_accumulate<element>(sums_[i][j], a.registers[i], b_block);
      }
    }
  }

  /// Rounds to the element type and writes to a shared tile, the upper left corner at (first_row,
  /// first_column).
  template <class Tile>
  __device__ __forceinline__ void write(unsigned char* tile, int first_row, int first_column) const {
    const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
    const int group = lane / 4;
    const int pair_bytes = lane % 4 * 4;
#pragma unroll
    for (int i = 0; i < rows / 16; ++i) {
#pragma unroll
      for (int j = 0; j < columns / 8; ++j) {
        const int row = first_row + i * 16 + group;
        const int chunk = first_column / Tile::chunk_elements + j;
        *reinterpret_cast<unsigned*>(tile + Tile::byte_offset(row, chunk) + pair_bytes) =
            pack_from_f32<element>(sums_[i][j][0], sums_[i][j][1]);
        *reinterpret_cast<unsigned*>(tile + Tile::byte_offset(row + 8, chunk) + pair_bytes) =
            pack_from_f32<element>(sums_[i][j][2], sums_[i][j][3]);
      }
    }
  }

 private:
  float sums_[rows / 16][columns / 8][4] = {};
};

}  // namespace device
