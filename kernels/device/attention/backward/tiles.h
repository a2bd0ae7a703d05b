// How the block that owns a key tile divides its five products between warps, and its shared memory.
//
// Scores are computed transposed, keys by queries: a warp's accumulators are then, rounded, its A operand of
// the products that give the gradients of V and K.
#pragma once

#include <weir/config.h>

#include "device/warp_product.h"

namespace attention::backward {

using device::Half;

constexpr int kThreads = config::warps * 32;
using QueryTile = device::HalfTile<config::tile_q, config::head_dim>;
using KeyTile = device::HalfTile<config::tile_kv, config::head_dim>;
/// Weights or their gradients, 16 bits each, keys by queries.
using PairTile = device::HalfTile<config::tile_kv, config::tile_q>;

/// Each warp owns keys, and what it holds of the scores never leaves its registers. Otherwise warps own
/// rectangles of the scores, and the weights go through shared memory to the warps that need them next.
constexpr bool kExchange = config::exchange;
template <int columns>
struct OwnKeys {
  static constexpr int warp_rows = config::tile_kv / config::warps;
  static constexpr int warp_columns = columns;
  static __device__ __forceinline__ int first_row(int warp) { return warp * warp_rows; }
  static constexpr int along_columns = 1;
  static __device__ __forceinline__ int first_column(int) { return 0; }
  static __device__ __forceinline__ int first_block_column(int) { return 0; }
};
template <bool exchange, int columns>
struct SplitOfKeys {
  using Type = OwnKeys<columns>;
};
template <int columns>
struct SplitOfKeys<true, columns> {
  using Type = device::WarpSplit<config::tile_kv, columns, config::warps>;
};
using ScoreSplit = SplitOfKeys<kExchange, config::tile_q>::Type;       // keys by queries
using GradientSplit = SplitOfKeys<kExchange, config::head_dim>::Type;  // keys by columns, of dK and dV
static_assert(kExchange || config::tile_kv % (16 * config::warps) == 0, "a warp owns whole tiles of 16 keys");

/// Shared memory: K; V, or once V is held in registers what the warps exchange; the stages of Q, of dO and
/// of the rows' statistics.
template <bool exchanges_gradients>
struct SharedLayout {
  static constexpr int pair_tiles = kExchange ? 2 : exchanges_gradients ? 1 : 0;
  static constexpr int exchange_bytes = pair_tiles * PairTile::bytes;
  static constexpr int value_bytes =
      config::v_in_registers && exchange_bytes > KeyTile::bytes ? exchange_bytes : KeyTile::bytes;
  static constexpr int statistics_bytes = config::tile_q * 2 * static_cast<int>(sizeof(float));

  static constexpr int keys = 0;
  static constexpr int values = KeyTile::bytes;
  static constexpr int score_gradients = config::v_in_registers ? values : values + KeyTile::bytes;
  static constexpr int weights = score_gradients + PairTile::bytes;
  static constexpr int queries = values + value_bytes + (config::v_in_registers ? 0 : exchange_bytes);
  static constexpr int output_gradients = queries + config::stages * QueryTile::bytes;
  static constexpr int statistics = output_gradients + config::stages * QueryTile::bytes;
  static constexpr int bytes = statistics + config::stages * statistics_bytes;
};

}  // namespace attention::backward
