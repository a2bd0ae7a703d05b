// The launches before and after the key pass, which work on rows: statistics, zeros, and dQ from its sums.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/scratch.h"

namespace attention::backward {

constexpr int kRowThreads = 256;
constexpr int kRowsPerBlock = 64;
static_assert(kPaddedRows % kRowsPerBlock == 0, "a block's rows are of one sequence");

/// A block's rows of one head, padding included. Neighbouring blocks take neighbouring heads, whose rows are
/// neighbours in q and o.
struct RowWork {
  int batch, head, first_row;

  static __device__ __forceinline__ RowWork of_block(int block, int heads_q, int seq_q) {
    const int row_blocks = padded(seq_q) / kRowsPerBlock;
    const int rest = block / heads_q;
    return {
        .batch = rest / row_blocks, .head = block % heads_q, .first_row = rest % row_blocks * kRowsPerBlock};
  }
  /// Elements of q and o before the sequence's first row.
  __device__ __forceinline__ long long offset(int heads_q, int seq_q) const {
    return (static_cast<long long>(batch) * seq_q * heads_q + head) * config::head_dim;
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
                                                 const float* lse, const RowWork& work, int batches,
                                                 int heads_q, int seq_q) {
  constexpr int kThreadsPerRow = config::head_dim % 64 == 0 ? 8 : 4;
  constexpr int kRowsPerPass = kRowThreads / kThreadsPerRow;
  const int thread = static_cast<int>(threadIdx.x);
  const int stride = heads_q * config::head_dim;
  const long long sequence = work.offset(heads_q, seq_q);
#pragma unroll
  for (int pass = 0; pass < kRowsPerBlock / kRowsPerPass; ++pass) {
    const int row = work.first_row + pass * kRowsPerPass + thread / kThreadsPerRow;
    const bool exists = row < seq_q;
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
      const float log_sum =
          exists ? lse[(static_cast<long long>(work.batch) * heads_q + work.head) * seq_q + row]
                 : -device::infinity();
      const bool sees_any = log_sum != -device::infinity();
      float* destination = statistics + (scratch_row(work.batch, work.head, batches, seq_q) + row) * 2;
      destination[0] = sees_any ? log_sum * device::kLog2E : device::infinity();
      destination[1] = delta;
    }
  }
}

/// Sums of dQ start at 0.
__device__ __forceinline__ void clear_sums(float* dq_sums, const RowWork& work, int batches, int seq_q) {
  float4* rows = reinterpret_cast<float4*>(
      dq_sums + QuerySums::offset(scratch_row(work.batch, work.head, batches, seq_q) + work.first_row, 0));
#pragma unroll
  for (int i = 0; i < kRowsPerBlock * config::head_dim / 4 / kRowThreads; ++i) {
    rows[i * kRowThreads + static_cast<int>(threadIdx.x)] = float4{0.0f, 0.0f, 0.0f, 0.0f};
  }
}

/// dQ = sums / sqrt(head_dim), rounded. A thread takes 8 columns of two rows: four lanes of a fragment.
__device__ __forceinline__ void convert_sums(Half* dq, const float* dq_sums, const RowWork& work, int batches,
                                             int heads_q, int seq_q) {
  constexpr int kChunks = config::head_dim / 8;
  const long long first = scratch_row(work.batch, work.head, batches, seq_q) + work.first_row;
  const int stride = heads_q * config::head_dim;
  Half* sequence = dq + work.offset(heads_q, seq_q);
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
        (QuerySums::lane_stride == 1 ? sums[l][j] : sums[j][l]) = values[l] * kScale;
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = work.first_row + 16 * row_tile + group + 8 * half;
      if (row >= seq_q) continue;
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
