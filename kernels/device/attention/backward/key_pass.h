// One block per key tile: the gradients of its keys and values from all queries that see them, of every head
// that shares them; and on the way, if asked for, its part of these queries' gradients.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/key_rows.h"
#include "device/attention/backward/query_stream.h"
#include "device/attention/backward/work.h"

namespace attention::backward {

struct KeyPassArguments {
  Half* dk;
  Half* dv;
  float* dq_sums;  // null: dQ is not asked for
  const float* statistics;
  const Half* q;
  const Half* k;
  const Half* v;
  const Half* dout;
  int batches, heads_q, heads_kv, seq_q, seq_kv;
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
__device__ __forceinline__ void process(KeyRows<Layout>& rows, const QueryTileInPlace& tile, float* dq_sums,
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

template <bool gives_dq>
__device__ __forceinline__ void key_pass(const KeyPassArguments& given, unsigned char* shared) {
  using Layout = SharedLayout<gives_dq>;
  // Key tiles in order: with a causal mask, those that most queries see come first.
  const TileWork work = TileWork::of_block(static_cast<int>(blockIdx.x), given.batches, given.heads_kv,
                                           device::ceil_div(given.seq_kv, config::tile_kv));
  const Rows keys{.first = work.tile * config::tile_kv, .count = config::tile_kv};
  const int group = given.heads_q / given.heads_kv;
  const int first_head = work.head * group;
  const int q_stride = given.heads_q * config::head_dim;
  const int kv_stride = given.heads_kv * config::head_dim;
  const long long q_offset =
      static_cast<long long>(work.batch) * given.seq_q * q_stride + first_head * config::head_dim;
  const long long kv_offset = (static_cast<long long>(work.batch) * given.seq_kv + keys.first) * kv_stride +
                              work.head * config::head_dim;
  const int valid_keys = given.seq_kv - keys.first;
  const long long scratch = scratch_row(work.batch, first_head, given.batches, given.seq_q);
  const long long scratch_head_stride = static_cast<long long>(given.batches) * padded(given.seq_q);

  KeyRows<Layout> rows;
  rows.shared = shared;
  rows.shared_address = ptx::shared_address(shared);
  rows.first_key = keys.first;
  rows.sees = {.seq_q = given.seq_q, .seq_kv = given.seq_kv};
  device::clear(rows.dk);
  device::clear(rows.dv);

  const QueryStream<Layout> stream{.q = given.q + q_offset + QueryTile::thread_offset(q_stride),
                                   .dout = given.dout + q_offset + QueryTile::thread_offset(q_stride),
                                   .statistics = given.statistics + scratch * 2,
                                   .statistics_head_stride = scratch_head_stride * 2,
                                   .shared = rows.shared_address,
                                   .row_stride = q_stride,
                                   .seq_q = given.seq_q,
                                   .heads = group,
                                   .tiles = rows.sees.query_tiles(keys, config::tile_q)};
  QueryStep step = stream.begin();
  if (!stream.ended(step)) {
    KeyTile::copy_async<kThreads, true>(rows.shared_address + Layout::keys,
                                        given.k + kv_offset + KeyTile::thread_offset(kv_stride), kv_stride,
                                        valid_keys);
    KeyTile::copy_async<kThreads, true>(rows.shared_address + Layout::values,
                                        given.v + kv_offset + KeyTile::thread_offset(kv_stride), kv_stride,
                                        valid_keys);
    stream.copy(step, 0);
    ptx::cp_async_commit_group();
  }

  int stage = 0;
  bool first = true;
  while (!stream.ended(step)) {
    // The step's tiles have arrived, and every warp is done with what the next copies and weights overwrite.
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    const QueryStep next = stream.after(step);
    const int next_stage = config::stages == 1 ? 0 : stage ^ 1;
    const auto copy_next = [&] {
      if (!stream.ended(next)) stream.copy(next, next_stage);
      ptx::cp_async_commit_group();
    };
    if (config::stages > 1) copy_next();
    if (first) rows.hold_values();
    first = false;

    const int first_query = step.tile * config::tile_q;
    const QueryTileInPlace tile{
        .queries = rows.shared_address + Layout::queries + stage * QueryTile::bytes,
        .output_gradients = rows.shared_address + Layout::output_gradients + stage * QueryTile::bytes,
        .statistics =
            reinterpret_cast<const float4*>(shared + Layout::statistics + stage * Layout::statistics_bytes),
        .first_query = first_query,
        .head = first_head + step.head,
        .masked = !rows.sees.all_visible({first_query, config::tile_q}, keys)};
    float* dq_sums =
        given.dq_sums + QuerySums::offset(scratch + step.head * scratch_head_stride + first_query, 0);
    process<gives_dq>(rows, tile, dq_sums, [&] {
      if (config::stages == 1) copy_next();
    });
    step = next;
    stage = next_stage;
  }

  __syncthreads();  // every warp is done with K and with what lies where V was
  rows.write(Layout::keys, rows.dk, kScale);
  rows.write(Layout::values, rows.dv, 1.0f);
  __syncthreads();
  store_rows(given.dk + kv_offset, kv_stride, valid_keys, shared + Layout::keys);
  store_rows(given.dv + kv_offset, kv_stride, valid_keys, shared + Layout::values);
}

}  // namespace attention::backward
