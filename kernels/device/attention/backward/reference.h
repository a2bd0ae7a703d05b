// The gradients of attention written plainly, on ordinary multiply-adds, from the forward pass's o and lse.
// `exact` keeps f32 throughout; `low` rounds where a layer-by-layer implementation in 16 bits rounds: the
// products, the weights, the scores' gradients, and the results. What
// becomes of a score is f32 in both.
// The forward pass computes o and lse.
//
// The first blocks of the grid take 32 queries of a head and run over their keys for dQ, the others take 32
// keys and run over the queries of all heads that share them for dK and dV. Thread (x, y) of 16 x 16 holds
// the pairs of queries y and y + 16 with keys x and x + 16, and gradients of rows y and y + 16.

#pragma once

#include <weir/config.h>

#include "device/element.h"

namespace attention::backward::reference {

using device::Half;

constexpr int kRows = 32;
constexpr int kSlice = 32;  // columns in shared memory at a time
constexpr int kColumns = config::head_dim / 16;
constexpr int kPitch = kSlice + 2;  // in elements: neighbouring rows start in neighbouring banks

__device__ __forceinline__ float to_f32(Half bits) {
  return device::to_f32<config::dtype>(bits);
}
__device__ __forceinline__ float rounded(float value) {
  return to_f32(device::from_f32<config::dtype>(value));
}
__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7f800000u);
}

using Slice = Half[kRows][kPitch];
using Pairs = float[kRows][kRows + 1];  // queries by keys

struct Shared {
  Slice left, right;
  Pairs weights, score_gradients;
};

/// Rows of one head and sequence; those from `end` on are zeros.
struct Matrix {
  const Half* rows;
  long long stride;
  int end;

  __device__ __forceinline__ void load(Slice& slice, int first, int first_column) const {
    for (int i = threadIdx.y * 16 + threadIdx.x; i < kRows * kSlice; i += 256) {
      const int row = i / kSlice, column = i % kSlice;
      slice[row][column] = first + row < end ? rows[(first + row) * stride + first_column + column] : Half{0};
    }
  }
};

/// The 2 x 2 products of rows y, y + 16 of `left` with rows x, x + 16 of `right`.
__device__ __forceinline__ void multiply(float (&sums)[2][2], Shared& shared, const Matrix& left,
                                         int first_left, const Matrix& right, int first_right) {
  for (int i = 0; i < 4; ++i) sums[i / 2][i % 2] = 0.0f;
  for (int first_column = 0; first_column < config::head_dim; first_column += kSlice) {
    __syncthreads();
    left.load(shared.left, first_left, first_column);
    right.load(shared.right, first_right, first_column);
    __syncthreads();
#pragma unroll 8
    for (int column = 0; column < kSlice; ++column) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        sums[i / 2][i % 2] += to_f32(shared.left[threadIdx.y + i / 2 * 16][column]) *
                              to_f32(shared.right[threadIdx.x + i % 2 * 16][column]);
      }
    }
  }
}

/// sums[row][column] += the pairs' row (or, `transposed`, column) times the matrix's 32 rows from `first`.
template <bool transposed>
__device__ __forceinline__ void add_product(float (&sums)[2][kColumns], const Pairs& pairs, Shared& shared,
                                            const Matrix& matrix, int first) {
#pragma unroll
  for (int slice = 0; slice < config::head_dim / kSlice; ++slice) {
    __syncthreads();
    matrix.load(shared.left, first, slice * kSlice);
    __syncthreads();
#pragma unroll 4
    for (int row = 0; row < kRows; ++row) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int own = threadIdx.y + i / 2 * 16;
        sums[i / 2][2 * slice + i % 2] += (transposed ? pairs[row][own] : pairs[own][row]) *
                                          to_f32(shared.left[row][threadIdx.x + i % 2 * 16]);
      }
    }
  }
}

/// Writes the rows y and y + 16 from `first` on that come before `end`.
__device__ __forceinline__ void store(float* rows, long long stride, int first, int end,
                                      const float (&sums)[2][kColumns], float factor, bool low) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int row = first + threadIdx.y + 16 * i;
    if (row >= end) continue;
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      const float value = sums[i][j] * factor;
      rows[row * stride + threadIdx.x + 16 * j] = low ? rounded(value) : value;
    }
  }
}

constexpr float kScale = config::head_dim == 64    ? 0.125f
                         : config::head_dim == 96  ? 0.10206207261596575f
                         : config::head_dim == 128 ? 0.08838834764831845f
                                                   : 0.0625f;

/// A Head is a query head of a sequence, made of a problem (with heads_q, heads_kv and longest_q), the
/// sequence's number and its own: `sequence.seq_q`, `sequence.seq_kv`; where its rows are (`of_queries`,
/// `of_keys`, q_offset, q_stride, kv_offset, kv_stride, lse_offset); `sees(query, key)`; and `score(product,
/// query, key, derivative)`, the score and its derivative with respect to the scaled product.
struct Inputs {
  const Half* q;
  const Half* k;
  const Half* v;
  const Half* o;
  const float* lse;
  const Half* dout;
};

/// sum(dO * O) of a query that exists.
template <class Head>
__device__ __forceinline__ float delta(const Head& head, const Inputs& inputs, int query) {
  const long long row = head.q_offset + query * head.q_stride;
  float sum = 0.0f;
  for (int column = 0; column < config::head_dim; ++column) {
    sum += to_f32(inputs.o[row + column]) * to_f32(inputs.dout[row + column]);
  }
  return sum;
}

/// Weights, and gradients of the scaled products, of 32 queries and 32 keys.
template <bool low, class Head>
__device__ __forceinline__ void recompute(Shared& shared, const Head& head, const Inputs& inputs,
                                          int first_query, int first_key) {
  float products[2][2], gradients[2][2];
  multiply(products, shared, head.of_queries(inputs.q), first_query, head.of_keys(inputs.k), first_key);
  multiply(gradients, shared, head.of_queries(inputs.dout), first_query, head.of_keys(inputs.v), first_key);
  for (int i = 0; i < 2; ++i) {
    const int row = threadIdx.y + 16 * i, query = first_query + row;
    const float row_delta = query < head.sequence.seq_q ? delta(head, inputs, query) : 0.0f;
    for (int j = 0; j < 2; ++j) {
      const int column = threadIdx.x + 16 * j, key = first_key + column;
      float weight = 0.0f, gradient = 0.0f;
      if (head.sees(query, key)) {
        float derivative;
        const float product = (low ? rounded(products[i][j]) : products[i][j]) * kScale;
        weight = expf(head.score(product, query, key, derivative) - inputs.lse[head.lse_offset + query]);
        if (low) weight = rounded(weight);
        gradient = weight * ((low ? rounded(gradients[i][j]) : gradients[i][j]) - row_delta) * derivative;
        if (low) gradient = rounded(gradient);
      }
      shared.weights[row][column] = weight;
      shared.score_gradients[row][column] = gradient;
    }
  }
  __syncthreads();
}

template <bool low, class Head>
__device__ __forceinline__ void attention_backward(float* dq, float* dk, float* dv, const Inputs& inputs,
                                                   const typename Head::Problem& problem) {
  __shared__ Shared shared;
  const int batch = static_cast<int>(blockIdx.z), y = static_cast<int>(blockIdx.y);
  const int group = problem.heads_q / problem.heads_kv;
  const int query_blocks = (problem.longest_q + kRows - 1) / kRows;
  if (static_cast<int>(blockIdx.x) < query_blocks) {
    const Head head(problem, batch, y);
    const int first_query = static_cast<int>(blockIdx.x) * kRows;
    if (first_query >= head.sequence.seq_q) return;
    float sums[2][kColumns] = {};
    for (int first_key = 0; first_key < head.sequence.seq_kv; first_key += kRows) {
      recompute<low>(shared, head, inputs, first_query, first_key);
      add_product<false>(sums, shared.score_gradients, shared, head.of_keys(inputs.k), first_key);
    }
    store(dq + head.q_offset, head.q_stride, first_query, head.sequence.seq_q, sums, kScale, low);
  } else if (y < problem.heads_kv) {
    const int first_key = (static_cast<int>(blockIdx.x) - query_blocks) * kRows;
    const auto sequence = Head(problem, batch, y * group).sequence;
    if (first_key >= sequence.seq_kv) return;
    float key_sums[2][kColumns] = {}, value_sums[2][kColumns] = {};
    for (int i = 0; i < group; ++i) {
      const Head head(problem, batch, y * group + i);
      for (int first_query = 0; first_query < sequence.seq_q; first_query += kRows) {
        recompute<low>(shared, head, inputs, first_query, first_key);
        add_product<true>(value_sums, shared.weights, shared, head.of_queries(inputs.dout), first_query);
        add_product<true>(key_sums, shared.score_gradients, shared, head.of_queries(inputs.q), first_query);
      }
    }
    const Head head(problem, batch, y * group);
    store(dk + head.kv_offset, head.kv_stride, first_key, sequence.seq_kv, key_sums, kScale, low);
    store(dv + head.kv_offset, head.kv_stride, first_key, sequence.seq_kv, value_sums, 1.0f, low);
  }
}

/// Over the 16 threads that share a row.
__device__ __forceinline__ float row_maximum(float value) {
  for (int distance = 8; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
  }
  return value;
}
__device__ __forceinline__ float row_sum(float value) {
  for (int distance = 8; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

/// o and lse of 32 queries, the softmax's maximum raised key tile by key tile.
template <class Head>
__device__ __forceinline__ void attention_forward(Half* o, float* lse, const Half* q, const Half* k,
                                                  const Half* v, const typename Head::Problem& problem) {
  __shared__ Shared shared;
  const Head head(problem, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y));
  const int first_query = static_cast<int>(blockIdx.x) * kRows;
  if (first_query >= head.sequence.seq_q) return;
  float maximum[2] = {-infinity(), -infinity()}, sum[2] = {}, output[2][kColumns] = {};
  for (int first_key = 0; first_key < head.sequence.seq_kv; first_key += kRows) {
    float products[2][2];
    multiply(products, shared, head.of_queries(q), first_query, head.of_keys(k), first_key);
    for (int i = 0; i < 2; ++i) {
      const int row = threadIdx.y + 16 * i, query = first_query + row;
      float scores[2], derivative;
      for (int j = 0; j < 2; ++j) {
        const int key = first_key + threadIdx.x + 16 * j;
        scores[j] =
            head.sees(query, key) ? head.score(products[i][j] * kScale, query, key, derivative) : -infinity();
      }
      const float raised = fmaxf(maximum[i], row_maximum(fmaxf(scores[0], scores[1])));
      const float origin = raised == -infinity() ? 0.0f : raised;  // nothing seen yet: all weights are 0
      const float factor = expf(maximum[i] - origin);
      maximum[i] = raised;
      sum[i] *= factor;
      for (int column = 0; column < kColumns; ++column) output[i][column] *= factor;
      for (int j = 0; j < 2; ++j) {
        const float weight = expf(scores[j] - origin);
        sum[i] += weight;
        shared.weights[row][threadIdx.x + 16 * j] = weight;
      }
    }
    __syncthreads();
    add_product<false>(output, shared.weights, shared, head.of_keys(v), first_key);
  }
  for (int i = 0; i < 2; ++i) {
    const int query = first_query + threadIdx.y + 16 * i;
    const float total = row_sum(sum[i]);
    if (query >= head.sequence.seq_q) continue;
    for (int j = 0; j < kColumns; ++j) {
      o[head.q_offset + query * head.q_stride + threadIdx.x + 16 * j] =
          device::from_f32<config::dtype>(total == 0.0f ? 0.0f : output[i][j] / total);
    }
    if (threadIdx.x == 0) {
      lse[head.lse_offset + query] = total == 0.0f ? -infinity() : maximum[i] + logf(total);
    }
  }
}

}  // namespace attention::backward::reference
