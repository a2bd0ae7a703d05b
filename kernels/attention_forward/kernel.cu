// O = softmax(Q · transpose(K) / sqrt(head_dim)) · V in one pass over K and V (FlashAttention-2), for
// mma.sync.
//
// A block owns tile_q query rows of one head, a warp tile_q / warps of them. K and V stream through shared
// memory from the last visible tile to the first, so the tiles that need a mask come first. Scores, weights
// and the output stay in registers: the accumulators of Q · transpose(K) are, rounded, the A operand of the
// product with V.

#include <weir/config.h>

#include "device/attention/key_steps.h"
#include "device/attention/schedules.h"
#include "device/attention/write_rows.h"

namespace {

using namespace attention;

using Stream = KeyStream<KeySteps>;

__device__ __forceinline__ void run(QueryRows& rows, Stream& stream, const MaskedSteps&) {
  run_mixed(rows, stream);
}

/// Without windows the tiles that need a mask come first.
__device__ __forceinline__ void run(QueryRows& rows, Stream& stream, const IntervalSteps& steps) {
  if constexpr (config::windowed) {
    run_mixed(rows, stream);
  } else {
    int step = 0;
    const int count = steps.count - (Schedule::kLastIsSpecial ? 1 : 0);
    const int masked_count = min(steps.count - steps.span.whole_end, count);
    for (; step < masked_count; ++step) Schedule::step<true, false>(rows, stream, step);
    for (; step < count; ++step) Schedule::step<false, false>(rows, stream, step);
    if (Schedule::kLastIsSpecial) Schedule::step<true, true>(rows, stream, step);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads, config::blocks_per_sm)
    attention_forward(Half* __restrict__ o, float* __restrict__ lse, const Half* __restrict__ q,
                      const Half* __restrict__ k, const Half* __restrict__ v, int batches, int heads_q,
                      int heads_kv, int seq_q, int seq_kv, int window_left, int window_right,
                      const int* __restrict__ cu_seq_q, const int* __restrict__ cu_seq_kv) {
  extern __shared__ __align__(256) unsigned char shared[];
  const unsigned q_tile = ptx::shared_address(shared);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = static_cast<int>(threadIdx.x) / 32 * kRowsPerWarp;

  const Work work = Work::of_block(static_cast<int>(blockIdx.x), batches, heads_q, heads_kv, seq_q);
  const Sequence sequence = Sequence::of(work.batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv);
  if (config::packed && work.first_row >= sequence.seq_q) return;  // the grid is made for the longest one
  const Visibility visibility{.seq_q = sequence.seq_q,
                              .seq_kv = sequence.seq_kv,
                              .window_left = window_left,
                              .window_right = window_right};
  const KeySteps steps = KeySteps::of({.visibility = visibility,
                                       .first_query = work.first_row,
                                       .last_query = min(work.first_row + config::tile_q, sequence.seq_q) - 1,
                                       .head = work.head_q,
                                       .batch = work.batch});
  const int valid_rows = min(config::tile_q, sequence.seq_q - work.first_row);
  const int q_stride = heads_q * config::head_dim;
  const int kv_stride = heads_kv * config::head_dim;
  const long long q_offset = work.q_offset(sequence, heads_q);
  const long long kv_offset = sequence.keys_before() * kv_stride + work.head_kv * config::head_dim;

  Stream stream{.k = k + kv_offset + KeyTile::thread_offset(kv_stride),
                .v = v + kv_offset + KeyTile::thread_offset(kv_stride),
                .k_tiles = q_tile + QueryTile::bytes,
                .v_tiles = q_tile + QueryTile::bytes + config::stages * KeyTile::bytes,
                .row_stride = kv_stride,
                .seq_kv = sequence.seq_kv,
                .steps = steps};
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

  QueryTile::copy_async<kThreads, true>(q_tile, q + q_offset + QueryTile::thread_offset(q_stride), q_stride,
                                        valid_rows);
  if (steps.any()) {
    Schedule::begin(rows, stream);
    run(rows, stream, steps);
  }

  // A block without visible keys still has Q in flight, in no group yet.
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  __syncthreads();
  rows.softmax.finish();

  // Worked out again rather than kept in registers through the loop.
  const Work own =
      Work::of_block(ptx::opaque(static_cast<int>(blockIdx.x)), batches, heads_q, heads_kv, seq_q);
  const Sequence its = Sequence::of(own.batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv);
  write_rows(o + own.q_offset(its, heads_q),
             lse + its.lse_offset(batches, own.head_q, heads_q, cu_seq_q) + own.first_row, rows, shared,
             heads_q * config::head_dim, its.seq_q - own.first_row);
}
