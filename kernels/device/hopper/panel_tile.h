// Tiles of 16-bit elements in shared memory as the copy engine writes them and wgmma reads them with the
// 128-byte swizzle.
#pragma once

#include "device/element.h"

namespace hopper {

using device::Half;

/// Elements in a row of a panel: 128 bytes.
constexpr int kPanelColumns = 64;
/// Rows or columns that one wgmma multiplies.
constexpr int kDepth = 16;
/// Rows of sums of one wgmma.
constexpr int kProductRows = 64;

/// rows x columns elements, in panels of 64 columns one after another (the last may be used in part). A
/// panel's row is 128 bytes, whose 16-byte chunk c is kept at position c ^ (row % 8). Tiles start at
/// multiples of 1024 bytes.
template <int rows_, int columns_>
struct PanelTile {
  static constexpr int rows = rows_;
  static constexpr int columns = columns_;
  static constexpr int panels = (columns + kPanelColumns - 1) / kPanelColumns;
  static constexpr int panel_bytes = rows * 128;
  static constexpr int bytes = panels * panel_bytes;
  static_assert(rows % 8 == 0, "the swizzle repeats every 8 rows, and so do wgmma's descriptors");
  static_assert(columns % kDepth == 0, "products take 16 columns at a time");

  /// Where 8 consecutive elements of a row are.
  static __device__ __forceinline__ unsigned chunk_address(unsigned tile, int row, int column) {
    return tile + column / kPanelColumns * panel_bytes + row * 128 +
           ((column % kPanelColumns * 2) ^ ((row & 7) << 4));
  }

  /// An operand whose rows run along k (columns of this tile are multiplied with one another): rows from
  /// `first_row`, a multiple of 8. Add `columns_step(i)` for the columns from 16 i on.
  static __device__ __forceinline__ unsigned long long along_columns(unsigned tile, int first_row) {
    return descriptor(tile + first_row * 128, 16);  // the leading offset is not used in this layout
  }
  static __device__ constexpr unsigned columns_step(int step) {
    constexpr int kStepsPerPanel = kPanelColumns / kDepth;
    return (step / kStepsPerPanel * panel_bytes + step % kStepsPerPanel * kDepth * 2) >> 4;
  }

  /// An operand whose rows run across k (rows of this tile are multiplied with one another): all columns. Add
  /// `rows_step(i)` for the rows from 16 i on.
  static __device__ __forceinline__ unsigned long long along_rows(unsigned tile) {
    return descriptor(tile, panel_bytes);
  }
  static __device__ constexpr unsigned rows_step(int step) { return (step * kDepth * 128) >> 4; }

 private:
  /// PTX ISA, "Matrix descriptor": address, leading and stride offset (between groups of 8 rows) in units of
  /// 16 bytes; 1 stands for the 128-byte swizzle.
  static __device__ __forceinline__ unsigned long long descriptor(unsigned address, unsigned leading_bytes) {
    constexpr unsigned kStrideBytes = 1024;
    constexpr unsigned kSwizzle128 = 1;
    const unsigned low = (address & 0x3ffff) >> 4 | leading_bytes >> 4 << 16;
    const unsigned high = kStrideBytes >> 4 | kSwizzle128 << 30;
    return static_cast<unsigned long long>(high) << 32 | low;
  }
};

}  // namespace hopper
