// What the launches hand each other: the rows' statistics, and the sums of dQ where several blocks add to it.
// Both are stored head by head, each sequence's rows padded to whole query tiles.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/block_order.h"
#include "device/ptx/reduce.h"

namespace attention::backward {

__device__ __forceinline__ int padded(int rows) {
  return (rows + kPaddedRows - 1) / kPaddedRows * kPaddedRows;
}

/// Where one head of one sequence begins in the scratch tensors, in rows.
__device__ __forceinline__ long long scratch_row(int batch, int head, int batches, int seq_q) {
  const long long rows_per_head = static_cast<long long>(batches) * padded(seq_q);
  return head * rows_per_head + static_cast<long long>(batch) * padded(seq_q);
}

/// Sums of dQ lie as accumulators do, in fragments of 16 rows x 8 columns: a warp adds whole lines of 128
/// bytes. Lane and register say which element it is (ptx/mma.h).
struct QuerySums {
  static constexpr int fragment_elements = 16 * 8;

  /// Of the fragment at `row` (a multiple of 16) and `column` (a multiple of 8).
  static __device__ __forceinline__ long long offset(long long row, int column) {
    return row * config::head_dim + column * 16;
  }

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static constexpr int lane_stride = 4, register_stride = 1;
  static __device__ __forceinline__ void add(float* fragment, int lane, const float (&values)[4]) {
    ptx::red_add_v4_f32(fragment + lane * lane_stride, values);
  }
#else
  static constexpr int lane_stride = 1, register_stride = 32;
  static __device__ __forceinline__ void add(float* fragment, int lane, const float (&values)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) ptx::red_add_f32(fragment + lane + i * register_stride, values[i]);
  }
#endif
};

}  // namespace attention::backward
