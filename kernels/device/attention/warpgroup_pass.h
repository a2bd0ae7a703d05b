// One pass over the keys that each query tile sees (FlashAttention-3), for Hopper: what all warps of a block
// do.
//
// Producer warps stream K and V, and each consumer's rows of Q, through rings in shared memory with the copy
// engine, K and V from the last visible tile to the first, so that the tiles that need a mask come first.
// Each consumer warpgroup owns 64 query rows of the block's tile; scores, weights and the output stay in its
// registers: scores are, rounded, the A operand of the product with V.
//
// A plan says which query tiles there are and which keys they see. It has
//   ProblemSize size;
//   int items() const;              // query tiles
//   Work work(int item) const;      // batch, head_q, head_kv, first_row, tiles, unmasked: the keys that any
//   row of
//                                   // the query tile sees, one after another, are cut into `tiles` key
//                                   tiles, of
//                                   // which every row sees [0, unmasked) whole
//   static constexpr int kProducerRegisters;  // with which ptxas 13.0 spills nothing of the producer
//   static constexpr int kPieceKeys;                     // so many of them lie side by side in the sequence
//   int key(const Work&, int place) const;               // of the sequence; seq_kv past the last
//   auto ends(const Work&, int row) const;               // ends(half): how many of them row + 8 half sees
//   static constexpr bool kModifiesScores;    // then modify(scores, work, row, place) makes the products of
//                                             // rows row and row + 8 with the key tile at `place` scores
#pragma once

#include <weir/config.h>

#include "device/attention/warpgroup_rows.h"
#include "device/hopper/panel_store.h"
#include "device/ptx/cp_async.h"

namespace attention {

using device::Half;
using ptx::TensorMap;

constexpr int kPassThreads = hopper::RegisterSplit<kConsumers>::threads;

/// All panels of a tile's rows of one head, as many as the map's box has.
template <class Tile>
__device__ __forceinline__ void load_rows(unsigned rows, const TensorMap& map, unsigned barrier, int batch,
                                          int row, int head) {
#pragma unroll
  for (int panel = 0; panel < Tile::panels; ++panel) {
    ptx::cp_async_bulk_tensor_4d(rows + panel * Tile::panel_bytes, map, barrier,
                                 panel * hopper::kPanelColumns, head, row, batch);
  }
}

/// A tile of K or V, whose first key is at hand.
template <class Plan, class Work>
__device__ __forceinline__ void load_keys(unsigned tile, const TensorMap& map, unsigned barrier,
                                          const Plan& plan, const Work& work, int place, int first_key) {
  static_assert(config::tile_kv % Plan::kPieceKeys == 0, "key tiles consist of whole pieces");
  load_rows<KeyTile>(tile, map, barrier, work.batch, first_key, work.head_kv);
#pragma unroll 1
  for (int at = Plan::kPieceKeys; at < config::tile_kv; at += Plan::kPieceKeys) {
    load_rows<KeyTile>(tile + at * 128, map, barrier, work.batch, plan.key(work, place + at), work.head_kv);
  }
}

/// One thread: the key tiles of a query tile, last first, to the rings of K and V from `position` on.
template <class Plan, class Work>
__device__ __forceinline__ void load_key_tiles(const TensorMap& k, const TensorMap& v,
                                               const SharedTiles& shared, const Plan& plan, const Work& work,
                                               KeyRing::Position& position) {
  const KeyRing keys = shared.key_ring(), values = shared.value_ring();
  for (int tile = work.tiles - 1; tile >= 0; --tile, position.advance()) {
    const int offset = position.stage * KeyTile::bytes;
    const int place = tile * config::tile_kv;
    const int key = plan.key(work, place);
    keys.acquire(position, KeyTile::bytes);
    load_keys(shared.keys + offset, k, keys.full(position.stage), plan, work, place, key);
    values.acquire(position, KeyTile::bytes);
    load_keys(shared.values + offset, v, values.full(position.stage), plan, work, place, key);
  }
}

/// One thread: keeps the rings of K and V filled, through all query tiles of the block.
template <class Plan>
__device__ __forceinline__ void produce_keys(const TensorMap& k, const TensorMap& v,
                                             const SharedTiles& shared, const Plan& plan) {
  KeyRing::Position position;
  for (int item = static_cast<int>(blockIdx.x); item < plan.items(); item += static_cast<int>(gridDim.x)) {
    const auto work = plan.work(item);
    load_key_tiles(k, v, shared, plan, work, position);
  }
}

/// One thread: the same for a consumer's rows of Q. A thread of its own, so that K and V of the next query
/// tile need not wait until this one's rows are done with.
template <class Plan>
__device__ __forceinline__ void produce_queries(const TensorMap& q, const SharedTiles& shared,
                                                const Plan& plan, int consumer) {
  const QueryRing queries = shared.query_ring(consumer);
  QueryRing::Position position;
  for (int item = static_cast<int>(blockIdx.x); item < plan.items(); item += static_cast<int>(gridDim.x)) {
    const auto work = plan.work(item);
    if (work.tiles == 0) continue;
    queries.acquire(position, QueryTile::bytes);
    load_rows<QueryTile>(shared.query_tile(consumer, position.stage), q, queries.full(position.stage),
                         work.batch, work.first_row + consumer * hopper::kProductRows, work.head_q);
    position.advance();
  }
}

/// The logarithms of the rows' sums; and what is left of the output is normalised.
template <class Work>
__device__ __forceinline__ void finish_rows(float* lse, WarpgroupRows& rows, const Work& work,
                                            const ProblemSize& size) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = rows.first_row() + 8 * half;
    if (threadIdx.x % 4 == 0 && row < size.seq_q) {
      lse[(static_cast<long long>(work.batch) * size.heads_q + work.head_q) * size.seq_q + row] =
          rows.softmax.log_sum_exp(half);
    }
    const float factor = rows.softmax.normaliser(half);
#pragma unroll
    for (int i = 2 * half; i < config::head_dim / 2; i += 4) {
      rows.output[i] *= factor;
      rows.output[i + 1] *= factor;
    }
  }
}

/// O through this warpgroup's rows of Q. The copies read them until `stored_rows_are_read`.
template <class Work>
__device__ __forceinline__ void store_through_queries(const TensorMap& o, const WarpgroupRows& rows,
                                                      const Work& work, int consumer) {
  const unsigned first = rows.queries();
  hopper::write_panels<config::dtype>(first, QueryTile::panel_bytes, rows.output);
  ptx::fence_proxy_async_shared();
  hopper::sync_warpgroup(consumer);
  if (hopper::thread_in_warpgroup() == 0) {
#pragma unroll
    for (int panel = 0; panel < QueryTile::panels; ++panel) {
      ptx::cp_async_bulk_tensor_4d_store(o, first + panel * QueryTile::panel_bytes,
                                         panel * hopper::kPanelColumns, work.head_q,
                                         work.first_row + consumer * hopper::kProductRows, work.batch);
    }
    ptx::cp_async_bulk_commit_group();
  }
}

/// The thread that gives the rows back waits until they may be overwritten.
__device__ __forceinline__ void wait_for_stored_rows() {
  if (hopper::thread_in_warpgroup() == 0) ptx::cp_async_bulk_wait_group_read<0>();
}

template <class Work>
__device__ __forceinline__ void store_from_registers(Half* o, const WarpgroupRows& rows, const Work& work,
                                                     const ProblemSize& size) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = rows.first_row() + 8 * half;
    if (row >= size.seq_q) continue;
    Half* line = o + ((static_cast<long long>(work.batch) * size.seq_q + row) * size.heads_q + work.head_q) *
                         config::head_dim;
#pragma unroll
    for (int i = 0; i < config::head_dim / 8; ++i) {
      *reinterpret_cast<unsigned*>(line + 8 * i + threadIdx.x % 4 * 2) = device::pack_from_f32<config::dtype>(
          rows.output[4 * i + 2 * half], rows.output[4 * i + 2 * half + 1]);
    }
  }
}

/// Rows that see no key: zeros, and a logarithm of -inf.
template <class Work>
__device__ __forceinline__ void store_nothing_seen(Half* o, float* lse, const Work& work,
                                                   const ProblemSize& size, int thread) {
  constexpr int kChunks = config::head_dim / 8;
  const int rows = min(config::tile_q, size.seq_q - work.first_row);
  for (int i = thread; i < rows * kChunks; i += kConsumers * hopper::kWarpgroupThreads) {
    const long long row = static_cast<long long>(work.batch) * size.seq_q + work.first_row + i / kChunks;
    *reinterpret_cast<uint4*>(o + (row * size.heads_q + work.head_q) * config::head_dim + i % kChunks * 8) =
        uint4{0, 0, 0, 0};
  }
  for (int row = thread; row < rows; row += kConsumers * hopper::kWarpgroupThreads) {
    lse[(static_cast<long long>(work.batch) * size.heads_q + work.head_q) * size.seq_q + work.first_row +
        row] = -hopper::infinity();
  }
}

/// A consumer warpgroup, through all query tiles of the block.
template <class Plan>
__device__ __forceinline__ void consume(const TensorMap& o_map, Half* o, float* lse,
                                        const SharedTiles& shared, const Plan& plan, int consumer) {
  // With more rows of Q in shared memory than those at hand, nobody waits for a store to read its rows.
  constexpr bool kStoresLater = config::store_through_queries && config::query_stages > 1;
  WarpgroupRows rows(shared, consumer);
  bool storing = false;
  for (int item = static_cast<int>(blockIdx.x); item < plan.items(); item += static_cast<int>(gridDim.x)) {
    const auto seen = plan.work(item);
    if (seen.tiles == 0) {
      store_nothing_seen(o, lse, seen, plan.size, static_cast<int>(threadIdx.x) - hopper::kWarpgroupThreads);
      continue;
    }
    rows.attend(seen, plan, [&] {
      if (!kStoresLater || !storing) return;
      wait_for_stored_rows();
      rows.release_stored_queries();
    });
    // Worked out again rather than kept in registers through the loop.
    const auto work = plan.work(ptx::opaque(item));
    finish_rows(lse, rows, work, plan.size);
    if constexpr (config::store_through_queries) {
      store_through_queries(o_map, rows, work, consumer);
      if (!kStoresLater) wait_for_stored_rows();
      rows.leave_queries(!kStoresLater);
      storing = true;
    } else {
      store_from_registers(o, rows, work, plan.size);
    }
  }
  rows.finish_turns();
  if (config::store_through_queries && hopper::thread_in_warpgroup() == 0) ptx::cp_async_bulk_wait_group<0>();
}

/// The whole kernel, for `kPassThreads` threads of one block. `memory` begins at a multiple of 1024
/// bytes.
template <class Plan>
__device__ __forceinline__ void warpgroup_pass(const TensorMap& q, const TensorMap& k, const TensorMap& v,
                                               const TensorMap& o_map, Half* o, float* lse, const Plan& plan,
                                               unsigned char* memory) {
  using Registers = hopper::RegisterSplit<kConsumers, Plan::kProducerRegisters>;
  const SharedTiles shared(ptx::shared_address(memory));
  const int warpgroup = hopper::warpgroup_index();
  if (threadIdx.x == 0) {
    ptx::prefetch_tensormap(q);
    ptx::prefetch_tensormap(k);
    ptx::prefetch_tensormap(v);
    shared.key_ring().initialise(kConsumers);
    shared.value_ring().initialise(kConsumers);
    for (int consumer = 0; consumer < kConsumers; ++consumer) shared.query_ring(consumer).initialise(1);
  }
  hopper::finish_initialisation<1>(threadIdx.x == 0);

  if (warpgroup == 0) {
    Registers::become_producer();
    const int warp = hopper::warp_in_warpgroup();
    if (threadIdx.x % 32 != 0 || warp > kConsumers) return;
    if (warp == 0) {
      produce_keys(k, v, shared, plan);
    } else {
      produce_queries(q, shared, plan, warp - 1);
    }
  } else {
    Registers::become_consumer();
    consume(o_map, o, lse, shared, plan, warpgroup - 1);
  }
}

}  // namespace attention
