// The warps of a block that worked on different keys of the same rows put their results together.
#pragma once

#include <weir/config.h>

#include "device/decode/warp_rows.h"

namespace decode {

/// Whether the outputs take the place of the ring, which is free when a block's only piece is done.
constexpr bool kMergedInPlace = config::fused && !config::persistent;
/// At a time.
constexpr int kMergedColumns = kMergedInPlace ? config::head_dim : 32;
/// In f32: the rows of half a warp's pairs of columns cover all banks once.
constexpr int kMergePitch = kMergedColumns + 8;
constexpr int kMergeBytes = kKeyWarps * config::tile_rows * kMergePitch * static_cast<int>(sizeof(float));

/// Base and sum of a row's softmax over one warp's keys.
struct RowSum {
  float base, sum;
};

/// Shared memory of the merge: sums of all warps, and outputs of all warps, `kMergedColumns` at a time.
class Merge {
 public:
  /// What lies in `outputs`, kMergeBytes, is no longer needed when the last warp runs the merge.
  __device__ __forceinline__ Merge(unsigned char* outputs, unsigned char* sums)
      : sums_(reinterpret_cast<RowSum*>(sums)), outputs_(reinterpret_cast<float*>(outputs)) {}

  /// Calls store(row, first column, four merged and normalised columns) once for each of the tile's first
  /// `valid_rows` rows and four columns, and store_lse(row, natural logarithm of the row's sum) once for
  /// each. The summation order is fixed. All threads of the block together; at the end shared memory is free
  /// again.
  template <class Store, class StoreLse>
  __device__ __forceinline__ void run(WarpRows& rows, int valid_rows, Store store, StoreLse store_lse) {
    rows.softmax.finish();
    publish_sums(rows);
    __syncthreads();
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < valid_rows) store_lse(thread, log_sum_exp(total(thread)));
    float factors[kRowTiles][2];
#pragma unroll
    for (int i = 0; i < 2 * kRowTiles; ++i) factors[i / 2][i % 2] = factor(rows, i / 2, i % 2);
#pragma unroll
    for (int column = 0; column < config::head_dim; column += kMergedColumns) {
      publish_columns(rows, valid_rows, factors, column);
      __syncthreads();
      for (int i = thread; i < valid_rows * (kMergedColumns / 4); i += kThreads) {
        const int row = i / (kMergedColumns / 4);
        const int quad = i % (kMergedColumns / 4) * 4;
        store(row, column + quad, merged(row, quad));
      }
      __syncthreads();
    }
  }

 private:
  static __device__ __forceinline__ int line(int key_warp, int row) {
    return key_warp * config::tile_rows + row;
  }

  __device__ __forceinline__ void publish_sums(const WarpRows& rows) {
    if (WarpRows::lane() % 4 != 0) return;
#pragma unroll
    for (int i = 0; i < 2 * kRowTiles; ++i) {
      sums_[line(CacheStream::key_warp(), WarpRows::row(i / 2, i % 2))] = {rows.softmax.base[i / 2][i % 2],
                                                                           rows.softmax.sum[i / 2][i % 2]};
    }
  }

  /// Over all warps, relative to the largest base.
  __device__ __forceinline__ RowSum total(int row) const {
    RowSum total = sums_[line(0, row)];
#pragma unroll
    for (int warp = 1; warp < kKeyWarps; ++warp) total.base = fmaxf(total.base, sums_[line(warp, row)].base);
    total.sum = 0.0f;
    if (total.base == -device::infinity()) return total;
#pragma unroll
    for (int warp = 0; warp < kKeyWarps; ++warp) {
      const RowSum part = sums_[line(warp, row)];
      total.sum += part.sum * ptx::ex2_approx_ftz(part.base - total.base);
    }
    return total;
  }

  static __device__ __forceinline__ float log_sum_exp(const RowSum& total) {
    if (total.sum == 0.0f) return -device::infinity();
    return (total.base + ptx::lg2_approx_ftz(total.sum)) * device::kLn2;
  }

  /// What the warp's output of a row counts in the merged one; 0 for a row without a visible key.
  __device__ __forceinline__ float factor(const WarpRows& rows, int tile, int half) const {
    const RowSum all = total(WarpRows::row(tile, half));
    return all.sum == 0.0f ? 0.0f : ptx::ex2_approx_ftz(rows.softmax.base[tile][half] - all.base) / all.sum;
  }

  __device__ __forceinline__ void publish_columns(const WarpRows& rows, int valid_rows,
                                                  const float (&factors)[kRowTiles][2], int first_column) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if (WarpRows::row(tile, half) >= valid_rows) continue;
        float* destination = outputs_ +
                             line(CacheStream::key_warp(), WarpRows::row(tile, half)) * kMergePitch +
                             WarpRows::lane() % 4 * 2;
#pragma unroll
        for (int column = 0; column < kMergedColumns / 8; ++column) {
          const float(&values)[4] = rows.output[tile][first_column / 8 + column];
          *reinterpret_cast<float2*>(destination + 8 * column) =
              float2{values[2 * half] * factors[tile][half], values[2 * half + 1] * factors[tile][half]};
        }
      }
    }
  }

  __device__ __forceinline__ float4 merged(int row, int first_column) const {
    float4 sum{0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int warp = 0; warp < kKeyWarps; ++warp) {
      const float4 part =
          *reinterpret_cast<const float4*>(outputs_ + line(warp, row) * kMergePitch + first_column);
      sum.x += part.x, sum.y += part.y, sum.z += part.z, sum.w += part.w;
    }
    return sum;
  }

  RowSum* sums_;
  float* outputs_;
};

}  // namespace decode
