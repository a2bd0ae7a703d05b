// A few queries against a long cache of keys and values, for mma.sync: bound by the bandwidth at which the
// cache is read.
//
// The query heads that share a key and value head are rows of one tile, so that each key is read once for all
// of them. The keys that a tile sees are cut into parts, one block for each. Their results are merged by the
// block that finishes last, or by a second launch. Within a block every warp works on keys of its own, which
// it copies for itself: no barrier stands in the way of the copies, and between two pieces of work they go
// on.

#include <weir/config.h>

#include "device/decode/cache_stream.h"
#include "device/decode/combine.h"
#include "device/decode/merge.h"
#include "device/decode/results.h"
#include "device/decode/warp_rows.h"

namespace {

using namespace decode;

/// Shared memory: the ring of stages, the queries, then what warps exchange.
constexpr int kQueriesOffset = config::stages * kStageBytes;
constexpr int kWorkingBytes = kQueriesOffset + QueryTile::bytes;
constexpr int kOutputsOffset = kMergedInPlace ? 0 : kWorkingBytes;
constexpr int kSumsOffset =
    kOutputsOffset + kMergeBytes > kWorkingBytes ? kOutputsOffset + kMergeBytes : kWorkingBytes;

/// Copies the queries of a piece, zeros for rows past the end.
__device__ __forceinline__ void copy_queries(unsigned char* tile, const Half* q, const Problem& problem,
                                             const Piece& piece) {
  const int group = problem.group();
  for (int pass = 0; pass * kThreads < QueryTile::rows * QueryTile::chunks; ++pass) {
    const auto [row, chunk] = QueryTile::chunk_of<kThreads>(static_cast<int>(threadIdx.x), pass);
    if (row >= QueryTile::rows) break;
    uint4 values{0, 0, 0, 0};
    if (piece.first_row + row < piece.rows) {
      const Query query = piece.query(piece.first_row + row, group);
      const long long line =
          static_cast<long long>(piece.sequence.first_query + query.index) * problem.heads_q + query.head;
      values = *reinterpret_cast<const uint4*>(q + line * config::head_dim + chunk * 8);
    }
    *reinterpret_cast<uint4*>(tile + QueryTile::byte_offset(row, chunk)) = values;
  }
}

/// Works on the piece's key tiles, whose slices the stream delivers in turn.
__device__ __forceinline__ void attend(WarpRows& rows, CacheStream& stream, const Problem& problem,
                                       const Piece& piece, unsigned slices, int& stage) {
#pragma unroll 1
  for (int tile = piece.tile; tile < piece.tiles_end; tile += piece.tile_step()) {
    ptx::cp_async_wait_group<config::stages - 2>();
    if constexpr (config::warps_rows == 1) {
      __syncwarp();
    } else {
      __syncthreads();
    }
    stream.copy_next();
    const config::Range admitted = piece.admitted(tile, problem.group());
    if (admitted != config::Range::none) {
      const int first_key = tile * kTileKeys + CacheStream::key_warp() * Slice::rows;
      const bool ask_mask = admitted == config::Range::some;
      if (ask_mask || !piece.see_all(problem, first_key, Slice::rows)) {
        rows.step<true>(slices + stage, problem, piece, first_key, ask_mask);
      } else {
        rows.step<false>(slices + stage, problem, piece, first_key, false);
      }
    }
    stage = CacheStream::next(stage);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads, config::blocks_per_sm)
    attention_decode(Half* __restrict__ o, float* __restrict__ lse, float* __restrict__ part_o,
                     float* __restrict__ part_lse, int* __restrict__ done, const Half* __restrict__ q,
                     const Half* __restrict__ k, const Half* __restrict__ v, const int* __restrict__ seq_lens,
                     const int* __restrict__ page_table, const int* __restrict__ cu_seq_q,
                     const int* __restrict__ cu_seq_kv, int batches, int heads_q, int heads_kv, int seq_q,
                     int seq_kv, int window_left, int window_right, int parts, int items) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem{seq_lens, page_table, cu_seq_q, cu_seq_kv,   batches,     heads_q,
                        heads_kv, seq_q,      seq_kv,   window_left, window_right};
  unsigned char* const queries = shared + kQueriesOffset;
  const Results results{o, lse, part_o, part_lse};
  const unsigned ring = ptx::shared_address(shared);
  const unsigned slices = ring + CacheStream::key_warp() * 2 * Slice::bytes;

  CacheStream stream(problem, k, v, parts, items, ring);
  WarpRows rows(ptx::shared_address(queries));
  Merge merge(shared + kOutputsOffset, shared + kSumsOffset);
  int stage = 0;
#pragma unroll 1
  for (int item = static_cast<int>(blockIdx.x); item < items; item += static_cast<int>(gridDim.x)) {
    const Piece piece(problem, parts, item);
    if (!piece.has_work()) {
      // The second launch reads of every part whether there is something to merge.
      const int row = static_cast<int>(threadIdx.x);
      if (kHasParts && !config::fused && row < piece.valid_rows())
        results.store_lse(problem, piece, row, -device::infinity());
      continue;
    }
    copy_queries(queries, q, problem, piece);
    __syncthreads();
    rows.reset();
    attend(rows, stream, problem, piece, slices, stage);
    merge.run(
        rows, piece.valid_rows(),
        [&](int row, int column, const float4& values) {
          results.store(problem, piece, row, column, values);
        },
        [&](int row, float value) { results.store_lse(problem, piece, row, value); });
    if (config::fused && Results::is_part(piece) && is_last_part(done + piece.row_tile, piece.parts))
      combine(results, problem, piece);
  }
  ptx::cp_async_wait_group<0>();
}

/// Merges the parts of one row: o = sum of exp(lse of the part - lse) · o of the part. All threads take four
/// columns of every kShares-th part. Parts without a visible key are not read.
extern "C" __global__ void __launch_bounds__(2 * config::head_dim)
    attention_decode_combine(Half* __restrict__ o, float* __restrict__ lse, const float* __restrict__ part_o,
                             const float* __restrict__ part_lse, const int* __restrict__ cu_seq_q,
                             int batches, int heads_q, int seq_q, int parts) {
  constexpr int kShares = 8;
  constexpr int kLanes = config::head_dim / 4;
  extern __shared__ __align__(128) unsigned char shared[];
  float4* const sums = reinterpret_cast<float4*>(shared);  // [share][lane]
  const int queries = config::packed ? cu_seq_q[batches] : batches * seq_q;
  const long long lines = static_cast<long long>(queries) * heads_q;
  const int token = static_cast<int>(blockIdx.x) / heads_q;
  const int head = static_cast<int>(blockIdx.x) % heads_q;
  const long long lse_index =
      config::packed ? static_cast<long long>(head) * queries + token
                     : (static_cast<long long>(token / seq_q) * heads_q + head) * seq_q + token % seq_q;

  float base = -device::infinity();
  for (int part = static_cast<int>(threadIdx.x) % 32; part < parts; part += 32) {
    base = fmaxf(base, part_lse[part * lines + lse_index]);
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    base = fmaxf(base, __shfl_xor_sync(device::kWholeWarp, base, distance));
  }
  const float origin = base == -device::infinity() ? 0.0f : base;
  float sum = 0.0f;
  for (int part = static_cast<int>(threadIdx.x) % 32; part < parts; part += 32) {
    sum += ptx::ex2_approx_ftz((part_lse[part * lines + lse_index] - origin) * device::kLog2E);
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(device::kWholeWarp, sum, distance);
  }

  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int share = static_cast<int>(threadIdx.x) / kLanes;
  const float* source = part_o + blockIdx.x * static_cast<long long>(config::head_dim) + lane * 4;
  float4 mine{0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll 4
  for (int part = share; part < parts; part += kShares) {
    const float weight = ptx::ex2_approx_ftz((part_lse[part * lines + lse_index] - origin) * device::kLog2E);
    if (weight > 0.0f) {
      const float4 values = *reinterpret_cast<const float4*>(source + part * lines * config::head_dim);
      mine.x += weight * values.x, mine.y += weight * values.y;
      mine.z += weight * values.z, mine.w += weight * values.w;
    }
  }
  sums[threadIdx.x] = mine;
  __syncthreads();
  if (share != 0) return;
#pragma unroll
  for (int other = 1; other < kShares; ++other) {
    const float4 values = sums[other * kLanes + lane];
    mine.x += values.x, mine.y += values.y, mine.z += values.z, mine.w += values.w;
  }
  const float factor = sum == 0.0f ? 0.0f : 1.0f / sum;
  *reinterpret_cast<uint2*>(o + blockIdx.x * static_cast<long long>(config::head_dim) + lane * 4) =
      uint2{device::pack_from_f32<config::dtype>(mine.x * factor, mine.y * factor),
            device::pack_from_f32<config::dtype>(mine.z * factor, mine.w * factor)};
  if (lane == 0)
    lse[lse_index] = sum == 0.0f ? -device::infinity() : base + ptx::lg2_approx_ftz(sum) * device::kLn2;
}
