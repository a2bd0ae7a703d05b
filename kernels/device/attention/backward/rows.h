// The launches before and after the key pass, which work on rows: statistics, zeros, and dQ from its sums.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/scratch.h"
#include "device/element.h"

namespace attention::backward {

using device::Half;

constexpr int kRowThreads = 256;
constexpr int kRowsPerBlock = 64;
static_assert(kPaddedRows % kRowsPerBlock == 0, "a block's rows are of one sequence");

/// A block's rows of one head, padding included. Neighbouring blocks take neighbouring heads, whose rows are
/// neighbours in q and o.
struct RowWork {
  Sequence sequence;
  int head, first_row;

  static __device__ __forceinline__ RowWork of_block(int block, const Problem& problem) {
    const int row_blocks = padded(problem.seq_q) / kRowsPerBlock;
    const int rest = block / problem.heads_q;
    return {.sequence = problem.sequence(rest / row_blocks),
            .head = block % problem.heads_q,
            .first_row = rest % row_blocks * kRowsPerBlock};
  }
  /// Of a packed batch, the grid is made for the longest sequence.
  __device__ __forceinline__ bool exists() const {
    return !config::packed || first_row < padded(sequence.seq_q);
  }
  __device__ __forceinline__ long long scratch_row(const Problem& problem) const {
    return ScratchRows::of(problem, sequence).row(head, first_row);
  }
};

/// The product of 8 neighbouring elements, summed.
__device__ __forceinline__ float dot(const uint4& left, const uint4& right) {
  const unsigned a[4] = {left.x, left.y, left.z, left.w};
  const unsigned b[4] = {right.x, right.y, right.z, right.w};
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    sum += device::to_f32<config::dtype>(static_cast<Half>(a[i / 2] >> (16 * (i % 2)))) *
           device::to_f32<config::dtype>(static_cast<Half>(b[i / 2] >> (16 * (i % 2))));
  }
  return sum;
}

/// Statistics of a block's rows; rows that see nothing, or pad, get those that make every weight 0.
__device__ __forceinline__ void write_statistics(float* statistics, const Half* o, const Half* dout,
                                                 const float* lse, const RowWork& work,
                                                 const Problem& problem) {
  constexpr int kThreadsPerRow = config::head_dim % 64 == 0 ? 8 : 4;
  constexpr int kRowsPerPass = kRowThreads / kThreadsPerRow;
  const int thread = static_cast<int>(threadIdx.x);
  const int stride = problem.q_stride();
  const long long sequence = problem.q_offset(work.sequence, work.head);
  const float* sequence_lse =
      lse + work.sequence.lse_offset(problem.batches, work.head, problem.heads_q, problem.cu_seq_q);
  float* destination = statistics + 2 * work.scratch_row(problem);
#pragma unroll
  for (int pass = 0; pass < kRowsPerBlock / kRowsPerPass; ++pass) {
    const int row_of_block = pass * kRowsPerPass + thread / kThreadsPerRow;
    const int row = work.first_row + row_of_block;
    const bool exists = row < work.sequence.seq_q;
    float delta = 0.0f;
    if (exists) {
      const long long offset = sequence + static_cast<long long>(row) * stride + thread % kThreadsPerRow * 8;
#pragma unroll
      for (int chunk = 0; chunk < config::head_dim / (8 * kThreadsPerRow); ++chunk) {
        const long long at = offset + chunk * 8 * kThreadsPerRow;
        delta += dot(*reinterpret_cast<const uint4*>(o + at), *reinterpret_cast<const uint4*>(dout + at));
      }
    }
#pragma unroll
    for (int distance = kThreadsPerRow / 2; distance > 0; distance /= 2) {
      delta += __shfl_xor_sync(device::kWholeWarp, delta, distance);
    }
    if (thread % kThreadsPerRow == 0) {
      const float log_sum = exists ? sequence_lse[row] : -device::infinity();
      const bool sees_any = log_sum != -device::infinity();
      destination[2 * row_of_block] = sees_any ? log_sum * device::kLog2E : device::infinity();
      destination[2 * row_of_block + 1] = delta;
    }
  }
}

/// Sums of dQ start at 0.
__device__ __forceinline__ void clear_sums(float* dq_sums, const RowWork& work, const Problem& problem) {
  float4* rows = reinterpret_cast<float4*>(dq_sums + QuerySums::offset(work.scratch_row(problem), 0));
#pragma unroll
  for (int i = 0; i < kRowsPerBlock * config::head_dim / 4 / kRowThreads; ++i) {
    rows[i * kRowThreads + static_cast<int>(threadIdx.x)] = float4{0.0f, 0.0f, 0.0f, 0.0f};
  }
}

/// dQ from its sums, rounded. A thread takes 8 columns of two rows: four lanes of a fragment.
__device__ __forceinline__ void convert_sums(Half* dq, const float* dq_sums, const RowWork& work,
                                             const Problem& problem) {
  constexpr int kChunks = config::head_dim / 8;
  const long long first = work.scratch_row(problem);
  const int stride = problem.q_stride();
  Half* sequence = dq + problem.q_offset(work.sequence, work.head);
  for (int i = static_cast<int>(threadIdx.x); i < kRowsPerBlock / 2 * kChunks; i += kRowThreads) {
    const int chunk = i % kChunks, group = i / kChunks % 8, row_tile = i / kChunks / 8;
    const float* fragment = dq_sums + QuerySums::offset(first + 16 * row_tile, 8 * chunk);
    float sums[4][4];  // [lane][register]
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float4 four = *reinterpret_cast<const float4*>(
          fragment + 4 * group * QuerySums::lane_stride +
          j * (QuerySums::lane_stride == 1 ? QuerySums::register_stride : QuerySums::lane_stride));
      const float values[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
      for (int l = 0; l < 4; ++l) {
        (QuerySums::lane_stride == 1 ? sums[l][j] : sums[j][l]) = values[l] * kGradientScale;
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = work.first_row + 16 * row_tile + group + 8 * half;
      if (row >= work.sequence.seq_q) continue;
      unsigned packed[4];
#pragma unroll
      for (int lane = 0; lane < 4; ++lane) {
        packed[lane] = device::pack_from_f32<config::dtype>(sums[lane][2 * half], sums[lane][2 * half + 1]);
      }
      *reinterpret_cast<uint4*>(sequence + static_cast<long long>(row) * stride + chunk * 8) =
          uint4{packed[0], packed[1], packed[2], packed[3]};
    }
  }
}

}  // namespace attention::backward
