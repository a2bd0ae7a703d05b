// Which part of an attention problem a block works on.
#pragma once

#include <weir/config.h>

#include "device/attention/sequence.h"
#include "device/half_tile.h"

namespace attention {

using device::Half;

constexpr int kThreads = config::warps * 32;
constexpr int kRowsPerWarp = config::tile_q / config::warps;
constexpr int kRowTiles = kRowsPerWarp / 16;
constexpr int kDepthSteps = config::head_dim / 16;  // of the product with K
constexpr int kKeySteps = config::tile_kv / 16;     // of the product with V
static_assert(config::tile_q % (16 * config::warps) == 0, "a warp owns whole tiles of 16 query rows");
static_assert(kRowsPerWarp == 16 || kRowsPerWarp == 32, "more rows would not leave registers for the scores");
static_assert(config::tile_kv % 16 == 0, "the product with V takes 16 keys a step");
using QueryTile = device::HalfTile<config::tile_q, config::head_dim>;
using KeyTile = device::HalfTile<config::tile_kv, config::head_dim>;

/// The block's place in the problem. Heads are worked on in groups of head_group; within a group the query
/// tiles that see the most keys come first, and the heads of the group run side by side.
struct Work {
  int batch, head_q, head_kv, first_row;

  static __device__ __forceinline__ Work of_block(int block, int batches, int heads_q, int heads_kv,
                                                  int seq_q) {
    const int tiles_q = (seq_q + config::tile_q - 1) / config::tile_q;
    const int all_heads = batches * heads_q;
    const int group = block / (config::head_group * tiles_q);
    const int first_head = group * config::head_group;
    const int heads = min(config::head_group, all_heads - first_head);
    const int within = block - first_head * tiles_q;
    const int tile = tiles_q - 1 - within / heads;
    const int head = first_head + within % heads;
    return {.batch = head / heads_q,
            .head_q = head % heads_q,
            .head_kv = head % heads_q / (heads_q / heads_kv),
            .first_row = tile * config::tile_q};
  }

  /// Elements of q and o before the block's first one.
  __device__ __forceinline__ long long q_offset(const Sequence& sequence, int heads_q) const {
    return ((sequence.queries_before() + first_row) * heads_q + head_q) * config::head_dim;
  }
};

}  // namespace attention
