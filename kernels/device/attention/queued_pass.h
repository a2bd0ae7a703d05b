// The pass of warpgroup_pass.h over query tiles from a queue (hopper/work_queue.h), one of which begins while
// the one before ends (queued_rows.h). Its plan also has
//   Work numbered(int number) const;     // in the order of work; no producer looks it up but one
#pragma once

#include <weir/config.h>

#include "device/attention/queued_rows.h"
#include "device/hopper/work_queue.h"

namespace attention {

using hopper::WorkQueue;

/// 32 for a warpgroup that copies: with 24, ptxas 13.0 spills some of them.
using QueueRegisters = hopper::RegisterSplit<kConsumers, 32, config::blocks_per_sm>;
/// One thread for K and V and one for each consumer's rows of Q, and all warps of the consumers.
constexpr int kQueueReaders = 1 + kConsumers + 4 * kConsumers;
constexpr int kSendingWarp = 3;
/// Key tiles of the message after the last.
constexpr int kNoWork = -1;
static_assert(kConsumers < kSendingWarp, "three consumers' rows of Q leave no warp for the queue");

/// One thread: keeps the rings of K and V filled.
template <class Plan, class Work>
__device__ __forceinline__ void produce_queued_keys(const TensorMap& k, const TensorMap& v,
                                                    const SharedTiles& shared, const Plan& plan,
                                                    const WorkQueue<Work>& queue) {
  KeyRing::Position position;
  typename WorkQueue<Work>::Position message;
  for (;;) {
    const Work work = queue.template receive<false>(message);
    if (work.tiles == kNoWork) return;
    load_key_tiles(k, v, shared, plan, work, position);
  }
}

/// One thread: the same for a consumer's rows of Q.
template <class Work>
__device__ __forceinline__ void produce_queued_rows(const TensorMap& q, const SharedTiles& shared,
                                                    const WorkQueue<Work>& queue, int consumer) {
  const QueryRing queries = shared.query_ring(consumer);
  QueryRing::Position position;
  typename WorkQueue<Work>::Position message;
  for (;;) {
    const Work work = queue.template receive<false>(message);
    if (work.tiles == kNoWork) return;
    if (work.tiles == 0) continue;
    queries.acquire(position, QueryTile::bytes);
    load_rows<QueryTile>(shared.query_tile(consumer, position.stage), q, queries.full(position.stage),
                         work.batch, work.first_row + consumer * hopper::kProductRows, work.head_q);
    position.advance();
  }
}

/// A consumer warpgroup, one query tile after another. A tile's place is read again rather than kept in
/// registers.
template <class Plan, class Work>
__device__ __forceinline__ void consume_in_turn(const TensorMap& o_map, Half* o, float* lse,
                                                const SharedTiles& shared, const Plan& plan,
                                                const WorkQueue<Work>& queue, int consumer) {
  constexpr bool kStoresLater = config::query_stages > 1;
  WarpgroupRows rows(shared, consumer);
  typename WorkQueue<Work>::Position message;
  bool storing = false;
  for (;; queue.template leave<true>(message)) {
    const Work seen = queue.wait(message);
    if (seen.tiles == kNoWork) break;
    if (seen.tiles == 0) {
      store_nothing_seen(o, lse, seen, plan.size, static_cast<int>(threadIdx.x) - hopper::kWarpgroupThreads);
      continue;
    }
    rows.attend(seen, plan, [&] {
      if (!kStoresLater || !storing) return;
      wait_for_stored_rows();
      rows.release_stored_queries();
    });
    const Work work = queue.read(message);
    finish_rows(lse, rows, work, plan.size);
    store_through_queries(o_map, rows, work, consumer);
    if (!kStoresLater) wait_for_stored_rows();
    rows.leave_queries(!kStoresLater);
    storing = true;
  }
}

/// A consumer warpgroup, each query tile begun while the one before ends.
template <class Plan, class Work>
__device__ __forceinline__ void consume_in_stream(const TensorMap& o_map, Half* o, float* lse,
                                                  const SharedTiles& shared, const Plan& plan,
                                                  const WorkQueue<Work>& queue, int consumer) {
  QueuedRows<Plan> rows(shared, plan, consumer);
  typename WorkQueue<Work>::Position message;
  const auto next = [&] {
    for (;;) {
      const Work work = queue.template receive<true>(message);
      if (work.tiles != 0) return work;
      store_nothing_seen(o, lse, work, plan.size, static_cast<int>(threadIdx.x) - hopper::kWarpgroupThreads);
    }
  };
  const auto store = [&](const Work& work) {
    finish_rows(lse, rows, work, plan.size);
    store_through_queries(o_map, rows, work, consumer);
  };
  Work work = next();
  if (work.tiles != kNoWork) {
    rows.begin(work);
    for (;;) {
      rows.attend();
      work = next();
      if (work.tiles == kNoWork) break;
      rows.change(work, store);
    }
    rows.finish(store);
  }
  rows.finish_turns();
}

/// One thread: sends the block's query tiles.
template <class Plan, class Work>
__device__ __forceinline__ void send_query_tiles(const WorkQueue<Work>& queue, const Plan& plan,
                                                 unsigned* next) {
  Work none{};
  none.tiles = kNoWork;
  hopper::send_work(
      queue, plan.items(), next, [&](int number) { return plan.numbered(number); }, none);
}

/// The whole kernel, for `kPassThreads` threads of one block. `memory` begins at a multiple of 1024
/// bytes; `next` is the counter of the queue.
template <class Plan>
__device__ __forceinline__ void queued_pass(const TensorMap& q, const TensorMap& k, const TensorMap& v,
                                            const TensorMap& o_map, Half* o, float* lse, const Plan& plan,
                                            unsigned* next, unsigned char* memory) {
  using Queue = WorkQueue<typename Plan::Work>;
  const SharedTiles shared(ptx::shared_address(memory));
  const Queue queue(memory + SharedTiles::bytes);
  const int warpgroup = hopper::warpgroup_index();
  if (threadIdx.x == 0) {
    ptx::prefetch_tensormap(q);
    ptx::prefetch_tensormap(k);
    ptx::prefetch_tensormap(v);
    ptx::prefetch_tensormap(o_map);
    shared.key_ring().initialise(kConsumers);
    shared.value_ring().initialise(kConsumers);
    for (int consumer = 0; consumer < kConsumers; ++consumer) shared.query_ring(consumer).initialise(1);
    queue.initialise(kQueueReaders);
  }
  hopper::finish_initialisation<1>(threadIdx.x == 0);

  if (warpgroup == 0) {
    QueueRegisters::become_producer();
    const int warp = hopper::warp_in_warpgroup();
    if (threadIdx.x % 32 != 0) return;
    if (warp == 0) {
      produce_queued_keys(k, v, shared, plan, queue);
    } else if (warp <= kConsumers) {
      produce_queued_rows(q, shared, queue, warp - 1);
    } else if (warp == kSendingWarp) {
      send_query_tiles(queue, plan, next);
    }
  } else {
    QueueRegisters::become_consumer();
    if constexpr (config::overlap) {
      consume_in_stream(o_map, o, lse, shared, plan, queue, warpgroup - 1);
    } else {
      consume_in_turn(o_map, o, lse, shared, plan, queue, warpgroup - 1);
    }
    wait_for_stored_rows();
  }
}

}  // namespace attention
