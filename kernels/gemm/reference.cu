// References for C[m, n] = A[m, k] * transpose(B[n, k]), on ordinary FP32 units: inputs converted exactly,
// one fused multiply-add per term, k ascending.
#include <weir/config.h>

#include "device/element.h"

namespace {

using device::Half;

constexpr int kTile = 128;     // rows and columns of C per block
constexpr int kDepth = 16;     // columns of A and B per step
constexpr int kThreads = 256;  // 16 x 16, each computes 8 x 8
constexpr int kPerThread = 8;
constexpr int kPitch = kTile + 4;  // keeps 16-byte alignment, spreads the transposed writes over banks
constexpr int kLoads = kTile * kDepth / 8 / kThreads;

using DepthSlice = float[kDepth][kPitch];
static_assert(kLoads == 1, "each thread loads 8 elements of each operand per step");

/// slice[depth][row] = matrix[first_row + row][first_column + depth], zero outside.
__device__ __forceinline__ void load_transposed(DepthSlice& slice, const Half* matrix, int rows, int columns,
                                                int first_row, int first_column) {
  const int row = static_cast<int>(threadIdx.x) % kTile;
  const int depth = static_cast<int>(threadIdx.x) / kTile * 8;
  uint4 chunk = {0, 0, 0, 0};
  if (first_row + row < rows && first_column + depth < columns) {
    chunk = *reinterpret_cast<const uint4*>(matrix + static_cast<long long>(first_row + row) * columns +
                                            first_column + depth);
  }
  const unsigned pairs[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    slice[depth + 2 * i][row] = device::to_f32<config::dtype>(static_cast<Half>(pairs[i] & 0xffffu));
    slice[depth + 2 * i + 1][row] = device::to_f32<config::dtype>(static_cast<Half>(pairs[i] >> 16));
  }
}

template <class Finish>
__device__ __forceinline__ void multiply(const Half* a, const Half* b, float* c, int m, int n, int k,
                                         Finish finish) {
  __shared__ __align__(16) DepthSlice a_slice;
  __shared__ __align__(16) DepthSlice b_slice;
  const int first_row = static_cast<int>(blockIdx.y) * kTile;
  const int first_column = static_cast<int>(blockIdx.x) * kTile;
  const int thread_row = static_cast<int>(threadIdx.x) / 16 * 4;  // and 64 further: two groups of 4
  const int thread_column = static_cast<int>(threadIdx.x) % 16 * 4;
  float sums[kPerThread][kPerThread] = {};

  for (int step = 0; step < k; step += kDepth) {
    load_transposed(a_slice, a, m, k, first_row, step);
    load_transposed(b_slice, b, n, k, first_column, step);
    __syncthreads();
#pragma unroll
    for (int depth = 0; depth < kDepth; ++depth) {
      float rows[kPerThread];
      float columns[kPerThread];
#pragma unroll
      for (int i = 0; i < kPerThread; ++i) {
        rows[i] = a_slice[depth][thread_row + i % 4 + i / 4 * 64];
        columns[i] = b_slice[depth][thread_column + i % 4 + i / 4 * 64];
      }
#pragma unroll
      for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
        for (int j = 0; j < kPerThread; ++j) sums[i][j] = __fmaf_rn(rows[i], columns[j], sums[i][j]);
      }
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
    for (int j = 0; j < kPerThread; ++j) {
      const int row = first_row + thread_row + i % 4 + i / 4 * 64;
      const int column = first_column + thread_column + j % 4 + j / 4 * 64;
      if (row < m && column < n) c[static_cast<long long>(row) * n + column] = finish(sums[i][j]);
    }
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    gemm_reference_exact(const Half* a, const Half* b, float* c, int m, int n, int k) {
  multiply(a, b, c, m, n, k, [](float sum) { return sum; });
}

/// What a straightforward low-precision GEMM gives: the sum rounded to the element type.
extern "C" __global__ void __launch_bounds__(kThreads)
    gemm_reference_low(const Half* a, const Half* b, float* c, int m, int n, int k) {
  multiply(a, b, c, m, n, k,
           [](float sum) { return device::to_f32<config::dtype>(device::from_f32<config::dtype>(sum)); });
}
