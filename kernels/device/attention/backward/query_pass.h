// One block per query tile: the gradients of its queries from all keys that they see, in registers.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/query_rows.h"
#include "device/attention/backward/scratch.h"
#include "device/attention/backward/work.h"

namespace attention::backward {

struct QueryPassArguments {
  Half* dq;
  const float* statistics;
  const Half* q;
  const Half* k;
  const Half* v;
  const Half* dout;
  int batches, heads_q, heads_kv, seq_q, seq_kv;
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

__device__ __forceinline__ void query_pass(const QueryPassArguments& given, unsigned char* shared) {
  // Query tiles from the last: with a causal mask, those that see the most keys come first.
  const int tiles_q = device::ceil_div(given.seq_q, config::dq_tile_q);
  const TileWork work =
      TileWork::of_block(static_cast<int>(blockIdx.x), given.batches, given.heads_q, tiles_q);
  const Rows queries{.first = (tiles_q - 1 - work.tile) * config::dq_tile_q, .count = config::dq_tile_q};
  const int head_kv = work.head / (given.heads_q / given.heads_kv);
  const int q_stride = given.heads_q * config::head_dim;
  const int kv_stride = given.heads_kv * config::head_dim;
  const long long q_offset = (static_cast<long long>(work.batch) * given.seq_q + queries.first) * q_stride +
                             work.head * config::head_dim;
  const long long kv_offset =
      static_cast<long long>(work.batch) * given.seq_kv * kv_stride + head_kv * config::head_dim;
  const int valid_rows = given.seq_q - queries.first;

  QueryRows rows;
  rows.queries = ptx::shared_address(shared);
  rows.output_gradients = rows.queries + OwnedQueries::bytes;
  rows.first_query = queries.first;
  rows.sees = {.seq_q = given.seq_q, .seq_kv = given.seq_kv};
  device::clear(rows.dq);
  rows.read_statistics(given.statistics +
                       2 * (scratch_row(work.batch, work.head, given.batches, given.seq_q) + queries.first));

  const PassingStream stream{.k = given.k + kv_offset + PassingKeys::thread_offset(kv_stride),
                             .v = given.v + kv_offset + PassingKeys::thread_offset(kv_stride),
                             .tiles = rows.output_gradients + OwnedQueries::bytes,
                             .row_stride = kv_stride,
                             .seq_kv = given.seq_kv};
  const TileRange tiles = rows.sees.key_tiles(queries, config::dq_tile_kv);
  OwnedQueries::copy_async<kQueryPassThreads, true>(
      rows.queries, given.q + q_offset + OwnedQueries::thread_offset(q_stride), q_stride, valid_rows);
  OwnedQueries::copy_async<kQueryPassThreads, true>(
      rows.output_gradients, given.dout + q_offset + OwnedQueries::thread_offset(q_stride), q_stride,
      valid_rows);
  if (tiles.first < tiles.end) stream.copy(tiles.first, 0);
  ptx::cp_async_commit_group();

  int stage = 0;
  for (int tile = tiles.first; tile < tiles.end; ++tile) {
    // The tile has arrived, and every warp is done with what the next copy overwrites.
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    const int next_stage = config::stages == 1 ? 0 : stage ^ 1;
    const auto copy_next = [&] {
      if (tile + 1 < tiles.end) stream.copy(tile + 1, next_stage);
      ptx::cp_async_commit_group();
    };
    if (config::stages > 1) copy_next();
    const Rows keys{.first = tile * config::dq_tile_kv, .count = config::dq_tile_kv};
    const unsigned key_tile = stream.tiles + stage * PassingStream::kStageBytes;
    rows.add(key_tile, key_tile + PassingKeys::bytes, keys.first, !rows.sees.all_visible(queries, keys));
    if (config::stages == 1) {
      __syncthreads();
      copy_next();
    }
    stage = next_stage;
  }
  ptx::cp_async_wait_group<0>();  // a block whose queries see nothing still has Q in flight
  __syncthreads();
  rows.write(given.dq + q_offset, q_stride, valid_rows, shared);
}

}  // namespace attention::backward
