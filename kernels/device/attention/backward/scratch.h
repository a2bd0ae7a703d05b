// What the launches hand each other: the rows' statistics, and the sums of dQ where several blocks add to it.
// Both are stored head by head, each sequence's rows padded to whole query tiles.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/problem.h"
#include "device/ptx/reduce.h"

namespace attention::backward {

/// Rows of a sequence are padded to a multiple of this: every tile of queries is whole.
constexpr int kPaddedRows = 128;

__device__ __forceinline__ int padded(int rows) {
  return (rows + kPaddedRows - 1) / kPaddedRows * kPaddedRows;
}

/// Where the rows of sequences and heads are in the scratch tensors.
struct ScratchRows {
  long long head_stride;
  long long before;  // the sequence's first row, of head 0

  /// A packed sequence begins at its first row's number, as if kPaddedRows more rows preceded each sequence,
  /// rounded down: what is left between two sequences is enough to pad the first.
  static __device__ __forceinline__ ScratchRows of(const Problem& problem, const Sequence& sequence) {
    if constexpr (config::packed) {
      const int rows = problem.cu_seq_q[problem.batches] / kPaddedRows + problem.batches;
      return {.head_stride = static_cast<long long>(rows) * kPaddedRows,
              .before =
                  static_cast<long long>(sequence.first_query / kPaddedRows + sequence.batch) * kPaddedRows};
    } else {
      const long long rows = padded(problem.seq_q);
      return {.head_stride = problem.batches * rows, .before = sequence.batch * rows};
    }
  }

  __device__ __forceinline__ long long row(int head, int query) const {
    return head * head_stride + before + query;
  }
};

/// Sums of dQ lie as accumulators do, in fragments of 16 rows x 8 columns: a warp adds whole lines of 128
/// bytes. Lane and register say which element it is (ptx/mma.h).
struct QuerySums {
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
