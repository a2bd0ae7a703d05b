// One block per key tile on Hopper: the gradients of its keys and values from all queries that see them, of
// every head that shares them; and on the way, if asked for, its part of these queries' gradients. Producer
// warps stream Q, dO and the rows' statistics through rings in shared memory; each consumer warpgroup owns 64
// keys.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/warpgroup_columns.h"
#include "device/attention/backward/work.h"
#include "device/choose.h"
#include "device/ptx/cp_async.h"

namespace attention::backward {

using KeyPassRegisters = hopper::RegisterSplit<kConsumers>;

/// A block's keys, and the queries that see them.
struct KeyTileWork {
  int batch, head, first_key;
  int first_tile, end_tile;  // of queries
  int group, first_head;     // query heads

  /// Worked out anew in every role, whose registers are of different numbers.
  static __device__ __forceinline__ KeyTileWork of_block(const Problem& problem, const Visibility& sees) {
    const int tiles = (problem.seq_kv + config::tile_kv - 1) / config::tile_kv;
    const TileWork tile = TileWork::of_block(ptx::opaque(static_cast<int>(blockIdx.x)), problem.batches,
                                             problem.heads_kv, tiles);
    const int first_key = tile.tile * config::tile_kv;
    const int group = problem.heads_q / problem.heads_kv;
    const int end = problem.seq_q, first = min(sees.first_query(first_key), end);
    return {.batch = tile.batch,
            .head = tile.head,
            .first_key = first_key,
            .first_tile = first / config::tile_q,
            .end_tile = first < end ? (end + config::tile_q - 1) / config::tile_q : first / config::tile_q,
            .group = group,
            .first_head = tile.head * group};
  }
};

/// The query tiles of a block, from the last of each head to the first.
template <class Visit>
__device__ __forceinline__ void for_each_query_tile(const KeyTileWork& work, const Visit& visit) {
#pragma unroll 1
  for (int head = work.first_head; head < work.first_head + work.group; ++head) {
#pragma unroll 1
    for (int tile = work.end_tile - 1; tile >= work.first_tile; --tile) visit(head, tile);
  }
}

template <class Tile>
__device__ __forceinline__ void load_tile(unsigned tile, const ptx::TensorMap& map, unsigned barrier,
                                          int batch, int row, int head) {
#pragma unroll
  for (int panel = 0; panel < Tile::panels; ++panel) {
    ptx::cp_async_bulk_tensor_4d(tile + panel * Tile::panel_bytes, map, barrier,
                                 panel * hopper::kPanelColumns, head, row, batch);
  }
}

struct KeyPassMaps {
  const ptx::TensorMap &q, &k, &v, &dout, &dk, &dv;
};

/// One thread: K and V, then Q and dO of one tile after another.
template <class SharedTiles>
__device__ __forceinline__ void produce_tiles(const KeyPassMaps& maps, const SharedTiles& shared,
                                              const KeyTileWork& work) {
  if (work.first_tile == work.end_tile) return;
  const KeyRing keys = shared.key_ring();
  keys.acquire({}, 2 * KeyTile::bytes);
  load_tile<KeyTile>(shared.keys, maps.k, keys.full(0), work.batch, work.first_key, work.head);
  load_tile<KeyTile>(shared.values, maps.v, keys.full(0), work.batch, work.first_key, work.head);
  const Ring queries = shared.query_ring(), gradients = shared.output_gradient_ring();
  Ring::Position position;
  for_each_query_tile(work, [&](int head, int tile) {
    const int offset = position.stage * QueryTile::bytes;
    queries.acquire(position, QueryTile::bytes);
    load_tile<QueryTile>(shared.queries + offset, maps.q, queries.full(position.stage), work.batch,
                         tile * config::tile_q, head);
    gradients.acquire(position, QueryTile::bytes);
    load_tile<QueryTile>(shared.output_gradients + offset, maps.dout, gradients.full(position.stage),
                         work.batch, tile * config::tile_q, head);
    position.advance();
  });
}

/// One warp: the rows' statistics, logarithms and deltas apart.
template <class SharedTiles>
__device__ __forceinline__ void produce_statistics(const float* statistics, unsigned char* memory,
                                                   const SharedTiles& shared, const Problem& problem,
                                                   const Visibility& sees) {
  const KeyTileWork work = KeyTileWork::of_block(problem, sees);
  const ScratchRows scratch = ScratchRows::of(problem, problem.sequence(work.batch));
  const Ring ring = shared.statistics_ring();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  Ring::Position position;
  // Of two rows; an address for each tile would not fit in the producers' registers.
  const float4* pairs =
      reinterpret_cast<const float4*>(statistics + 2 * scratch.row(work.first_head, 0)) + lane;
#pragma unroll 1
  for (int heads = work.group; heads > 0; --heads, pairs += static_cast<int>(scratch.head_stride / 2)) {
#pragma unroll 1
    for (int tile = work.end_tile - 1; tile >= work.first_tile; --tile, position.advance()) {
      float2* log2_sums =
          reinterpret_cast<float2*>(memory + (shared.log2_sums(position.stage) - shared.keys)) + lane;
      ring.wait_until_empty(position);
#pragma unroll
      for (int pair = 0; pair < config::tile_q / 2; pair += 32) {
        const float4 two = pairs[tile * (config::tile_q / 2) + pair];
        log2_sums[pair] = float2{two.x, two.z};
        log2_sums[pair + config::tile_q / 2] = float2{two.y, two.w};  // the deltas come after all of them
      }
      __syncwarp();
      if (lane == 0) ring.publish(position);
    }
  }
}

/// What this warpgroup has of dK or dV, 64 rows and all columns or some, through its place in K's or V's
/// tile.
template <int registers>
__device__ __forceinline__ void store_rows(const ptx::TensorMap& map, unsigned tile, float (&sums)[registers],
                                           float factor, int consumer, const KeyTileWork& work) {
#pragma unroll
  for (float& sum : sums) sum *= factor;
  constexpr int kPanels = (2 * registers + hopper::kPanelColumns - 1) / hopper::kPanelColumns;
  constexpr int kPlaceBytes =
      kDividesColumns ? kPanels * KeyTile::panel_bytes : hopper::OutputPanel::panel_bytes;
  const unsigned first = tile + consumer * kPlaceBytes;
  hopper::write_panels<config::dtype>(first, KeyTile::panel_bytes, sums);
  ptx::fence_proxy_async_shared();
  hopper::sync_warpgroup(consumer);
  if (hopper::thread_in_warpgroup() != 0) return;
#pragma unroll
  for (int panel = 0; panel < kPanels; ++panel) {
    ptx::cp_async_bulk_tensor_4d_store(
        map, first + panel * KeyTile::panel_bytes,
        (kDividesColumns ? consumer * kPanels + panel : panel) * hopper::kPanelColumns, work.head,
        work.first_key + (kDividesColumns ? 0 : consumer * hopper::kProductRows), work.batch);
  }
  ptx::cp_async_bulk_commit_group();
}

template <bool gives_dq>
__device__ __forceinline__ void consume_tiles(const KeyPassMaps& maps, float* dq_sums,
                                              const SharedTiles<gives_dq>& shared, unsigned char* memory,
                                              const Problem& problem, const Visibility& sees, int consumer) {
  const KeyTileWork work = KeyTileWork::of_block(problem, sees);
  const ScratchRows scratch = ScratchRows::of(problem, problem.sequence(work.batch));
  const Rows block_keys{.first = work.first_key, .count = config::tile_kv};
  using Keys = typename device::Choose<kDividesColumns, WarpgroupColumns, WarpgroupKeys<gives_dq>>::Type;
  Keys keys(shared, memory, consumer, work.first_key, sees);
  if (work.first_tile != work.end_tile) shared.key_ring().wait({});
  for_each_query_tile(work, [&](int head, int tile) {
    const int first_query = tile * config::tile_q;
    keys.process({.first_query = first_query,
                  .first_sum_row = scratch.row(head, first_query),
                  .whole = all_in_band(sees, {.first = first_query, .count = config::tile_q}, block_keys)},
                 dq_sums);
  });
  hopper::sync_consumers<kConsumers>();  // all are done with K
  store_rows(maps.dk, shared.keys, keys.dk, kGradientScale, consumer, work);
  store_rows(maps.dv, shared.values, keys.dv, 1.0f, consumer, work);
  keys.finish();
}

template <bool gives_dq>
__device__ __forceinline__ void warpgroup_key_pass(const KeyPassMaps& maps, float* dq_sums,
                                                   const float* statistics, const Problem& problem,
                                                   unsigned char* memory) {
  const SharedTiles<gives_dq> shared(ptx::shared_address(memory));
  const int warpgroup = hopper::warpgroup_index();
  if (threadIdx.x == 0) {
    shared.key_ring().initialise(kConsumers);
    shared.query_ring().initialise(kConsumers);
    shared.output_gradient_ring().initialise(kConsumers);
    shared.statistics_ring().initialise(4 * kConsumers);  // warps
  }
  hopper::finish_initialisation<1>(threadIdx.x == 0);

  const Visibility sees = problem.visibility(problem.sequence(0));
  if (warpgroup == 0) {
    KeyPassRegisters::become_producer();
    const int warp = hopper::warp_in_warpgroup();
    if (threadIdx.x == 0) produce_tiles(maps, shared, KeyTileWork::of_block(problem, sees));
    if (warp == 1) produce_statistics(statistics, memory, shared, problem, sees);
  } else {
    KeyPassRegisters::become_consumer();
    consume_tiles(maps, dq_sums, shared, memory, problem, sees, warpgroup - 1);
  }
}

}  // namespace attention::backward
