// What a warp does for its rows of a query tile: recompute the weights of a key tile, and add to dQ.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/place.h"
#include "device/attention/backward/visibility.h"
#include "device/warp_product.h"

namespace attention::backward {

constexpr int kQueryPassThreads = config::dq_warps * 32;
using OwnedQueries = device::HalfTile<config::dq_tile_q, config::head_dim>;
using PassingKeys = device::HalfTile<config::dq_tile_kv, config::head_dim>;
static_assert(kPaddedRows % config::dq_tile_q == 0, "a query tile must not reach into the next sequence");

/// 16 bits of dS, as the A operand of the product with K.
template <int row_tiles, int column_tiles>
struct RoundedGradients {
  unsigned values[row_tiles][column_tiles][2];

  __device__ __forceinline__ void read(unsigned (&a)[4], int row_tile, int depth_step) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] = values[row_tile][2 * depth_step + i / 2][i % 2];
  }
};

struct QueryRows {
  static constexpr int kRows = config::dq_tile_q / config::dq_warps;
  static constexpr int kRowTiles = kRows / 16;
  static constexpr int kDepthSteps = config::head_dim / 16;
  static constexpr int kKeyColumns = config::dq_tile_kv / 8;
  static_assert(config::dq_tile_q % (16 * config::dq_warps) == 0, "a warp owns whole tiles of 16 queries");
  using Scores = float[kRowTiles][kKeyColumns][4];

  device::Sums<kRowTiles, config::head_dim / 8> dq;
  RowStatistics statistics[kRowTiles][2];
  unsigned queries, output_gradients;  // shared addresses
  int first_query;                     // of the block
  Visibility sees;

  /// `rows` are the statistics of the block's first query.
  __device__ __forceinline__ void read_statistics(const float* rows) {
    const auto [lane, warp] = ThreadPlace::now();
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = warp * kRows + 16 * row_tile + 8 * half + lane / 4;
        const float2 two = *reinterpret_cast<const float2*>(rows + 2 * row);
        statistics[row_tile][half] = {.log2_sum = two.x, .delta = two.y};
      }
    }
  }

  /// sums = rows · transpose(columns): scores of Q and K, or weights' gradients of dO and V.
  __device__ __forceinline__ void multiply(Scores& sums, unsigned rows, unsigned columns) const {
    const auto [lane, warp] = ThreadPlace::now();
    device::clear(sums);
    device::add_product<config::dtype, kDepthSteps>(
        sums, device::OperandA<OwnedQueries>(rows, warp * kRows, lane),
        device::OperandBTransposed<PassingKeys>(columns, 0, lane));
  }

  /// Scores of invisible pairs become -inf.
  __device__ __forceinline__ void mask(Scores& scores, int first_key) const {
    const auto [lane, warp] = ThreadPlace::now();
    const int key = first_key + lane % 4 * 2;
    const int lead = sees.lead(first_query + warp * kRows + lane / 4, key);
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int i = 0; i < 4 * kKeyColumns; ++i) {
        const int row = 16 * row_tile + i % 4 / 2 * 8;
        const int column = i / 4 * 8 + i % 2;
        if (key + column >= sees.seq_kv || !sees.in_band(lead + column - row)) {
          scores[row_tile][i / 4][i % 4] = -device::infinity();
        }
      }
    }
  }

  /// dQ += dS · K for a key tile.
  __device__ __forceinline__ void add(unsigned keys, unsigned values, int first_key, bool masked) {
    Scores weights;
    multiply(weights, queries, keys);
    if (masked) mask(weights, first_key);
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int i = 0; i < 4 * kKeyColumns; ++i) {
        float& score = weights[row_tile][i / 4][i % 4];
        score = weight(score, statistics[row_tile][i % 4 / 2]);
      }
    }
    Scores gradients;
    multiply(gradients, output_gradients, values);
    RoundedGradients<kRowTiles, kKeyColumns> rounded;
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int i = 0; i < 2 * kKeyColumns; ++i) {
        const float(&p)[4] = weights[row_tile][i / 2];
        const float(&dp)[4] = gradients[row_tile][i / 2];
        const int half = i % 2;
        const float delta = statistics[row_tile][half].delta;
        rounded.values[row_tile][i / 2][half] = device::pack_from_f32<config::dtype>(
            p[2 * half] * (dp[2 * half] - delta), p[2 * half + 1] * (dp[2 * half + 1] - delta));
      }
    }
    device::add_product<config::dtype, config::dq_tile_kv / 16>(
        dq, rounded, device::OperandB<PassingKeys>(keys, 0, ThreadPlace::now().lane));
  }

  /// Writes dQ's rows that exist. They go through the warp's own rows of the Q tile, so that whole rows are
  /// written.
  __device__ __forceinline__ void write(Half* destination, int row_stride, int valid_rows,
                                        unsigned char* tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    const int warp_row = warp * kRows;
    const unsigned anchor =
        OwnedQueries::moved(OwnedQueries::chunk_address(0, lane / 4, 0) + lane % 4 * 4, warp_row, 0);
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int i = 0; i < config::head_dim / 4; ++i) {
        const float(&four)[4] = dq[row_tile][i / 2];
        const int half = i % 2;
        *reinterpret_cast<unsigned*>(tile +
                                     OwnedQueries::moved(anchor, 16 * row_tile + 8 * half, i / 2 * 8)) =
            device::pack_from_f32<config::dtype>(four[2 * half] * kScale, four[2 * half + 1] * kScale);
      }
    }
    __syncwarp();
#pragma unroll 4
    for (int i = lane; i < kRows * OwnedQueries::chunks_per_row; i += 32) {
      const int row = warp_row + i / OwnedQueries::chunks_per_row;
      const int chunk = i % OwnedQueries::chunks_per_row;
      if (row < valid_rows) {
        *reinterpret_cast<uint4*>(destination + static_cast<long long>(row) * row_stride + chunk * 8) =
            *reinterpret_cast<const uint4*>(tile + OwnedQueries::chunk_address(0, row, chunk));
      }
    }
  }
};

}  // namespace attention::backward
