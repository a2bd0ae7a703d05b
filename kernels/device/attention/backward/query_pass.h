// One block per query tile: the gradients of its queries from all keys that they see, in registers.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/query_rows.h"
#include "device/attention/backward/scratch.h"
#include "device/attention/backward/work.h"
#include "device/attention/visible_tiles.h"

namespace attention::backward {

struct QueryPassTensors {
  Half* dq;
  const float* statistics;
  const Half* q;
  const Half* k;
  const Half* v;
  const Half* dout;
};

/// K and V tiles on their way from global to shared memory.
struct PassingStream {
  const Half* k;  // this thread's first chunk of the first key
  const Half* v;
  unsigned tiles;  // shared address: K and V of each stage
  int row_stride, seq_kv;

  static constexpr int kStageBytes = 2 * PassingKeys::bytes;

  __device__ __forceinline__ void copy(int tile, int stage) const {
    const int first_key = tile * config::dq_tile_kv;
    const int stride = ptx::opaque(row_stride);
    const long long offset = static_cast<long long>(first_key) * stride;
    const int valid = ptx::opaque(seq_kv) - first_key;
    const unsigned keys = tiles + stage * kStageBytes;
    if (valid >= config::dq_tile_kv) {
      PassingKeys::copy_async<kQueryPassThreads, false>(keys, k + offset, stride, valid);
      PassingKeys::copy_async<kQueryPassThreads, false>(keys + PassingKeys::bytes, v + offset, stride, valid);
    } else {
      PassingKeys::copy_async<kQueryPassThreads, true>(keys, k + offset, stride, valid);
      PassingKeys::copy_async<kQueryPassThreads, true>(keys + PassingKeys::bytes, v + offset, stride, valid);
    }
  }
};

/// The key tiles that a block's queries see, from the last to the first.
class KeySteps {
 public:
  struct Step {
    int tile;  // below 0 at the end
    bool whole;
    AllKept kept = {};
  };

  __device__ __forceinline__ KeySteps(const Visibility& sees, const Rows& queries, int head, int batch)
      : sees_(sees),
        queries_(queries),
        head_(head),
        batch_(batch),
        span_(TileSpan::of_queries<config::dq_tile_kv>(sees, queries.first, last_query())),
        masked_tiles_(span_.begin, span_.end),
        tile_(span_.end) {}

  __device__ __forceinline__ Step next() {
    if constexpr (config::mask_is_default) {
      --tile_;
      return {.tile = tile_ >= span_.begin ? tile_ : -1, .whole = in_band(tile_)};
    } else {
      const VisibleTiles::Tile found = masked_tiles_.next([this](int tile) {
        const int first = tile * config::dq_tile_kv;
        return masked_box(queries_.first, last_query(), first,
                          min(first + config::dq_tile_kv, sees_.seq_kv) - 1, head_, batch_);
      });
      return {.tile = found.index, .whole = found.whole && in_band(found.index)};
    }
  }

 private:
  __device__ __forceinline__ int last_query() const { return min(queries_.last(), sees_.seq_q - 1); }
  __device__ __forceinline__ bool in_band(int tile) const {
    return all_in_band(sees_, queries_, {tile * config::dq_tile_kv, config::dq_tile_kv});
  }

  Visibility sees_;
  Rows queries_;
  int head_, batch_;
  TileSpan span_;
  VisibleTiles masked_tiles_;
  int tile_;  // without a mask formula, the one that was last taken
};

/// What the blocks of a query pass work on, without a block mask.
struct QueryPlan {
  using Steps = KeySteps;

  /// Query tiles from the last: with a causal mask, those that see the most keys come first.
  static __device__ __forceinline__ TileWork work(int block, const Problem& problem) {
    const int tiles = device::ceil_div(problem.seq_q, config::dq_tile_q);
    TileWork work = TileWork::of_block(block, problem.batches, problem.heads_q, tiles);
    work.tile = tiles - 1 - work.tile;
    return work;
  }
  static __device__ __forceinline__ Steps steps(const Visibility& sees, const Rows& queries,
                                                const TileWork& work, const Problem&) {
    return Steps(sees, queries, work.head, work.batch);
  }
};

/// `plan` says which queries each block owns, and which tiles of keys they see.
template <class Plan = QueryPlan>
__device__ __forceinline__ void query_pass(const QueryPassTensors& tensors, const Problem& problem,
                                           unsigned char* shared, const Plan& plan = {}) {
  const TileWork work = plan.work(static_cast<int>(blockIdx.x), problem);
  const Sequence sequence = problem.sequence(work.batch);
  const Rows queries{.first = work.tile * config::dq_tile_q, .count = config::dq_tile_q};
  if (queries.first >= sequence.seq_q)
    return;  // the grid is made for whole mask blocks and the longest sequence
  const int q_stride = problem.q_stride(), kv_stride = problem.kv_stride();
  const long long q_offset =
      problem.q_offset(sequence, work.head) + static_cast<long long>(queries.first) * q_stride;
  const long long kv_offset = problem.kv_offset(sequence, work.head / (problem.heads_q / problem.heads_kv)) +
                              PassingKeys::thread_offset(kv_stride);
  const int valid_rows = sequence.seq_q - queries.first;

  QueryRows rows;
  rows.queries = ptx::shared_address(shared);
  rows.output_gradients = rows.queries + OwnedQueries::bytes;
  rows.first_query = queries.first;
  rows.head = work.head;
  rows.batch = work.batch;
  rows.sees = problem.visibility(sequence);
  device::clear(rows.dq);
  rows.read_statistics(tensors.statistics +
                       2 * ScratchRows::of(problem, sequence).row(work.head, queries.first));

  const PassingStream stream{.k = tensors.k + kv_offset,
                             .v = tensors.v + kv_offset,
                             .tiles = rows.output_gradients + OwnedQueries::bytes,
                             .row_stride = kv_stride,
                             .seq_kv = sequence.seq_kv};
  typename Plan::Steps steps = plan.steps(rows.sees, queries, work, problem);
  auto step = steps.next();
  const long long thread_offset = OwnedQueries::thread_offset(q_stride);
  OwnedQueries::copy_async<kQueryPassThreads, true>(rows.queries, tensors.q + q_offset + thread_offset,
                                                    q_stride, valid_rows);
  OwnedQueries::copy_async<kQueryPassThreads, true>(
      rows.output_gradients, tensors.dout + q_offset + thread_offset, q_stride, valid_rows);
  if (step.tile >= 0) stream.copy(step.tile, 0);
  ptx::cp_async_commit_group();

  int stage = 0;
  while (step.tile >= 0) {
    // The tile has arrived, and every warp is done with what the next copy overwrites.
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    const auto next = steps.next();
    const int next_stage = config::stages == 1 ? 0 : stage ^ 1;
    const auto copy_next = [&] {
      if (next.tile >= 0) stream.copy(next.tile, next_stage);
      ptx::cp_async_commit_group();
    };
    if (config::stages > 1) copy_next();
    const unsigned keys = stream.tiles + stage * PassingStream::kStageBytes;
    rows.add(keys, keys + PassingKeys::bytes, step.tile * config::dq_tile_kv, step.whole, step.kept);
    if (config::stages == 1) {
      __syncthreads();
      copy_next();
    }
    step = next;
    stage = next_stage;
  }
  ptx::cp_async_wait_group<0>();  // a block whose queries see nothing still has Q in flight
  __syncthreads();
  rows.write(tensors.dq + q_offset, q_stride, valid_rows, shared);
}

}  // namespace attention::backward
