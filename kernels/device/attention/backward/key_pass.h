// One block per key tile: the gradients of its keys and values from all queries that see them, of every head
// that shares them; and on the way, if asked for, its part of these queries' gradients.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/key_rows.h"
#include "device/attention/backward/query_stream.h"
#include "device/attention/backward/work.h"

namespace attention::backward {

struct KeyPassTensors {
  Half* dk;
  Half* dv;
  float* dq_sums;  // null: dQ is not asked for
  const float* statistics;
  const Half* q;
  const Half* k;
  const Half* v;
  const Half* dout;
};

/// Writes the rows of a shared key tile that exist.
__device__ __forceinline__ void store_rows(Half* destination, int row_stride, int valid_rows,
                                           const unsigned char* tile) {
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x); i < KeyTile::rows * KeyTile::chunks_per_row; i += kThreads) {
    const int row = i / KeyTile::chunks_per_row;
    const int chunk = i % KeyTile::chunks_per_row;
    if (row < valid_rows) {
      *reinterpret_cast<uint4*>(destination + static_cast<long long>(row) * row_stride + chunk * 8) =
          *reinterpret_cast<const uint4*>(tile + KeyTile::chunk_address(0, row, chunk));
    }
  }
}

/// One query tile. Q, dO and the statistics are in shared memory; `free` is called as soon as no warp needs
/// Q and dO any more.
template <bool gives_dq, class Layout, class Free>
__device__ __forceinline__ void process(KeyRows<Layout>& rows, const auto& tile, float* dq_sums,
                                        const Free& free) {
  using Rows = KeyRows<Layout>;
  typename Rows::Scores weights;
  typename Rows::Pairs rounded;
  rows.score(weights, tile);
  rows.weigh(rounded, weights, tile);
  if constexpr (kExchange) {
    rows.publish(Layout::weights, rounded);
  } else {
    rows.add_rows(rows.dv, rounded, tile.output_gradients);
    // Keeps the next product from being moved up, where its sums would have no registers.
    if constexpr (!gives_dq) __syncwarp();
  }

  typename Rows::Scores gradients;
  rows.weight_gradients(gradients, tile);
  rows.score_gradients(rounded, weights, gradients, tile);
  if constexpr (kExchange || gives_dq) rows.publish(Layout::score_gradients, rounded);
  if constexpr (kExchange) {
    __syncthreads();
    rows.add_rows(rows.dv, rows.published(Layout::weights), tile.output_gradients);
    rows.add_rows(rows.dk, rows.published(Layout::score_gradients), tile.queries);
  } else {
    rows.add_rows(rows.dk, rounded, tile.queries);
  }
  if constexpr (config::stages == 1 || (gives_dq && !kExchange)) __syncthreads();
  free();
  if constexpr (gives_dq) rows.add_query_gradients(dq_sums);
}

/// `plan` says which keys each block owns, and which tiles of queries they meet.
template <bool gives_dq, class Plan = KeyPlan>
__device__ __forceinline__ void key_pass(const KeyPassTensors& tensors, const Problem& problem,
                                         unsigned char* shared, const Plan& plan = {}) {
  using Layout = SharedLayout<gives_dq>;
  const TileWork work = plan.work(static_cast<int>(blockIdx.x), problem);
  const Sequence sequence = problem.sequence(work.batch);
  const Rows keys{.first = work.tile * config::tile_kv, .count = config::tile_kv};
  if (keys.first >= sequence.seq_kv)
    return;  // the grid is made for whole mask blocks and the longest sequence
  const int group = problem.heads_q / problem.heads_kv;
  const int first_head = work.head * group;
  const int kv_stride = problem.kv_stride();
  const long long kv_offset =
      problem.kv_offset(sequence, work.head) + static_cast<long long>(keys.first) * kv_stride;
  const long long q_offset =
      problem.q_offset(sequence, first_head) + QueryTile::thread_offset(problem.q_stride());
  const int valid_keys = sequence.seq_kv - keys.first;
  const ScratchRows scratch = ScratchRows::of(problem, sequence);

  KeyRows<Layout> rows;
  rows.shared = shared;
  rows.shared_address = ptx::shared_address(shared);
  rows.first_key = keys.first;
  rows.batch = work.batch;
  rows.sees = problem.visibility(sequence);
  device::clear(rows.dk);
  device::clear(rows.dv);

  const QueryStream<Layout> stream{.q = tensors.q + q_offset,
                                   .dout = tensors.dout + q_offset,
                                   .statistics = tensors.statistics + 2 * scratch.row(first_head, 0),
                                   .statistics_head_stride = 2 * scratch.head_stride,
                                   .shared = rows.shared_address,
                                   .row_stride = problem.q_stride(),
                                   .seq_q = sequence.seq_q};
  typename Plan::Steps steps = plan.steps(rows.sees, keys, first_head, group, work, problem);
  auto step = steps.next();
  if (step.head < group) {
    const long long offset = kv_offset + KeyTile::thread_offset(kv_stride);
    KeyTile::copy_async<kThreads, true>(rows.shared_address + Layout::keys, tensors.k + offset, kv_stride,
                                        valid_keys);
    KeyTile::copy_async<kThreads, true>(rows.shared_address + Layout::values, tensors.v + offset, kv_stride,
                                        valid_keys);
    stream.copy(step, 0);
    ptx::cp_async_commit_group();
  }

  int stage = 0;
  bool first = true;
  while (step.head < group) {
    // The step's tiles have arrived, and every warp is done with what the next copies and weights overwrite.
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    const auto next = steps.next();
    const int next_stage = config::stages == 1 ? 0 : stage ^ 1;
    const auto copy_next = [&] {
      if (next.head < group) stream.copy(next, next_stage);
      ptx::cp_async_commit_group();
    };
    if (config::stages > 1) copy_next();
    if (first) rows.hold_values();
    first = false;

    const int first_query = step.tile * config::tile_q;
    const QueryTileInPlace<decltype(step.kept)> tile{
        .queries = rows.shared_address + Layout::queries + stage * QueryTile::bytes,
        .output_gradients = rows.shared_address + Layout::output_gradients + stage * QueryTile::bytes,
        .statistics =
            reinterpret_cast<const float4*>(shared + Layout::statistics + stage * Layout::statistics_bytes),
        .first_query = first_query,
        .head = first_head + step.head,
        .whole = step.whole,
        .kept = step.kept};
    float* dq_sums = nullptr;
    if constexpr (gives_dq) {
      dq_sums = tensors.dq_sums + QuerySums::offset(scratch.row(tile.head, first_query), 0);
    }
    process<gives_dq>(rows, tile, dq_sums, [&] {
      if (config::stages == 1) copy_next();
    });
    step = next;
    stage = next_stage;
  }

  __syncthreads();  // every warp is done with K and with what lies where V was
  rows.write(Layout::keys, rows.dk, kGradientScale);
  rows.write(Layout::values, rows.dv, 1.0f);
  __syncthreads();
  store_rows(tensors.dk + kv_offset, kv_stride, valid_keys, shared + Layout::keys);
  store_rows(tensors.dv + kv_offset, kv_stride, valid_keys, shared + Layout::values);
}

}  // namespace attention::backward
