// Where attention is, block by block, from the means of each block's queries and keys: one launch for the
// means, one for the softmax over a row of blocks. masks/adaptive_mask.h turns the result into a mask.

#include <weir/config.h>

#include "device/element.h"
#include "device/ptx/math.h"
#include "device/softmax.h"
#include "device/sparse/visible_pairs.h"

namespace {

using device::Half;

constexpr int kChunks = config::head_dim / 8;  // of 16 bytes in a row
constexpr int kPoolThreads = 32 * config::pool_warps;
constexpr int kRowsAtOnce = kPoolThreads / kChunks;
constexpr float kEmpty = -1e30f;  // below every score

/// The mean of `count` rows from `source` on. A thread sums 8 columns of every kRowsAtOnce-th row.
__device__ __forceinline__ void pool(float* mean, const Half* source, int row_stride, int count,
                                     float* sums) {
  const int thread = static_cast<int>(threadIdx.x);
  const int chunk = thread % kChunks, first_row = thread / kChunks;
  float sum[8] = {};
  if (first_row < kRowsAtOnce) {
    for (int row = first_row; row < count; row += kRowsAtOnce) {
      const uint4 eight =
          *reinterpret_cast<const uint4*>(source + static_cast<long long>(row) * row_stride + chunk * 8);
      const unsigned pairs[4] = {eight.x, eight.y, eight.z, eight.w};
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        sum[i] += device::to_f32<config::dtype>(static_cast<Half>(pairs[i / 2] >> (16 * (i % 2))));
      }
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) sums[first_row * config::head_dim + chunk * 8 + i] = sum[i];
  }
  __syncthreads();
  for (int column = thread; column < config::head_dim; column += kPoolThreads) {
    float total = 0.0f;
    for (int row = 0; row < kRowsAtOnce; ++row) total += sums[row * config::head_dim + column];
    mean[column] = total / static_cast<float>(count);
  }
}

/// Maximum, and sum of exponentials relative to it.
struct Softmax {
  float maximum = kEmpty, sum = 0.0f;

  __device__ __forceinline__ void add(float other_maximum, float other_sum) {
    const float raised = fmaxf(maximum, other_maximum);
    sum = sum * ptx::ex2_approx_ftz((maximum - raised) * device::kLog2E) +
          other_sum * ptx::ex2_approx_ftz((other_maximum - raised) * device::kLog2E);
    maximum = raised;
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kPoolThreads)
    block_mass_pool(float* __restrict__ pooled_q, float* __restrict__ pooled_k, const Half* __restrict__ q,
                    const Half* __restrict__ k, int batches, int heads_q, int heads_kv, int seq_q,
                    int seq_kv) {
  extern __shared__ __align__(16) float sums[];
  const int rows = (seq_q + config::block_q - 1) / config::block_q;
  const int columns = (seq_kv + config::block_kv - 1) / config::block_kv;
  const int blocks_q = batches * heads_q * rows;
  const bool is_query = static_cast<int>(blockIdx.x) < blocks_q;
  const int item = static_cast<int>(blockIdx.x) - (is_query ? 0 : blocks_q);
  const int heads = is_query ? heads_q : heads_kv, lines = is_query ? rows : columns;
  const int length = is_query ? seq_q : seq_kv, block = is_query ? config::block_q : config::block_kv;
  const int head = item % heads, line = item / heads % lines, batch = item / heads / lines;
  const int stride = heads * config::head_dim;
  pool((is_query ? pooled_q : pooled_k) +
           ((static_cast<long long>(batch) * heads + head) * lines + line) * config::head_dim,
       (is_query ? q : k) + (static_cast<long long>(batch) * length + line * block) * stride +
           head * config::head_dim,
       stride, min(block, length - line * block), sums);
}

extern "C" __global__ void __launch_bounds__(32 * config::warps)
    block_mass_masses(float* __restrict__ masses, const float* __restrict__ pooled_q,
                      const float* __restrict__ pooled_k, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(16) float partial[];  // maximum and sum of each warp
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  const int rows = (seq_q + config::block_q - 1) / config::block_q;
  const int columns = (seq_kv + config::block_kv - 1) / config::block_kv;
  const int row = static_cast<int>(blockIdx.x) % rows, all_head = static_cast<int>(blockIdx.x) / rows;
  const int head_kv = all_head / heads_q * heads_kv + all_head % heads_q / (heads_q / heads_kv);
  const float* query = pooled_q + static_cast<long long>(blockIdx.x) * config::head_dim;
  const float* keys = pooled_k + static_cast<long long>(head_kv) * columns * config::head_dim;
  float* own = masses + static_cast<long long>(blockIdx.x) * columns;
  const float scale = rsqrtf(static_cast<float>(config::head_dim));

  float queries[config::head_dim / 32];
#pragma unroll
  for (int i = 0; i < config::head_dim / 32; ++i) queries[i] = query[32 * i + lane] * scale;

  Softmax softmax;
  for (int column = warp; column < columns; column += config::warps) {
    const float pairs = sparse::visible_pairs(row, column, seq_q, seq_kv);
    float score = kEmpty;
    if (pairs > 0.0f) {
      float sum = 0.0f;
#pragma unroll
      for (int i = 0; i < config::head_dim / 32; ++i) {
        sum += queries[i] * keys[static_cast<long long>(column) * config::head_dim + 32 * i + lane];
      }
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) {
        sum += __shfl_xor_sync(device::kWholeWarp, sum, distance);
      }
      score = sum + ptx::lg2_approx_ftz(pairs) * device::kLn2;
      softmax.add(score, 1.0f);
    }
    if (lane == 0) own[column] = score;
  }
  if (lane == 0) partial[2 * warp] = softmax.maximum, partial[2 * warp + 1] = softmax.sum;
  __syncthreads();
  Softmax whole;
#pragma unroll
  for (int i = 0; i < config::warps; ++i) whole.add(partial[2 * i], partial[2 * i + 1]);
  for (int column = thread; column < columns; column += 32 * config::warps) {
    const float score = own[column];
    own[column] =
        score == kEmpty ? 0.0f : ptx::ex2_approx_ftz((score - whole.maximum) * device::kLog2E) / whole.sum;
  }
}
