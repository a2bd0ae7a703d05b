// O = softmax(Q · transpose(K) / sqrt(head_dim)) · V where a mask keeps only some blocks of the scores, in
// one pass over the keys that are kept (block-sparse FlashAttention), for mma.sync.
//
// A block owns tile_q query rows of one head. It walks the kept blocks of its rows of the mask, from the last
// key to the first, and gives them to the schedules of dense attention tile by tile; a tile that is kept as a
// whole and lies below the diagonal needs no arithmetic for the mask.

#include <weir/config.h>

#include "device/sparse/plain_scores.h"
// which these headers need:
#include "device/attention/schedules.h"
#include "device/attention/write_rows.h"
#include "device/sparse/block_steps.h"

using namespace attention;

extern "C" __global__ void __launch_bounds__(kThreads, config::blocks_per_sm)
    attention_block_sparse(Half* __restrict__ o, float* __restrict__ lse, const Half* __restrict__ q,
                           const Half* __restrict__ k, const Half* __restrict__ v, int batches, int heads_q,
                           int heads_kv, int seq_q, int seq_kv, int mask_heads,
                           const int* __restrict__ row_first, const int* __restrict__ row_blocks,
                           const int* __restrict__ row_order) {
  extern __shared__ __align__(256) unsigned char shared[];
  using Work = sparse::QueryWork<config::tile_q>;
  const unsigned q_tile = ptx::shared_address(shared);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = static_cast<int>(threadIdx.x) / 32 * kRowsPerWarp;

  const sparse::BlockLists mask_rows{
      .first = row_first, .blocks = row_blocks, .order = row_order, .heads = mask_heads};
  const Work work =
      Work::of_block(static_cast<int>(blockIdx.x), mask_rows, batches, heads_q, heads_kv, seq_q);
  if (work.first_row >= seq_q) return;  // the last row of mask blocks is not whole
  const Visibility visibility{.seq_q = seq_q, .seq_kv = seq_kv, .window_left = -1, .window_right = -1};
  const int q_stride = heads_q * config::head_dim;
  const int kv_stride = heads_kv * config::head_dim;
  const long long kv_offset =
      static_cast<long long>(work.batch) * seq_kv * kv_stride + work.head_kv * config::head_dim;
  const auto q_offset = [&](const Work& its) {
    return (static_cast<long long>(its.batch) * seq_q + its.first_row) * q_stride +
           its.head_q * config::head_dim;
  };

  KeyStream<sparse::BlockSteps> stream{.k = k + kv_offset + KeyTile::thread_offset(kv_stride),
                                       .v = v + kv_offset + KeyTile::thread_offset(kv_stride),
                                       .k_tiles = q_tile + QueryTile::bytes,
                                       .v_tiles = q_tile + QueryTile::bytes + config::stages * KeyTile::bytes,
                                       .row_stride = kv_stride,
                                       .seq_kv = seq_kv,
                                       .steps = sparse::BlockSteps::of(mask_rows, work, visibility)};
  QueryRows rows;
  rows.q_anchor = QueryTile::a_anchor(q_tile, lane) + warp_row * QueryTile::row_bytes;
  rows.k_anchor = KeyTile::b_transposed_anchor(stream.k_tiles, lane);
  rows.v_anchor = KeyTile::b_anchor(stream.v_tiles, lane);
  rows.first_row = work.first_row + warp_row + lane / 4;
  rows.first_key = lane % 4 * 2;
  rows.visibility = visibility;
  rows.head = work.head_q;
  rows.batch = work.batch;
  rows.scale_log2 = kScaleLog2;
  rows.reset();

  QueryTile::copy_async<kThreads, true>(q_tile, q + q_offset(work) + QueryTile::thread_offset(q_stride),
                                        q_stride, seq_q - work.first_row);
  if (stream.steps.any()) {
    Schedule::begin(rows, stream);
    run_mixed(rows, stream);
  }

  // A block without kept keys still has Q in flight, in no group yet.
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  __syncthreads();
  rows.softmax.finish();

  // Worked out again rather than kept in registers through the loop.
  const Work own =
      Work::of_block(ptx::opaque(static_cast<int>(blockIdx.x)), mask_rows, batches, heads_q, heads_kv, seq_q);
  write_rows(o + q_offset(own),
             lse + (static_cast<long long>(own.batch) * heads_q + own.head_q) * seq_q + own.first_row, rows,
             shared, q_stride, seq_q - own.first_row);
}
