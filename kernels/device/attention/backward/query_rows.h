// What a warp does for its rows of a query tile: recompute the weights of a key tile, and add to dQ.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/place.h"
#include "device/attention/backward/scratch.h"
#include "device/warp_product.h"

namespace attention::backward {

constexpr int kQueryPassThreads = config::dq_warps * 32;
/// Two for each tensor core: the compiler keeps registers low enough for them.
constexpr int kQueryPassWarpsPerSm = 8;
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
  int head, batch;
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

  /// Turns dot products, in place, into what dP - delta is to be multiplied with.
  __device__ __forceinline__ void weigh(Scores& products, int first_key, bool whole, const auto& kept) const {
    const auto [lane, warp] = ThreadPlace::now();
    const int query = first_query + warp * kRows + lane / 4, key = first_key + lane % 4 * 2;
#pragma unroll
    for (int column = 0; column < kKeyColumns; ++column) {
#pragma unroll
      for (int i = 0; i < 4 * kRowTiles; ++i) {
        const int row_tile = i / 4, half = i % 4 / 2;
        backward::weigh(products[row_tile][column][i % 4], statistics[row_tile][half],
                        Position::of(query, 16 * row_tile + 8 * half), Position::of(key, 8 * column + i % 2),
                        head, batch);
      }
    }
    if (!whole) hide(products, query, key, kept);
  }

  /// Invisible pairs weigh nothing. `query` and `key` are the thread's first.
  __device__ __forceinline__ void hide(Scores& factors, int query, int key, const auto& kept) const {
    const int warp_row = ThreadPlace::now().warp * kRows;
    const Band band = Band::of(sees);
    const int first_lead = lead(sees, query, key);
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int i = 0; i < 4 * kKeyColumns; ++i) {
        const int row = 16 * row_tile + i % 4 / 2 * 8;
        const int column = i / 4 * 8 + i % 2;
        if (key + column >= sees.seq_kv || !band.contains(first_lead + column - row) ||
            !kept.contains(warp_row + row, column) || !unmasked(query + row, key + column, head, batch)) {
          factors[row_tile][i / 4][i % 4] = 0.0f;
        }
      }
    }
  }

  /// dQ += dS · K for a key tile; `whole`: every pair is visible, else `kept` is asked, queries by keys.
  __device__ __forceinline__ void add(unsigned keys, unsigned values, int first_key, bool whole,
                                      const auto& kept) {
    Scores factors;
    multiply(factors, queries, keys);
    weigh(factors, first_key, whole, kept);
    Scores gradients;
    multiply(gradients, output_gradients, values);
    RoundedGradients<kRowTiles, kKeyColumns> rounded;
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile) {
#pragma unroll
      for (int i = 0; i < 2 * kKeyColumns; ++i) {
        const float(&p)[4] = factors[row_tile][i / 2];
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
            device::pack_from_f32<config::dtype>(four[2 * half] * kGradientScale,
                                                 four[2 * half + 1] * kGradientScale);
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
