// One block per query tile on Hopper: the gradients of its queries from all keys that they see, in registers.
// Producer threads stream K and V through rings in shared memory; each consumer warpgroup owns 64 queries.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/scratch.h"
#include "device/attention/backward/work.h"
#include "device/hopper/panel_store.h"
#include "device/hopper/pipeline.h"
#include "device/hopper/row_softmax.h"
#include "device/ptx/cp_async.h"

namespace attention::backward {

constexpr int kQueryConsumers = config::dq_tile_q / hopper::kProductRows;
static_assert(config::dq_tile_q % hopper::kProductRows == 0, "a consumer warpgroup owns 64 queries");

using QueryPassRegisters = hopper::RegisterSplit<kQueryConsumers>;
using OwnQueries = hopper::PanelTile<config::dq_tile_q, config::head_dim>;
using PassingKeys = hopper::PanelTile<config::dq_tile_kv, config::head_dim>;
using PassingRing = hopper::Pipeline<config::dq_stages>;

struct QueryPassMaps {
  const ptx::TensorMap &q, &k, &v, &dout, &dq;
};

/// Where a block keeps its tiles and barriers. All are shared addresses.
struct QueryPassTiles {
  unsigned queries, output_gradients, keys, values, barriers;

  __device__ __forceinline__ explicit QueryPassTiles(unsigned shared)
      : queries(shared),
        output_gradients(queries + OwnQueries::bytes),
        keys(output_gradients + OwnQueries::bytes),
        values(keys + config::dq_stages * PassingKeys::bytes),
        barriers(values + config::dq_stages * PassingKeys::bytes) {}
  __device__ __forceinline__ PassingRing key_ring() const { return PassingRing(barriers); }
  __device__ __forceinline__ PassingRing value_ring() const {
    return PassingRing(barriers + PassingRing::bytes);
  }
  __device__ __forceinline__ hopper::Pipeline<1> query_ring() const {
    return hopper::Pipeline<1>(barriers + 2 * PassingRing::bytes);
  }
};

/// A block's queries, and how many tiles of keys any of them sees.
struct QueryPassWork {
  int batch, head, first_query, tiles;

  /// Worked out anew in every role, whose registers are of different numbers.
  static __device__ __forceinline__ QueryPassWork of_block(const Problem& problem, const Visibility& sees) {
    const int tiles = (problem.seq_q + config::dq_tile_q - 1) / config::dq_tile_q;
    const TileWork work = TileWork::of_block(ptx::opaque(static_cast<int>(blockIdx.x)), problem.batches,
                                             problem.heads_q, tiles);
    const int first = (tiles - 1 - work.tile) * config::dq_tile_q;
    const int last = min(first + config::dq_tile_q, problem.seq_q) - 1;
    return {.batch = work.batch,
            .head = work.head,
            .first_query = first,
            .tiles = (sees.end_key(last) + config::dq_tile_kv - 1) / config::dq_tile_kv};
  }
};

template <class Tile>
__device__ __forceinline__ void load_panels(unsigned tile, const ptx::TensorMap& map, unsigned barrier,
                                            int batch, int row, int head) {
#pragma unroll
  for (int panel = 0; panel < Tile::panels; ++panel) {
    ptx::cp_async_bulk_tensor_4d(tile + panel * Tile::panel_bytes, map, barrier,
                                 panel * hopper::kPanelColumns, head, row, batch);
  }
}

/// One thread: Q and dO, then K and V of one tile after another.
__device__ __forceinline__ void produce_keys(const QueryPassMaps& maps, const QueryPassTiles& shared,
                                             const QueryPassWork& work, const Problem& problem) {
  const hopper::Pipeline<1> queries = shared.query_ring();
  queries.acquire({}, 2 * OwnQueries::bytes);
  load_panels<OwnQueries>(shared.queries, maps.q, queries.full(0), work.batch, work.first_query, work.head);
  load_panels<OwnQueries>(shared.output_gradients, maps.dout, queries.full(0), work.batch, work.first_query,
                          work.head);
  const PassingRing keys = shared.key_ring(), values = shared.value_ring();
  const int head = work.head / (problem.heads_q / problem.heads_kv);
  PassingRing::Position position;
#pragma unroll 1
  for (int tile = work.tiles - 1; tile >= 0; --tile, position.advance()) {
    const int offset = position.stage * PassingKeys::bytes, row = tile * config::dq_tile_kv;
    keys.acquire(position, PassingKeys::bytes);
    load_panels<PassingKeys>(shared.keys + offset, maps.k, keys.full(position.stage), work.batch, row, head);
    values.acquire(position, PassingKeys::bytes);
    load_panels<PassingKeys>(shared.values + offset, maps.v, values.full(position.stage), work.batch, row,
                             head);
  }
}

/// What a consumer warpgroup does with its 64 queries.
class WarpgroupQueries {
 public:
  __device__ __forceinline__ WarpgroupQueries(const QueryPassTiles& shared, const QueryPassWork& work,
                                              const Problem& problem, const Visibility& sees,
                                              const float* statistics, int consumer)
      : shared_(shared),
        sees_(sees),
        consumer_(consumer),
        first_query_(work.first_query + consumer * hopper::kProductRows + hopper::warp_in_warpgroup() * 16 +
                     static_cast<int>(threadIdx.x) % 32 / 4) {
    const ScratchRows scratch = ScratchRows::of(problem, problem.sequence(work.batch));
    const float2* rows = reinterpret_cast<const float2*>(statistics) + scratch.row(work.head, first_query_);
#pragma unroll
    for (int half = 0; half < 2; ++half) rows_[half] = {rows[8 * half].x, rows[8 * half].y};
#pragma unroll
    for (int i = 0; i < config::head_dim / 2; ++i) dq[i] = 0.0f;
  }

  /// The next key tile of the rings.
  __device__ __forceinline__ void process(int tile, bool whole) {
    const int offset = at_.stage * PassingKeys::bytes;
    score(shared_.key_ring(), products_, shared_.queries, shared_.keys + offset);
    score(shared_.value_ring(), gradients_, shared_.output_gradients, shared_.values + offset);
    ptx::wgmma_wait_group<1>();
    hopper::pin(products_);
    weigh();
    if (!whole) hide(tile);
    ptx::wgmma_wait_group<0>();
    hopper::pin(gradients_);
    release(shared_.value_ring());
#pragma unroll
    for (int i = 0; i < config::dq_tile_kv / 2; ++i) {
      gradients_[i] = products_[i] * (gradients_[i] - rows_[i / 2 % 2].delta);
    }
    hopper::round_weights<config::dtype>(score_gradients_, gradients_);
    ptx::wgmma_fence();
    hopper::multiply<config::dtype, PassingKeys>(dq, score_gradients_, shared_.keys + offset, true);
    ptx::wgmma_commit_group();
    ptx::wgmma_wait_group<0>();
    hopper::pin(dq);
    release(shared_.key_ring());
    at_.advance();
  }

  hopper::Sums<config::head_dim> dq;

 private:
  /// 64 queries, or gradients of their outputs, times a tile of keys, or values.
  __device__ __forceinline__ void score(const PassingRing& ring, hopper::Sums<config::dq_tile_kv>& sums,
                                        unsigned queries, unsigned keys) const {
    ring.wait(at_);
    ptx::wgmma_fence();
    hopper::multiply_transposed<config::dtype, OwnQueries, PassingKeys>(
        sums, ptx::opaque(queries), consumer_ * hopper::kProductRows, keys, false);
    ptx::wgmma_commit_group();
  }

  /// Products become weights.
  __device__ __forceinline__ void weigh() {
#pragma unroll
    for (int i = 0; i < config::dq_tile_kv / 2; ++i) {
      products_[i] = ptx::ex2_approx_ftz(products_[i] * kScaleLog2 - rows_[i / 2 % 2].log2_sum);
    }
  }

  /// Invisible pairs weigh nothing.
  __device__ __forceinline__ void hide(int tile) {
    const int first_key = tile * config::dq_tile_kv + static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int visible = sees_.end_key(first_query_ + 8 * half) - first_key;
#pragma unroll
      for (int i = 0; i < config::dq_tile_kv / 8; ++i) {
        if (8 * i >= visible) products_[4 * i + 2 * half] = 0.0f;
        if (8 * i + 1 >= visible) products_[4 * i + 2 * half + 1] = 0.0f;
      }
    }
  }

  __device__ __forceinline__ void release(const PassingRing& ring) const {
    if (hopper::warp_in_warpgroup() == 0) ring.release(at_.stage);
  }

  QueryPassTiles shared_;
  Visibility sees_;
  int consumer_, first_query_;
  RowStatistics rows_[2];
  PassingRing::Position at_;
  hopper::Sums<config::dq_tile_kv> products_, gradients_;
  hopper::Weights<config::dq_tile_kv> score_gradients_;
};

__device__ __forceinline__ void consume_keys(const QueryPassMaps& maps, const float* statistics,
                                             const QueryPassTiles& shared, const Problem& problem,
                                             const Visibility& sees, int consumer) {
  const QueryPassWork work = QueryPassWork::of_block(problem, sees);
  WarpgroupQueries queries(shared, work, problem, sees, statistics, consumer);
  shared.query_ring().wait({});
#pragma unroll 1
  for (int tile = work.tiles - 1; tile >= 0; --tile) {
    queries.process(tile, (tile + 1) * config::dq_tile_kv <= sees.end_key(work.first_query));
  }
#pragma unroll
  for (float& sum : queries.dq) sum *= kGradientScale;
  // Through this warpgroup's rows of Q, which nobody else reads.
  const unsigned first = shared.queries + consumer * hopper::OutputPanel::panel_bytes;
  hopper::write_panels<config::dtype>(first, OwnQueries::panel_bytes, queries.dq);
  ptx::fence_proxy_async_shared();
  hopper::sync_warpgroup(consumer);
  if (hopper::thread_in_warpgroup() != 0) return;
#pragma unroll
  for (int panel = 0; panel < OwnQueries::panels; ++panel) {
    ptx::cp_async_bulk_tensor_4d_store(maps.dq, first + panel * OwnQueries::panel_bytes,
                                       panel * hopper::kPanelColumns, work.head,
                                       work.first_query + consumer * hopper::kProductRows, work.batch);
  }
  ptx::cp_async_bulk_commit_group();
  ptx::cp_async_bulk_wait_group<0>();
}

__device__ __forceinline__ void warpgroup_query_pass(const QueryPassMaps& maps, const float* statistics,
                                                     const Problem& problem, unsigned char* memory) {
  const QueryPassTiles shared(ptx::shared_address(memory));
  const int warpgroup = hopper::warpgroup_index();
  if (threadIdx.x == 0) {
    shared.key_ring().initialise(kQueryConsumers);
    shared.value_ring().initialise(kQueryConsumers);
    shared.query_ring().initialise(kQueryConsumers);
  }
  hopper::finish_initialisation<1>(threadIdx.x == 0);

  const Visibility sees = problem.visibility(problem.sequence(0));
  if (warpgroup == 0) {
    QueryPassRegisters::become_producer();
    if (threadIdx.x == 0) produce_keys(maps, shared, QueryPassWork::of_block(problem, sees), problem);
  } else {
    QueryPassRegisters::become_consumer();
    consume_keys(maps, statistics, shared, problem, sees, warpgroup - 1);
  }
}

}  // namespace attention::backward
