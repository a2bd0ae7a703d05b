// From a warpgroup's sums to memory.
#pragma once

#include "device/hopper/product.h"
#include "device/hopper/warpgroup.h"
#include "device/ptx/fence.h"
#include "device/ptx/stmatrix.h"
#include "device/ptx/tma.h"

namespace hopper {

/// 64 x 64 elements: what one copy stores.
using OutputPanel = PanelTile<kProductRows, kPanelColumns>;

/// 64 x 32 elements, with the 64-byte swizzle: two rows of four 16-byte chunks in 128 bytes, where chunk c is
/// kept at position c ^ (row / 2 % 4).
struct NarrowOutputPanel {
  static constexpr int columns = 32;
  static constexpr int bytes = kProductRows * columns * 2;

  static __device__ __forceinline__ unsigned chunk_address(unsigned panel, int row, int column) {
    return panel + row * 64 + ((column * 2) ^ ((row >> 1 & 3) << 4));
  }
};

/// Rounds `columns` of a warpgroup's sums, from register `first` on, to the element type and writes them to a
/// panel.
template <Element element, int columns, class Panel = OutputPanel, int registers>
__device__ __forceinline__ void write_panel(unsigned panel, const float (&sums)[registers], int first) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = warp_in_warpgroup() * 16 + lane % 16;
#pragma unroll
  for (int step = 0; step < columns / 16; ++step) {
    unsigned quarters[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int pair = first + 8 * step + 2 * i;
      quarters[i] = device::pack_from_f32<element>(sums[pair], sums[pair + 1]);
    }
    ptx::stmatrix_x4(Panel::chunk_address(panel, row, 16 * step + lane / 16 * 8), quarters);
  }
}

/// Weights as they are the A operand of a product, 16 columns in each element, into panels `stride` bytes
/// apart, from `first_column` (a multiple of 16) of the first on.
template <int steps>
__device__ __forceinline__ void write_weights(unsigned panels, unsigned stride,
                                              const unsigned (&weights)[steps][4], int first_column = 0) {
  constexpr int kStepsPerPanel = kPanelColumns / kDepth;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = warp_in_warpgroup() * 16 + lane % 16;
#pragma unroll
  for (int step = 0; step < steps; ++step) {
    const unsigned panel = panels + step / kStepsPerPanel * stride;
    const int column = first_column + step % kStepsPerPanel * kDepth + lane / 16 * 8;
    ptx::stmatrix_x4(OutputPanel::chunk_address(panel, row, column), weights[step]);
  }
}

/// All of 64 x n sums, into panels `stride` bytes apart.
template <Element element, int registers>
__device__ __forceinline__ void write_panels(unsigned panels, unsigned stride,
                                             const float (&sums)[registers]) {
  constexpr int kWhole = registers * 2 / kPanelColumns;
#pragma unroll
  for (int panel = 0; panel < kWhole; ++panel) {
    write_panel<element, kPanelColumns>(panels + panel * stride, sums, panel * kPanelColumns / 2);
  }
  constexpr int kRest = registers * 2 % kPanelColumns;
  if constexpr (kRest > 0)
    write_panel<element, kRest>(panels + kWhole * stride, sums, kWhole * kPanelColumns / 2);
}

/// A warpgroup's stores by the copy engine, panel by panel through `buffers` of them in shared memory, so
/// that writing one overlaps with storing others.
template <Element element, int buffers, class Panel>
class PanelStore {
 public:
  static constexpr int bytes = buffers * Panel::bytes;

  __device__ __forceinline__ PanelStore(unsigned shared, int consumer)
      : shared_(shared), consumer_(consumer) {}

  /// All of 64 x n sums; `store(panel, column)` issues the copy of a panel, whose columns begin `column`
  /// after the first.
  template <int registers, class Store>
  __device__ __forceinline__ void store(const float (&sums)[registers], Store store) {
    static_assert(registers * 2 % Panel::columns == 0, "whole panels are stored");
    const bool issues = thread_in_warpgroup() == 0;
#pragma unroll
    for (int panel = 0; panel < registers * 2 / Panel::columns; ++panel) {
      const unsigned address = shared_ + next_ * Panel::bytes;
      if (issues) ptx::cp_async_bulk_wait_group_read<buffers - 1>();
      sync_warpgroup(consumer_);
      write_panel<element, Panel::columns, Panel>(address, sums, panel * Panel::columns / 2);
      ptx::fence_proxy_async_shared();
      sync_warpgroup(consumer_);
      if (issues) {
        store(address, panel * Panel::columns);
        ptx::cp_async_bulk_commit_group();
      }
      next_ = next_ + 1 == buffers ? 0 : next_ + 1;
    }
  }

  /// Before the block ends: its shared memory is read until then.
  __device__ __forceinline__ void finish() const {
    if (thread_in_warpgroup() == 0) ptx::cp_async_bulk_wait_group<0>();
  }

 private:
  unsigned shared_;
  int consumer_;
  int next_ = 0;
};

/// Stores a warpgroup's 64 x n sums from registers: `pairs` says that rows of the matrix start at even
/// elements.
template <Element element, int registers>
__device__ __forceinline__ void store_sums(Half* matrix, const float (&sums)[registers], int rows,
                                           int columns, int first_row, int first_column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bool pairs = columns % 2 == 0;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = first_row + warp_in_warpgroup() * 16 + half * 8 + lane / 4;
    if (row >= rows) continue;
    Half* line = matrix + static_cast<long long>(row) * columns;
#pragma unroll
    for (int i = 0; i < registers / 4; ++i) {
      const int column = first_column + 8 * i + lane % 4 * 2;
      const unsigned bits =
          device::pack_from_f32<element>(sums[4 * i + 2 * half], sums[4 * i + 2 * half + 1]);
      if (pairs) {
        if (column < columns) *reinterpret_cast<unsigned*>(line + column) = bits;
      } else {
        if (column < columns) line[column] = static_cast<Half>(bits);
        if (column + 1 < columns) line[column + 1] = static_cast<Half>(bits >> 16);
      }
    }
  }
}

}  // namespace hopper
