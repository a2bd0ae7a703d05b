// Attention written plainly, on ordinary multiply-adds: two passes over the keys, the softmax's maximum (and
// sum) known before the first weight is used. `exact` keeps f32 throughout; `low` rounds where a
// layer-by-layer implementation in 16 bits rounds: the products, the normalised weights and the output.
// What becomes of a score is f32 in both.
//
// A block of 16 x 16 threads takes 64 query rows of one head (32 where a row has 256 elements) and 32 keys at
// a time. Thread (x, y) holds scores of 4 (2) rows from 4 y (2 y) on for keys x and x + 16, and the output of
// the same rows for head_dim / 16 neighbouring columns.

#pragma once

#include <weir/config.h>

#include "device/element.h"

namespace attention::reference {

using device::Half;

constexpr int kTileRows = config::head_dim == 256 ? 32 : 64;
constexpr int kTileKeys = 32;
constexpr int kRowsPerThread = kTileRows / 16;
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

/// Up to kTileRows query rows of one head, and the keys of that head.
struct Rows {
  float* o;  // the first row's place
  float* lse;
  const Half* q;
  const Half* k;  // key 0
  const Half* v;
  long long q_stride, kv_stride;
  int first;    // the first row's number in the sequence
  int count;    // of rows; at most kTileRows are worked on
  int seq_kv;   // keys
  int end_key;  // none of the rows sees keys from here on
};

/// `score_of(score, query, key)`: what the scaled product becomes, -inf where the query doesn't see the key,
/// which may lie beyond seq_kv.
template <bool low, class ScoreOf>
__device__ __forceinline__ void attend(const Rows& rows, const ScoreOf& score_of) {
  __shared__ Half queries[kTileRows][kPitch];
  __shared__ Half keys[kTileKeys][kPitch];  // then values
  __shared__ float weights[kTileRows][kTileKeys + 1];

  const int x = threadIdx.x, y = threadIdx.y;
  const float scale = 1.0f / sqrtf(static_cast<float>(config::head_dim));

  load(queries, rows.q, rows.q_stride, kTileRows, rows.count);

  // Scores of the thread's rows and keys; -inf where a row doesn't see a key.
  float scores[kRowsPerThread][2];
  const auto score = [&](int first_key) {
    __syncthreads();
    load(keys, rows.k + first_key * rows.kv_stride, rows.kv_stride, kTileKeys, rows.seq_kv - first_key);
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
      const int row = rows.first + kRowsPerThread * y + i;
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const int key = first_key + x + 16 * j;
        const float value = (low ? rounded(scores[i][j]) : scores[i][j]) * scale;
        scores[i][j] = score_of(value, row, key);
      }
    }
  };

  // First pass: each row's maximum. The 16 threads that share a row are half a warp.
  float maximum[kRowsPerThread];
  for (int i = 0; i < kRowsPerThread; ++i) maximum[i] = -infinity();
  for (int first_key = 0; first_key < rows.end_key; first_key += kTileKeys) {
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
    for (int first_key = 0; first_key < rows.end_key; first_key += kTileKeys) {
      score(first_key);
      add_to_sum();
    }
    complete_sum();
  }

  // Last pass: the weights and their product with V.
  float output[kRowsPerThread][kColumnsPerThread] = {};
  for (int first_key = 0; first_key < rows.end_key; first_key += kTileKeys) {
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
    load(keys, rows.v + first_key * rows.kv_stride, rows.kv_stride, kTileKeys, rows.seq_kv - first_key);
    __syncthreads();
#pragma unroll 4
    for (int key = 0; key < kTileKeys; ++key) {
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
    if (row >= rows.count) continue;
#pragma unroll
    for (int j = 0; j < kColumnsPerThread; ++j) {
      const float value = low ? rounded(output[i][j]) : sum[i] == 0.0f ? 0.0f : output[i][j] / sum[i];
      rows.o[row * rows.q_stride + kColumnsPerThread * x + j] = value;
    }
    if (x == 0) {
      rows.lse[row] = sum[i] == 0.0f ? -infinity() : maximum[i] + logf(sum[i]);
    }
  }
}

}  // namespace attention::reference
