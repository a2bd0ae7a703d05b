// Attention written plainly, on ordinary multiply-adds: two passes over the keys, the softmax's maximum (and
// sum) known before the first weight is used. `exact` keeps f32 throughout; `low` rounds where a
// layer-by-layer implementation in 16 bits rounds: the products, the normalised weights and the output.
// Softcap and formulas are f32 in both.
//
// A block of 16 x 16 threads takes 64 query rows of one head (32 where a row has 256 elements) and 32 keys at
// a time. Thread (x, y) holds scores of 4 (2) rows from 4 y (2 y) on for keys x and x + 16, and the output of
// the same rows for head_dim / 16 neighbouring columns.

#include <weir/config.h>

#include "device/element.h"

namespace {

using device::Half;

constexpr int kRows = config::head_dim == 256 ? 32 : 64;
constexpr int kKeys = 32;
constexpr int kRowsPerThread = kRows / 16;
constexpr int kColumnsPerThread = config::head_dim / 16;
constexpr int kPitch = config::head_dim + 2;  // in elements: neighbouring rows start in neighbouring banks
constexpr unsigned kWholeWarp = 0xffffffffu;

__device__ __forceinline__ float to_f32(Half bits) {
  return device::to_f32<config::dtype>(bits);
}
__device__ __forceinline__ float rounded(float value) {
  return to_f32(device::from_f32<config::dtype>(value));
}
__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7f800000u);
}

/// Copies `rows` rows, zeros from `valid` on.
__device__ __forceinline__ void load(Half (*tile)[kPitch], const Half* source, long long stride, int rows,
                                     int valid) {
  for (int i = threadIdx.y * 16 + threadIdx.x; i < rows * config::head_dim; i += 256) {
    const int row = i / config::head_dim, column = i % config::head_dim;
    tile[row][column] = row < valid ? source[row * stride + column] : Half{0};
  }
}

/// One sequence of the batch.
struct Sequence {
  int seq_q, seq_kv;
  long long queries_before, keys_before;  // in the tensors

  __device__ Sequence(int batch, int longest_q, int longest_kv, const int* cu_seq_q, const int* cu_seq_kv) {
    if (config::packed) {
      queries_before = cu_seq_q[batch], seq_q = cu_seq_q[batch + 1] - cu_seq_q[batch];
      keys_before = cu_seq_kv[batch], seq_kv = cu_seq_kv[batch + 1] - cu_seq_kv[batch];
    } else {
      queries_before = static_cast<long long>(batch) * longest_q, seq_q = longest_q;
      keys_before = static_cast<long long>(batch) * longest_kv, seq_kv = longest_kv;
    }
  }
};

/// Word for word what the parameters of the problem mean.
__device__ __forceinline__ bool sees(const Sequence& sequence, int query, int key, int window_left,
                                     int window_right, int head, int batch) {
  const int diagonal = query + sequence.seq_kv - sequence.seq_q;
  bool seen = key < sequence.seq_kv;
  if (config::causal) seen = seen && key <= diagonal;
  if (config::windowed && window_left >= 0) seen = seen && key >= diagonal - window_left;
  if (config::windowed && window_right >= 0) seen = seen && key <= diagonal + window_right;
  if constexpr (!config::mask_is_default) seen = seen && config::mask(query, key, head, batch);
  return seen;
}

__device__ __forceinline__ float modified(float score, int query, int key, int head, int batch) {
  constexpr float kSoftcap = config::softcap;
  if constexpr (kSoftcap > 0.0f) score = kSoftcap * tanhf(score / kSoftcap);
  if constexpr (!config::score_is_default) score = config::score(score, query, key, head, batch);
  return score;
}

template <bool low>
__device__ __forceinline__ void attention(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                          int batches, int heads_q, int heads_kv, int longest_q,
                                          int longest_kv, int window_left, int window_right,
                                          const int* cu_seq_q, const int* cu_seq_kv) {
  __shared__ Half queries[kRows][kPitch];
  __shared__ Half keys[kKeys][kPitch];  // then values
  __shared__ float weights[kRows][kKeys + 1];

  const int x = threadIdx.x, y = threadIdx.y;
  const int first_row = static_cast<int>(blockIdx.x) * kRows;
  const int head = static_cast<int>(blockIdx.y), batch = static_cast<int>(blockIdx.z);
  const int head_kv = head / (heads_q / heads_kv);
  const Sequence sequence(batch, longest_q, longest_kv, cu_seq_q, cu_seq_kv);
  const int seq_q = sequence.seq_q, seq_kv = sequence.seq_kv;
  if (first_row >= seq_q) return;
  const long long q_stride = static_cast<long long>(heads_q) * config::head_dim;
  const long long kv_stride = static_cast<long long>(heads_kv) * config::head_dim;
  const long long q_offset = (sequence.queries_before + first_row) * q_stride + head * config::head_dim;
  const long long kv_offset = sequence.keys_before * kv_stride + head_kv * config::head_dim;
  const long long lse_offset =
      config::packed ? static_cast<long long>(head) * cu_seq_q[batches] + sequence.queries_before
                     : (static_cast<long long>(batch) * heads_q + head) * seq_q;
  const float scale = 1.0f / sqrtf(static_cast<float>(config::head_dim));

  load(queries, q + q_offset, q_stride, kRows, seq_q - first_row);

  int end = seq_kv;  // of the keys that any of the rows sees
  if (config::causal) end = min(seq_kv, max(0, first_row + kRows + seq_kv - seq_q));

  // Scores of the thread's rows and keys; -inf where a row doesn't see a key.
  float scores[kRowsPerThread][2];
  const auto score = [&](int first_key) {
    __syncthreads();
    load(keys, k + kv_offset + first_key * kv_stride, kv_stride, kKeys, seq_kv - first_key);
    __syncthreads();
    for (int i = 0; i < kRowsPerThread; ++i) scores[i][0] = scores[i][1] = 0.0f;
#pragma unroll 8
    for (int column = 0; column < config::head_dim; ++column) {
      const float left = to_f32(keys[x][column]), right = to_f32(keys[x + 16][column]);
#pragma unroll
      for (int i = 0; i < kRowsPerThread; ++i) {
        const float query = to_f32(queries[kRowsPerThread * y + i][column]);
        scores[i][0] += query * left;
        scores[i][1] += query * right;
      }
    }
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      const int row = first_row + kRowsPerThread * y + i;
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const int key = first_key + x + 16 * j;
        const float value = (low ? rounded(scores[i][j]) : scores[i][j]) * scale;
        scores[i][j] = sees(sequence, row, key, window_left, window_right, head, batch)
                           ? modified(value, row, key, head, batch)
                           : -infinity();
      }
    }
  };

  // First pass: each row's maximum. The 16 threads that share a row are half a warp.
  float maximum[kRowsPerThread];
  for (int i = 0; i < kRowsPerThread; ++i) maximum[i] = -infinity();
  for (int first_key = 0; first_key < end; first_key += kKeys) {
    score(first_key);
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i)
      maximum[i] = fmaxf(maximum[i], fmaxf(scores[i][0], scores[i][1]));
  }
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    for (int distance = 8; distance > 0; distance /= 2) {
      maximum[i] = fmaxf(maximum[i], __shfl_xor_sync(kWholeWarp, maximum[i], distance));
    }
    if (maximum[i] == -infinity()) maximum[i] = 0.0f;  // a row without a visible key: all weights are 0
  }

  float sum[kRowsPerThread] = {};
  const auto add_to_sum = [&] {
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i)
      sum[i] += expf(scores[i][0] - maximum[i]) + expf(scores[i][1] - maximum[i]);
  };
  const auto complete_sum = [&] {
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      for (int distance = 8; distance > 0; distance /= 2)
        sum[i] += __shfl_xor_sync(kWholeWarp, sum[i], distance);
    }
  };
  if (low) {  // the weights are normalised before they are rounded
    for (int first_key = 0; first_key < end; first_key += kKeys) {
      score(first_key);
      add_to_sum();
    }
    complete_sum();
  }

  // Last pass: the weights and their product with V.
  float output[kRowsPerThread][kColumnsPerThread] = {};
  for (int first_key = 0; first_key < end; first_key += kKeys) {
    score(first_key);
    if (!low) add_to_sum();
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const float weight = expf(scores[i][j] - maximum[i]);
        weights[kRowsPerThread * y + i][x + 16 * j] =
            low ? rounded(sum[i] == 0.0f ? 0.0f : weight / sum[i]) : weight;
      }
    }
    __syncthreads();
    load(keys, v + kv_offset + first_key * kv_stride, kv_stride, kKeys, seq_kv - first_key);
    __syncthreads();
#pragma unroll 4
    for (int key = 0; key < kKeys; ++key) {
      float value[kColumnsPerThread];
#pragma unroll
      for (int j = 0; j < kColumnsPerThread; ++j) value[j] = to_f32(keys[key][kColumnsPerThread * x + j]);
#pragma unroll
      for (int i = 0; i < kRowsPerThread; ++i) {
        const float weight = weights[kRowsPerThread * y + i][key];
#pragma unroll
        for (int j = 0; j < kColumnsPerThread; ++j) output[i][j] += weight * value[j];
      }
    }
  }
  if (!low) complete_sum();

#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    const int row = kRowsPerThread * y + i;
    if (first_row + row >= seq_q) continue;
#pragma unroll
    for (int j = 0; j < kColumnsPerThread; ++j) {
      const float value = low ? rounded(output[i][j]) : sum[i] == 0.0f ? 0.0f : output[i][j] / sum[i];
      o[q_offset + row * q_stride + kColumnsPerThread * x + j] = value;
    }
    if (x == 0) {
      lse[lse_offset + first_row + row] = sum[i] == 0.0f ? -infinity() : maximum[i] + logf(sum[i]);
    }
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    attention_reference_exact(float* o, float* lse, const Half* q, const Half* k, const Half* v, int batches,
                              int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                              int window_right, const int* cu_seq_q, const int* cu_seq_kv) {
  attention<false>(o, lse, q, k, v, batches, heads_q, heads_kv, seq_q, seq_kv, window_left, window_right,
                   cu_seq_q, cu_seq_kv);
}

extern "C" __global__ void __launch_bounds__(256)
    attention_reference_low(float* o, float* lse, const Half* q, const Half* k, const Half* v, int batches,
                            int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                            int window_right, const int* cu_seq_q, const int* cu_seq_kv) {
  attention<true>(o, lse, q, k, v, batches, heads_q, heads_kv, seq_q, seq_kv, window_left, window_right,
                  cu_seq_q, cu_seq_kv);
}
