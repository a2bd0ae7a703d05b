// How the consumer warpgroups of a block that owns a key tile divide its five products, and its shared
// memory, on Hopper.
//
// Scores are computed transposed, keys by queries: a warpgroup owns 64 keys, and its weights and score
// gradients are, rounded, the A operand of the products that give the gradients of V and K. Only the score
// gradients go through shared memory, for the product that gives the gradients of the queries, which adds up
// all keys of the block: warpgroups take turns with it, or each has some of its columns.
#pragma once

#include <weir/config.h>

#include "device/hopper/pipeline.h"
#include "device/hopper/product.h"
#include "device/hopper/warpgroup.h"

namespace attention::backward {

using device::Half;

/// With heads of 256, dK and dV of 64 keys are more registers than a warpgroup has: two of them divide the
/// columns, and the queries of a step before (warpgroup_columns.h).
constexpr bool kDividesColumns = config::head_dim == 256;
constexpr int kConsumers = kDividesColumns ? 2 : config::tile_kv / hopper::kProductRows;
static_assert(config::tile_kv % hopper::kProductRows == 0, "a consumer warpgroup owns 64 keys");
static_assert(!kDividesColumns || config::tile_kv == hopper::kProductRows,
              "warpgroups that divide the columns have the same 64 keys");

using QueryTile = hopper::PanelTile<config::tile_q, config::head_dim>;
using KeyTile = hopper::PanelTile<config::tile_kv, config::head_dim>;
using GradientTile = hopper::PanelTile<config::tile_kv, config::tile_q>;  // of scores, keys by queries
using Ring = hopper::Pipeline<config::stages>;
using KeyRing = hopper::Pipeline<1>;

/// Of dQ, for a warpgroup.
constexpr int kQueryGradientColumns = config::dq_turns ? config::head_dim : config::head_dim / kConsumers;
static_assert(config::tile_q == hopper::kProductRows, "a warpgroup has all rows of a step's dQ");
static_assert(!config::dq_turns || kConsumers == 2, "two warpgroups take turns");

/// Where a block keeps its tiles and barriers. All are shared addresses.
template <bool gives_dq>
struct SharedTiles {
  static_assert(!gives_dq || kQueryGradientColumns % hopper::kPanelColumns == 0 ||
                    kQueryGradientColumns == config::head_dim,
                "a warpgroup has whole panels of dQ, or all columns");

  static_assert(!gives_dq || !kDividesColumns, "dQ of heads of 256 has a pass of its own");

  /// Two are written while two are read: score gradients, and weights if they go the same way.
  static constexpr int kGradientBuffers = kDividesColumns ? 4 : gives_dq ? 2 : 0;
  /// A warp's 16 rows of dQ, on their way to memory.
  static constexpr int kSumBytes =
      (gives_dq ? 16 : 0) * kQueryGradientColumns * static_cast<int>(sizeof(float));
  static constexpr int kStatisticsBytes = config::tile_q * 2 * static_cast<int>(sizeof(float));

  unsigned keys, values, queries, output_gradients, score_gradients, sums, statistics, barriers;

  __device__ __forceinline__ explicit SharedTiles(unsigned shared)
      : keys(shared),
        values(keys + KeyTile::bytes),
        queries(values + KeyTile::bytes),
        output_gradients(queries + config::stages * QueryTile::bytes),
        score_gradients(output_gradients + config::stages * QueryTile::bytes),
        sums(score_gradients + kGradientBuffers * GradientTile::bytes),
        statistics(sums + kConsumers * 4 * kSumBytes),
        barriers(statistics + config::stages * kStatisticsBytes) {}
  __device__ __forceinline__ KeyRing key_ring() const { return KeyRing(barriers); }
  __device__ __forceinline__ Ring query_ring() const { return Ring(barriers + KeyRing::bytes); }
  __device__ __forceinline__ Ring output_gradient_ring() const {
    return Ring(barriers + KeyRing::bytes + Ring::bytes);
  }
  __device__ __forceinline__ Ring statistics_ring() const {
    return Ring(barriers + KeyRing::bytes + 2 * Ring::bytes);
  }
  /// Of a stage: the logarithms of all rows, then their deltas.
  __device__ __forceinline__ unsigned log2_sums(int stage) const {
    return statistics + stage * kStatisticsBytes;
  }
  __device__ __forceinline__ unsigned deltas(int stage) const {
    return log2_sums(stage) + kStatisticsBytes / 2;
  }
};

}  // namespace attention::backward
