// One query's attention written plainly, on ordinary multiply-adds: the softmax's maximum and sum are known
// before the first weight is used. A block takes a query and 128 keys at a time, one for each thread; for the
// product with V a thread takes columns instead.
#pragma once

#include <weir/config.h>

#include "device/attention/visibility.h"
#include "device/element.h"

namespace attention::reference {

using device::Half;

constexpr int kThreads = 128;
constexpr int kColumns = (config::head_dim + kThreads - 1) / kThreads;  // of a thread

__device__ __forceinline__ float to_f32(Half bits) {
  return device::to_f32<config::dtype>(bits);
}
__device__ __forceinline__ float rounded(float value) {
  return to_f32(device::from_f32<config::dtype>(value));
}
template <bool low>
__device__ __forceinline__ float rounded_if(float value) {
  return low ? rounded(value) : value;
}
__device__ __forceinline__ float minus_infinity() {
  return __uint_as_float(0xff800000u);
}

__device__ __forceinline__ float dot(const float* left, const Half* right) {
  float sum = 0.0f;
  for (int i = 0; i < config::head_dim; ++i) sum += left[i] * to_f32(right[i]);
  return sum;
}

/// The head's columns of one row, in f32. Call with all threads.
__device__ __forceinline__ void load_row(float* shared, const Half* row) {
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < config::head_dim; i += kThreads) shared[i] = to_f32(row[i]);
  __syncthreads();
}

/// The same value for all threads of the block. `shared` holds a float for each.
template <class Combine>
__device__ __forceinline__ float over_block(float* shared, float value, Combine combine) {
  __syncthreads();
  shared[threadIdx.x] = value;
  __syncthreads();
  float result = shared[0];
  for (int i = 1; i < kThreads; ++i) result = combine(result, shared[i]);
  return result;
}

/// A query of a head of a sequence, and what it sees.
struct Row {
  Visibility visibility;
  int query, head, batch;

  __device__ __forceinline__ int begin() const { return visibility.first_key(query); }
  __device__ __forceinline__ int end() const { return visibility.end_key(query); }

  /// From the product of the query and a key. `low` rounds where an implementation by operators in 16 bits
  /// does: the product, and each thing that becomes of it.
  template <bool low>
  __device__ __forceinline__ float score(float product, int key) const {
    if (!visibility.sees(query, key, head, batch)) return minus_infinity();
    float value = rounded_if<low>(product) * rsqrtf(static_cast<float>(config::head_dim));
    if constexpr (config::softcap > 0) {
      const float cap = static_cast<float>(config::softcap);
      value = rounded_if<low>(cap * tanhf(value / cap));
    }
    if constexpr (!config::score_is_default) {
      value = rounded_if<low>(config::score(value, query, key, head, batch));
    }
    return value;
  }
};

/// Maximum and sum of a row's exponentials; the maximum is 0 where no key is visible.
struct RowSum {
  float maximum, sum;

  __device__ __forceinline__ float weight(float score) const {
    return sum == 0.0f ? 0.0f : expf(score - maximum) / sum;
  }
  __device__ __forceinline__ float log_sum_exp() const {
    return sum == 0.0f ? minus_infinity() : maximum + logf(sum);
  }
};

/// `score(key)` of the row's keys.
template <class Score>
__device__ __forceinline__ RowSum sum_row(const Row& row, float* shared, const Score& score) {
  const int first = row.begin() + static_cast<int>(threadIdx.x);
  float maximum = minus_infinity();
  for (int key = first; key < row.end(); key += kThreads) maximum = fmaxf(maximum, score(key));
  maximum = over_block(shared, maximum, [](float a, float b) { return fmaxf(a, b); });
  if (maximum == minus_infinity()) maximum = 0.0f;
  float sum = 0.0f;
  for (int key = first; key < row.end(); key += kThreads) sum += expf(score(key) - maximum);
  return {maximum, over_block(shared, sum, [](float a, float b) { return a + b; })};
}

/// Writes the query's row of o and its log-sum-exp. `line(key)` is where the key's columns begin in k and v.
template <bool low, class Line>
__device__ __forceinline__ void attend(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                       const Row& row, const Line& line) {
  __shared__ float query[config::head_dim];
  __shared__ float weights[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  load_row(query, q);
  const auto score = [&](int key) { return row.template score<low>(dot(query, k + line(key)), key); };
  const RowSum sum = sum_row(row, weights, score);

  float output[kColumns] = {};
  for (int first = row.begin(); first < row.end(); first += kThreads) {
    const int key = first + thread;
    const float weight = key < row.end() ? sum.weight(score(key)) : 0.0f;
    __syncthreads();
    weights[thread] = rounded_if<low>(weight);
    __syncthreads();
    for (int i = 0; i < min(kThreads, row.end() - first); ++i) {
      const Half* values = v + line(first + i);
      for (int j = 0; j < kColumns; ++j) {
        const int column = thread + j * kThreads;
        if (column < config::head_dim) output[j] += weights[i] * to_f32(values[column]);
      }
    }
  }
  for (int j = 0; j < kColumns; ++j) {
    const int column = thread + j * kThreads;
    if (column < config::head_dim) o[column] = rounded_if<low>(output[j]);
  }
  if (thread == 0) *lse = sum.log_sum_exp();
}

}  // namespace attention::reference
