// The gradients of attention written plainly, on ordinary multiply-adds, from the forward pass's o and lse.
// `exact` keeps f32 throughout; `low` rounds where a layer-by-layer implementation in 16 bits rounds: the
// scores, the weights and their gradients, the scores' gradients, and the results.
//
// The first blocks of the grid take 32 queries of a head and run over their keys for dQ, the others take 32
// keys and run over the queries of all heads that share them for dK and dV. Thread (x, y) of 16 x 16 holds
// the pairs of queries y and y + 16 with keys x and x + 16, and gradients of rows y and y + 16.

#include <weir/config.h>

#include "device/element.h"

namespace {

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

using Slice = Half[kRows][kPitch];
using Pairs = float[kRows][kRows + 1];

/// Rows of a matrix that start at `first`; those from `end` on are zeros.
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

struct Shared {
  Slice left, right;
  Pairs weights, score_gradients;  // queries by keys
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

/// Rows y and y + 16 from `first` on, those before `end`.
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

/// One query head of one sequence, with the keys that it sees.
template <bool low>
struct Head {
  Matrix q, k, v, o, dout;
  const float* lse;  // of the head's first query
  int seq_q, seq_kv;

  static constexpr float kScale = config::head_dim == 64    ? 0.125f
                                  : config::head_dim == 96  ? 0.10206207261596575f
                                  : config::head_dim == 128 ? 0.08838834764831845f
                                                            : 0.0625f;

  __device__ __forceinline__ bool visible(int query, int key) const {
    return query < seq_q && key < seq_kv && (!config::causal || key <= query + seq_kv - seq_q);
  }

  /// sum(dO * O) of a query.
  __device__ __forceinline__ float delta(int query) const {
    float sum = 0.0f;
    for (int column = 0; query < seq_q && column < config::head_dim; ++column) {
      sum += to_f32(o.rows[query * o.stride + column]) * to_f32(dout.rows[query * dout.stride + column]);
    }
    return sum;
  }

  /// Weights and gradients of the scores of 32 queries and 32 keys.
  __device__ __forceinline__ void recompute(Shared& shared, int first_query, int first_key) const {
    float scores[2][2], gradients[2][2];
    multiply(scores, shared, q, first_query, k, first_key);
    multiply(gradients, shared, dout, first_query, v, first_key);
    for (int i = 0; i < 2; ++i) {
      const int row = threadIdx.y + 16 * i, query = first_query + row;
      const float row_delta = delta(query);
      for (int j = 0; j < 2; ++j) {
        const int column = threadIdx.x + 16 * j;
        float weight = 0.0f, gradient = 0.0f;
        if (visible(query, first_key + column)) {
          const float score = (low ? rounded(scores[i][j]) : scores[i][j]) * kScale;
          weight = expf(score - lse[query]);
          if (low) weight = rounded(weight);
          gradient = weight * ((low ? rounded(gradients[i][j]) : gradients[i][j]) - row_delta);
          if (low) gradient = rounded(gradient);
        }
        shared.weights[row][column] = weight;
        shared.score_gradients[row][column] = gradient;
      }
    }
    __syncthreads();
  }
};

template <bool low>
__device__ __forceinline__ void attention_backward(float* dq, float* dk, float* dv, const Half* q,
                                                   const Half* k, const Half* v, const Half* o,
                                                   const float* lse, const Half* dout, int heads_q,
                                                   int heads_kv, int seq_q, int seq_kv) {
  __shared__ Shared shared;
  const int batch = static_cast<int>(blockIdx.z), group = heads_q / heads_kv;
  const long long q_stride = static_cast<long long>(heads_q) * config::head_dim;
  const long long kv_stride = static_cast<long long>(heads_kv) * config::head_dim;
  const auto head = [&](int head_q) {
    const long long of_q = batch * seq_q * q_stride + head_q * config::head_dim;
    const long long of_kv = batch * seq_kv * kv_stride + head_q / group * config::head_dim;
    return Head<low>{.q = {q + of_q, q_stride, seq_q},
                     .k = {k + of_kv, kv_stride, seq_kv},
                     .v = {v + of_kv, kv_stride, seq_kv},
                     .o = {o + of_q, q_stride, seq_q},
                     .dout = {dout + of_q, q_stride, seq_q},
                     .lse = lse + (static_cast<long long>(batch) * heads_q + head_q) * seq_q,
                     .seq_q = seq_q,
                     .seq_kv = seq_kv};
  };

  const int query_blocks = (seq_q + kRows - 1) / kRows;
  const int y = static_cast<int>(blockIdx.y);
  if (static_cast<int>(blockIdx.x) < query_blocks) {
    const Head<low> own = head(y);
    const int first_query = static_cast<int>(blockIdx.x) * kRows;
    float sums[2][kColumns] = {};
    for (int first_key = 0; first_key < seq_kv; first_key += kRows) {
      own.recompute(shared, first_query, first_key);
      add_product<false>(sums, shared.score_gradients, shared, own.k, first_key);
    }
    float* rows = dq + (own.q.rows - q);
    store(rows, q_stride, first_query, seq_q, sums, Head<low>::kScale, low);
  } else if (y < heads_kv) {
    const int first_key = (static_cast<int>(blockIdx.x) - query_blocks) * kRows;
    float key_sums[2][kColumns] = {}, value_sums[2][kColumns] = {};
    for (int i = 0; i < group; ++i) {
      const Head<low> own = head(y * group + i);
      for (int first_query = 0; first_query < seq_q; first_query += kRows) {
        own.recompute(shared, first_query, first_key);
        add_product<true>(value_sums, shared.weights, shared, own.dout, first_query);
        add_product<true>(key_sums, shared.score_gradients, shared, own.q, first_query);
      }
    }
    const long long offset = head(y * group).k.rows - k;
    store(dk + offset, kv_stride, first_key, seq_kv, key_sums, Head<low>::kScale, low);
    store(dv + offset, kv_stride, first_key, seq_kv, value_sums, 1.0f, low);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    attention_backward_reference_exact(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                       const Half* v, const Half* o, const float* lse, const Half* dout,
                                       int heads_q, int heads_kv, int seq_q, int seq_kv) {
  attention_backward<false>(dq, dk, dv, q, k, v, o, lse, dout, heads_q, heads_kv, seq_q, seq_kv);
}

extern "C" __global__ void __launch_bounds__(256)
    attention_backward_reference_low(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                     const Half* v, const Half* o, const float* lse, const Half* dout,
                                     int heads_q, int heads_kv, int seq_q, int seq_kv) {
  attention_backward<true>(dq, dk, dv, q, k, v, o, lse, dout, heads_q, heads_kv, seq_q, seq_kv);
}
