// The estimate written plainly: one block of threads for a row of blocks, means and sums one after another.
// `exact` keeps f32; `low` rounds the means, the scores and the result to 16 bits.

#include <weir/config.h>

#include "device/element.h"

namespace {

using device::Half;

__device__ __forceinline__ float to_f32(Half bits) {
  return device::to_f32<config::dtype>(bits);
}
template <bool low>
__device__ __forceinline__ float rounded_if(float value) {
  return low ? to_f32(device::from_f32<config::dtype>(value)) : value;
}

/// Pairs that see each other, one after another.
__device__ __forceinline__ int pairs_of(int row, int column, int seq_q, int seq_kv) {
  int pairs = 0;
  for (int i = row * config::block_q; i < min((row + 1) * config::block_q, seq_q); ++i) {
    const int first = column * config::block_kv;
    int end = min(first + config::block_kv, seq_kv);
    if (config::causal) end = min(end, i + seq_kv - seq_q + 1);
    pairs += max(0, end - first);
  }
  return pairs;
}

template <bool low>
__device__ __forceinline__ float mean(const Half* first, long long stride, int count) {
  float sum = 0.0f;
  for (int i = 0; i < count; ++i) sum += to_f32(first[i * stride]);
  return rounded_if<low>(sum / static_cast<float>(count));
}

template <bool low>
__device__ __forceinline__ void masses_of(float* masses, const Half* q, const Half* k, int heads_q,
                                          int heads_kv, int seq_q, int seq_kv) {
  __shared__ float query[config::head_dim];
  __shared__ float total;
  const int rows = (seq_q + config::block_q - 1) / config::block_q;
  const int columns = (seq_kv + config::block_kv - 1) / config::block_kv;
  const int row = static_cast<int>(blockIdx.x) % rows, head = static_cast<int>(blockIdx.x) / rows % heads_q;
  const int batch = static_cast<int>(blockIdx.x) / rows / heads_q, head_kv = head / (heads_q / heads_kv);
  const long long q_stride = static_cast<long long>(heads_q) * config::head_dim;
  const long long kv_stride = static_cast<long long>(heads_kv) * config::head_dim;
  float* own = masses + static_cast<long long>(blockIdx.x) * columns;
  const int thread = static_cast<int>(threadIdx.x);

  const int first_query = row * config::block_q;
  for (int i = thread; i < config::head_dim; i += 256) {
    query[i] = mean<low>(
        q + (static_cast<long long>(batch) * seq_q + first_query) * q_stride + head * config::head_dim + i,
        q_stride, min(config::block_q, seq_q - first_query));
  }
  __syncthreads();
  for (int column = thread; column < columns; column += 256) {
    const int first_key = column * config::block_kv;
    float sum = 0.0f;
    for (int i = 0; i < config::head_dim; ++i) {
      sum += query[i] * mean<low>(k + (static_cast<long long>(batch) * seq_kv + first_key) * kv_stride +
                                      head_kv * config::head_dim + i,
                                  kv_stride, min(config::block_kv, seq_kv - first_key));
    }
    const int pairs = pairs_of(row, column, seq_q, seq_kv);
    own[column] = pairs == 0 ? 0.0f
                             : expf(rounded_if<low>(sum / sqrtf(static_cast<float>(config::head_dim)))) *
                                   static_cast<float>(pairs);
  }
  __syncthreads();
  if (thread == 0) {
    total = 0.0f;
    for (int column = 0; column < columns; ++column) total += own[column];
  }
  __syncthreads();
  for (int column = thread; column < columns; column += 256) {
    own[column] = rounded_if<low>(total == 0.0f ? 0.0f : own[column] / total);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    block_mass_reference_exact(float* masses, const Half* q, const Half* k, int heads_q, int heads_kv,
                               int seq_q, int seq_kv) {
  masses_of<false>(masses, q, k, heads_q, heads_kv, seq_q, seq_kv);
}

extern "C" __global__ void __launch_bounds__(256)
    block_mass_reference_low(float* masses, const Half* q, const Half* k, int heads_q, int heads_kv,
                             int seq_q, int seq_kv) {
  masses_of<true>(masses, q, k, heads_q, heads_kv, seq_q, seq_kv);
}
