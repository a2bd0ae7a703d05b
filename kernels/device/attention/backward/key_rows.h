// What a warp does for its block's keys: recompute the weights of a query tile, and add to the gradients.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/place.h"
#include "device/attention/backward/scratch.h"
#include "device/attention/backward/tiles.h"

namespace attention::backward {

static_assert(kPaddedRows % config::tile_q == 0, "a query tile must not reach into the next sequence");

/// A warp's part of P or dS rounded to 16 bits: two neighbouring queries in a register, for the two keys of
/// an accumulator. In this order it is the A operand of the products with dO and Q.
template <int row_tiles, int column_tiles>
struct RoundedPairs {
  unsigned values[row_tiles][column_tiles][2];

  __device__ __forceinline__ void read(unsigned (&a)[4], int row_tile, int depth_step) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] = values[row_tile][2 * depth_step + i / 2][i % 2];
  }

  /// To a shared tile of keys by queries, the upper left corner at (first_row, first_column).
  __device__ __forceinline__ void write(unsigned char* tile, int first_row, int first_column,
                                        int lane) const {
    const unsigned anchor =
        PairTile::moved(PairTile::chunk_address(0, lane / 4, 0) + lane % 4 * 4, first_row, first_column);
#pragma unroll
    for (int row_tile = 0; row_tile < row_tiles; ++row_tile) {
#pragma unroll
      for (int column = 0; column < column_tiles; ++column) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const unsigned address = PairTile::moved(anchor, 16 * row_tile + 8 * half, 8 * column);
          *reinterpret_cast<unsigned*>(tile + address) = values[row_tile][column][half];
        }
      }
    }
  }
};

/// Of an accumulator's 8 columns, from the warp's first block of 16.
template <class Split>
constexpr __device__ __forceinline__ int column_of(int column_tile) {
  return column_tile / 2 * 16 * Split::along_columns + column_tile % 2 * 8;
}

/// Where a query tile's data lie in shared memory, and which part of the problem they are.
template <class Kept>
struct QueryTileInPlace {
  unsigned queries, output_gradients;  // shared addresses
  const float4* statistics;            // two rows each
  int first_query, head;
  bool whole;  // every pair of the tile is visible
  Kept kept;   // asked if not, keys by queries
};

template <class Layout>
struct KeyRows {
  static constexpr int kDepthSteps = config::head_dim / 16;
  static constexpr int kScoreTiles = ScoreSplit::warp_rows / 16;
  static constexpr int kScoreColumns = ScoreSplit::warp_columns / 8;
  static constexpr int kGradientTiles = GradientSplit::warp_rows / 16;
  static constexpr int kGradientColumns = GradientSplit::warp_columns / 8;
  static constexpr int kQuerySteps = config::tile_q / 16;
  static constexpr int kKeySteps = config::tile_kv / 16;
  using Scores = float[kScoreTiles][kScoreColumns][4];
  using Pairs = RoundedPairs<kScoreTiles, kScoreColumns>;

  device::Sums<kGradientTiles, kGradientColumns> dk, dv;
  device::HeldA<config::v_in_registers ? kScoreTiles : 1, config::v_in_registers ? kDepthSteps : 1> held_v;
  unsigned char* shared;
  unsigned shared_address;
  int first_key, batch;
  Visibility sees;

  /// To be called once V has arrived.
  __device__ __forceinline__ void hold_values() {
    if constexpr (config::v_in_registers) {
      const auto [lane, warp] = ThreadPlace::now();
      held_v.hold(
          device::OperandA<KeyTile>(shared_address + Layout::values, ScoreSplit::first_row(warp), lane));
      __syncthreads();  // the exchange of weights overwrites V
    }
  }

  /// K · transpose(Q).
  __device__ __forceinline__ void score(Scores& scores, const auto& tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    device::clear(scores);
    device::add_product<config::dtype, kDepthSteps>(
        scores, device::OperandA<KeyTile>(shared_address + Layout::keys, ScoreSplit::first_row(warp), lane),
        device::OperandBTransposed<QueryTile>(tile.queries, ScoreSplit::first_column(warp), lane));
  }

  /// V · transpose(dO): the gradients of the weights.
  __device__ __forceinline__ void weight_gradients(Scores& gradients, const auto& tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    device::clear(gradients);
    const device::OperandBTransposed<QueryTile> dout(tile.output_gradients, ScoreSplit::first_column(warp),
                                                     lane);
    if constexpr (config::v_in_registers) {
      device::add_product<config::dtype, kDepthSteps>(gradients, held_v, dout);
    } else {
      const device::OperandA<KeyTile> v(shared_address + Layout::values, ScoreSplit::first_row(warp), lane);
      device::add_product<config::dtype, kDepthSteps>(gradients, v, dout);
    }
  }

  /// Turns dot products into weights, rounded, and in place into what dP - delta is to be multiplied with.
  __device__ __forceinline__ void weigh(Pairs& rounded, Scores& products, const auto& tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    const int first_column = ScoreSplit::first_column(warp);
    const float4* statistics = tile.statistics + first_column / 2 + lane % 4;
    const int key = first_key + ScoreSplit::first_row(warp) + lane / 4;
    const int query = tile.first_query + first_column + lane % 4 * 2;
#pragma unroll
    for (int column = 0; column < kScoreColumns; ++column) {
      const float4 rows = statistics[4 * column];
      const RowStatistics statistics_of[2] = {{rows.x, rows.y}, {rows.z, rows.w}};
#pragma unroll
      for (int row_tile = 0; row_tile < kScoreTiles; ++row_tile) {
        float weights[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          weights[i] = backward::weigh(products[row_tile][column][i], statistics_of[i % 2],
                                       Position::of(query, 8 * column + i % 2),
                                       Position::of(key, 16 * row_tile + i / 2 * 8), tile.head, batch);
        }
        rounded.values[row_tile][column][0] = device::pack_from_f32<config::dtype>(weights[0], weights[1]);
        rounded.values[row_tile][column][1] = device::pack_from_f32<config::dtype>(weights[2], weights[3]);
      }
    }
    if (!tile.whole) hide(rounded, products, tile);
  }

  /// Invisible pairs weigh nothing.
  __device__ __forceinline__ void hide(Pairs& rounded, Scores& factors, const auto& tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    const int key = first_key + ScoreSplit::first_row(warp) + lane / 4;
    const int query = tile.first_query + ScoreSplit::first_column(warp) + lane % 4 * 2;
    const Band band = Band::of(sees);
    const int first_lead = lead(sees, query, key);
#pragma unroll
    for (int row_tile = 0; row_tile < kScoreTiles; ++row_tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = 16 * row_tile + 8 * half;
        const bool exists = key + row < sees.seq_kv;
#pragma unroll
        for (int i = 0; i < 2 * kScoreColumns; ++i) {
          const int column = i / 2 * 8 + i % 2;
          if (exists && band.contains(first_lead + row - column) &&
              tile.kept.contains(ScoreSplit::first_row(warp) + row,
                                 ScoreSplit::first_column(warp) + column) &&
              unmasked(query + column, key + row, tile.head, batch)) {
            continue;
          }
          factors[row_tile][i / 2][2 * half + i % 2] = 0.0f;
          rounded.values[row_tile][i / 2][half] &= i % 2 == 0 ? 0xffff0000u : 0x0000ffffu;
        }
      }
    }
  }

  /// dS = P * (dP - delta) times the score's derivative, rounded.
  __device__ __forceinline__ void score_gradients(Pairs& rounded, const Scores& factors,
                                                  const Scores& gradients, const auto& tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    const float4* statistics = tile.statistics + ScoreSplit::first_column(warp) / 2 + lane % 4;
#pragma unroll
    for (int column = 0; column < kScoreColumns; ++column) {
      const float4 rows = statistics[4 * column];
      const float delta[2] = {rows.y, rows.w};
#pragma unroll
      for (int row_tile = 0; row_tile < kScoreTiles; ++row_tile) {
        const float(&p)[4] = factors[row_tile][column];
        const float(&dp)[4] = gradients[row_tile][column];
        rounded.values[row_tile][column][0] =
            device::pack_from_f32<config::dtype>(p[0] * (dp[0] - delta[0]), p[1] * (dp[1] - delta[1]));
        rounded.values[row_tile][column][1] =
            device::pack_from_f32<config::dtype>(p[2] * (dp[2] - delta[0]), p[3] * (dp[3] - delta[1]));
      }
    }
  }

  /// Gives the block's other warps a part of P or dS; a barrier must follow.
  __device__ __forceinline__ void publish(int pair_tile, const Pairs& rounded) const {
    const auto [lane, warp] = ThreadPlace::now();
    rounded.write(shared + pair_tile, ScoreSplit::first_row(warp), ScoreSplit::first_column(warp), lane);
  }

  /// sums += pairs · rows, over the tile's queries: with P and dO this is dV, with dS and Q it is dK.
  template <class A>
  __device__ __forceinline__ void add_rows(device::Sums<kGradientTiles, kGradientColumns>& sums,
                                           const A& pairs, unsigned rows) const {
    const auto [lane, warp] = ThreadPlace::now();
    device::add_product<config::dtype, kQuerySteps>(sums, pairs,
                                                    device::OperandB<QueryTile, GradientSplit::along_columns>(
                                                        rows, GradientSplit::first_block_column(warp), lane));
  }

  /// What other warps have published, as the A operand of add_rows.
  __device__ __forceinline__ device::OperandA<PairTile> published(int pair_tile) const {
    const auto [lane, warp] = ThreadPlace::now();
    return {shared_address + pair_tile, GradientSplit::first_row(warp), lane};
  }

  /// dQ of the query tile += dS · K, added in global memory; `sums` is the tile's first fragment.
  template <class Split = device::WarpSplit<config::tile_q, config::head_dim, config::warps>>
  __device__ __forceinline__ void add_query_gradients(float* sums) const {
    const auto [lane, warp] = ThreadPlace::now();
    const int first_row = Split::first_row(warp), first_column = Split::first_block_column(warp);
    device::Sums<Split::warp_rows / 16, Split::warp_columns / 8> dq;
    device::clear(dq);
    device::add_product<config::dtype, kKeySteps>(
        dq, device::OperandATransposed<PairTile>(shared_address + Layout::score_gradients, first_row, lane),
        device::OperandB<KeyTile, Split::along_columns>(shared_address + Layout::keys, first_column, lane));
    float* fragments = sums + QuerySums::offset(first_row, first_column);
#pragma unroll
    for (int row_tile = 0; row_tile < Split::warp_rows / 16; ++row_tile) {
#pragma unroll
      for (int column = 0; column < Split::warp_columns / 8; ++column) {
        QuerySums::add(fragments + QuerySums::offset(16 * row_tile, column_of<Split>(column)), lane,
                       dq[row_tile][column]);
      }
    }
  }

  /// Rounds a gradient, times `factor`, into a shared tile.
  __device__ __forceinline__ void write(int key_tile,
                                        const device::Sums<kGradientTiles, kGradientColumns>& gradient,
                                        float factor) const {
    const auto [lane, warp] = ThreadPlace::now();
    const unsigned anchor =
        KeyTile::moved(KeyTile::chunk_address(0, lane / 4, 0) + lane % 4 * 4, GradientSplit::first_row(warp),
                       GradientSplit::first_block_column(warp));
#pragma unroll
    for (int row_tile = 0; row_tile < kGradientTiles; ++row_tile) {
#pragma unroll
      for (int column = 0; column < kGradientColumns; ++column) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const float(&four)[4] = gradient[row_tile][column];
          *reinterpret_cast<unsigned*>(
              shared + key_tile +
              KeyTile::moved(anchor, 16 * row_tile + 8 * half, column_of<GradientSplit>(column))) =
              device::pack_from_f32<config::dtype>(four[2 * half] * factor, four[2 * half + 1] * factor);
        }
      }
    }
  }
};

}  // namespace attention::backward
