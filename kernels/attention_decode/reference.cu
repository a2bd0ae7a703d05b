// Attention of a few queries written plainly, on ordinary multiply-adds: the softmax's maximum and sum are
// known before the first weight is used. `exact` keeps f32 throughout; `low` rounds where a layer-by-layer
// implementation in 16 bits rounds: the products, what is made of them, the normalised weights and the
// output.
//
// A block of 128 threads takes one query of one head and 128 keys at a time, one for each thread; for the
// product with V a thread takes columns instead.

#include <weir/config.h>

#include "device/decode/problem.h"

namespace {

using decode::Half;
using decode::Problem;
using decode::Query;
using decode::Sequence;

constexpr int kThreads = 128;
constexpr int kColumns = (config::head_dim + kThreads - 1) / kThreads;  // of a thread

__device__ __forceinline__ float to_f32(Half bits) {
  return device::to_f32<config::dtype>(bits);
}
__device__ __forceinline__ float rounded(float value) {
  return to_f32(device::from_f32<config::dtype>(value));
}
__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7f800000u);
}

/// The same value for all threads of the block.
template <class Combine>
__device__ __forceinline__ float reduced(float* shared, float value, Combine combine) {
  __syncthreads();
  shared[threadIdx.x] = value;
  __syncthreads();
  float result = shared[0];
  for (int i = 1; i < kThreads; ++i) result = combine(result, shared[i]);
  return result;
}

template <bool low>
__device__ __forceinline__ void attend(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                       const Problem& problem) {
  __shared__ float queries[config::head_dim];
  __shared__ float weights[kThreads];
  __shared__ float shared[kThreads];

  const Query query{static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.z)};
  const Sequence sequence = problem.sequence(query.batch);
  if (query.index >= sequence.queries) return;
  const int thread = static_cast<int>(threadIdx.x);
  const int head_kv = query.head / problem.group();
  const float scale = rsqrtf(static_cast<float>(config::head_dim));
  const long long line =
      (static_cast<long long>(sequence.first_query + query.index) * problem.heads_q + query.head) *
      config::head_dim;
  const auto cache_line = [&](int key) {
    const long long place = problem.place(sequence, query.batch, key);
    return (place * problem.heads_kv + head_kv) * config::head_dim;
  };
  for (int i = thread; i < config::head_dim; i += kThreads) queries[i] = to_f32(q[line + i]);
  __syncthreads();

  const attention::Visibility visibility = problem.visibility(sequence);
  const int begin = max(0, visibility.first_key(query.index)), end = visibility.end_key(query.index);
  const auto score = [&](int key) {
    if (!visibility.sees(query.index, key, query.head, query.batch)) return -infinity();
    const long long first = cache_line(key);
    float value = 0.0f;
    for (int i = 0; i < config::head_dim; ++i) value += queries[i] * to_f32(k[first + i]);
    value = (low ? rounded(value) : value) * scale;
    if constexpr (config::softcap > 0) {
      value = static_cast<float>(config::softcap) * tanhf(value / static_cast<float>(config::softcap));
      if (low) value = rounded(value);
    }
    if constexpr (!config::score_is_default) {
      value = config::score(value, query.index, key, query.head, query.batch);
      if (low) value = rounded(value);
    }
    return value;
  };

  float maximum = -infinity();
  for (int key = begin + thread; key < end; key += kThreads) maximum = fmaxf(maximum, score(key));
  maximum = reduced(shared, maximum, [](float a, float b) { return fmaxf(a, b); });
  if (maximum == -infinity()) maximum = 0.0f;  // no visible key: all weights are 0
  float sum = 0.0f;
  for (int key = begin + thread; key < end; key += kThreads) sum += expf(score(key) - maximum);
  sum = reduced(shared, sum, [](float a, float b) { return a + b; });

  float output[kColumns] = {};
  for (int first = begin; first < end; first += kThreads) {
    const float weight = sum == 0.0f ? 0.0f : expf(score(first + thread) - maximum) / sum;
    __syncthreads();
    weights[thread] = low ? rounded(weight) : weight;
    __syncthreads();
    for (int key = first; key < min(first + kThreads, end); ++key) {
      const long long values = cache_line(key);
      for (int i = 0; i < kColumns; ++i) {
        const int column = thread + i * kThreads;
        if (column < config::head_dim) output[i] += weights[key - first] * to_f32(v[values + column]);
      }
    }
  }
  for (int i = 0; i < kColumns; ++i) {
    const int column = thread + i * kThreads;
    if (column < config::head_dim) o[line + column] = low ? rounded(output[i]) : output[i];
  }
  if (thread == 0) lse[problem.lse_index(sequence, query)] = sum == 0.0f ? -infinity() : maximum + logf(sum);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    attention_decode_reference_exact(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                     const int* seq_lens, const int* page_table, const int* cu_seq_q,
                                     const int* cu_seq_kv, int batches, int heads_q, int heads_kv, int seq_q,
                                     int seq_kv, int window_left, int window_right) {
  attend<false>(o, lse, q, k, v,
                Problem{seq_lens, page_table, cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv,
                        window_left, window_right});
}

extern "C" __global__ void __launch_bounds__(kThreads)
    attention_decode_reference_low(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                   const int* seq_lens, const int* page_table, const int* cu_seq_q,
                                   const int* cu_seq_kv, int batches, int heads_q, int heads_kv, int seq_q,
                                   int seq_kv, int window_left, int window_right) {
  attend<true>(o, lse, q, k, v,
               Problem{seq_lens, page_table, cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv,
                       window_left, window_right});
}
