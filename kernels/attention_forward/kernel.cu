// O = softmax(Q · transpose(K) / sqrt(head_dim)) · V in one pass over K and V (FlashAttention-2), for mma.sync.
//
// A block owns tile_q query rows of one head, a warp tile_q / warps of them. K and V stream through shared memory from
// the last visible tile to the first, so the tiles that need a mask come first. Scores, weights and the output stay in
// registers: the accumulators of Q · transpose(K) are, rounded, the A operand of the product with V.

#include <weir/config.h>

#include "device/half_tile.h"
#include "device/ptx/opaque.h"
#include "device/softmax.h"

namespace {

using device::Half;
using device::HalfTile;

constexpr int kThreads = config::warps * 32;
constexpr int kRowsPerWarp = config::tile_q / config::warps;
constexpr int kRowTiles = kRowsPerWarp / 16;
constexpr int kDepthSteps = config::head_dim / 16;  // of the product with K
constexpr int kKeySteps = config::tile_kv / 16;     // of the product with V
// log2(e) / sqrt(head_dim): exponentials are powers of two.
constexpr float kScaleLog2 = device::kLog2E * (config::head_dim == 64 ? 0.125f : 0.08838834764831845f);
static_assert(config::tile_q % (16 * config::warps) == 0, "a warp owns whole tiles of 16 query rows");
static_assert(kRowsPerWarp == 16 || kRowsPerWarp == 32, "more rows would not leave registers for the scores");
static_assert(config::tile_kv % 16 == 0, "the product with V takes 16 keys a step");
static_assert(!config::overlap || (config::q_in_registers && config::stages >= 2),
              "the overlapped schedule needs Q in registers and the next K in shared memory");

using QueryTile = HalfTile<config::tile_q, config::head_dim>;
using KeyTile = HalfTile<config::tile_kv, config::head_dim>;
/// Output is rescaled only when a score exceeds the base by a factor of 2^8. Against 0 (always) on an H100: 2 to 8 % faster
/// at head_dim 64 and 128 (N = 2048 to 16384), and no registers are spilled at head_dim 128.
constexpr int kRescaleSlack = 8;
using Softmax = device::OnlineSoftmax<kRowTiles, kRescaleSlack>;
using QueryFragment = unsigned[kRowTiles][4];  // 16 columns of a warp's rows of Q, or of the weights: an A operand

/// The block's place in the problem. Heads are worked on in groups of head_group; within a group the query tiles that
/// see the most keys come first, and the heads of the group run side by side.
struct Work {
  int batch, head_q, head_kv, first_row;

  static __device__ __forceinline__ Work of_block(int block, int batches, int heads_q, int heads_kv, int seq_q) {
    const int tiles_q = (seq_q + config::tile_q - 1) / config::tile_q;
    const int all_heads = batches * heads_q;
    const int group = block / (config::head_group * tiles_q);
    const int first_head = group * config::head_group;
    const int heads = min(config::head_group, all_heads - first_head);
    const int within = block - first_head * tiles_q;
    const int tile = tiles_q - 1 - within / heads;
    const int head = first_head + within % heads;
    return {.batch = head / heads_q,
            .head_q = head % heads_q,
            .head_kv = head % heads_q / (heads_q / heads_kv),
            .first_row = tile * config::tile_q};
  }

  /// Elements of q and o before the block's first one.
  __device__ __forceinline__ long long q_offset(int heads_q, int seq_q) const {
    return ((static_cast<long long>(batch) * seq_q + first_row) * heads_q + head_q) * config::head_dim;
  }
};

/// The key tiles that a block's rows see: [0, unmasked) are seen whole by every row, [unmasked, count) in part.
struct KeyTiles {
  int count, unmasked;

  static __device__ __forceinline__ KeyTiles of_rows(int first_row, int seq_q, int seq_kv) {
    int seen_by_any = seq_kv, seen_by_all = seq_kv;
    if constexpr (config::causal) {
      const int shift = seq_kv - seq_q;
      seen_by_any = min(seq_kv, max(0, min(first_row + config::tile_q, seq_q) + shift));
      seen_by_all = min(seq_kv, max(0, first_row + 1 + shift));
    }
    return {.count = (seen_by_any + config::tile_kv - 1) / config::tile_kv, .unmasked = seen_by_all / config::tile_kv};
  }
};

/// K and V of the block's head on their way through shared memory. Tiles are numbered by step: step 0 works on the last
/// visible tile, the only one that can reach past seq_kv.
struct KeysAndValues {
  const Half* k;  // this thread's first chunk of the first key
  const Half* v;
  unsigned k_tiles, v_tiles;  // stages tiles each
  int row_stride, seq_kv, steps;

  static __device__ __forceinline__ unsigned slot(int step) { return step % config::stages * KeyTile::bytes; }
  __device__ __forceinline__ int first_key(int step) const { return (steps - 1 - step) * config::tile_kv; }

  template <bool check = false>
  __device__ __forceinline__ void copy_keys(int step) const {
    copy<check>(k_tiles, k, step);
  }

  template <bool check = false>
  __device__ __forceinline__ void copy_values(int step) const {
    copy<check>(v_tiles, v, step);
  }

  /// `check` where the tile may reach past seq_kv.
  template <bool check>
  __device__ __forceinline__ void copy(unsigned tiles, const Half* source, int step) const {
    if (step >= steps) return;
    const int stride = ptx::opaque(row_stride);
    const Half* tile = source + static_cast<long long>(first_key(step)) * stride;
    KeyTile::copy_async<kThreads, check>(tiles + slot(step), tile, stride, ptx::opaque(seq_kv) - first_key(step));
  }
};

/// A warp's query rows: scores of one key tile, the softmax so far and the output so far, all in registers.
struct QueryRows {
  float scores[kRowTiles][config::tile_kv / 8][4];
  float output[kRowTiles][config::head_dim / 8][4];
  Softmax softmax;
  QueryFragment held[config::q_in_registers ? kDepthSteps : 1];
  unsigned q_anchor, k_anchor, v_anchor;
  int first_row;  // this lane's first row in the problem
  int first_key;  // this lane's first key of a tile
  int seq_q, seq_kv;
  float scale_log2;

  __device__ __forceinline__ void reset() {
    softmax.reset();
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < config::head_dim / 2; ++i) output[tile][i / 4][i % 4] = 0.0f;
    }
  }

  __device__ __forceinline__ void read_query(QueryFragment& fragment, int depth_step) const {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      QueryTile::a_fragment(fragment[tile], q_anchor, 16 * tile, 16 * depth_step);
    }
  }

  /// To be called once Q has arrived.
  __device__ __forceinline__ void hold_query() {
    if constexpr (config::q_in_registers) {
#pragma unroll
      for (int step = 0; step < kDepthSteps; ++step) read_query(held[step], step);
    }
  }

  /// scores[:, 16 keys] += Q · transpose(K) over 16 columns of the head dimension.
  __device__ __forceinline__ void score(const QueryFragment& query, unsigned anchor, int key_step, int depth_step) {
    unsigned keys[2][2];
    KeyTile::b_transposed_fragment(keys, anchor, 16 * key_step, 16 * depth_step);
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      device::multiply_accumulate<config::dtype>(scores[tile][2 * key_step], query[tile], keys[0]);
      device::multiply_accumulate<config::dtype>(scores[tile][2 * key_step + 1], query[tile], keys[1]);
    }
  }

  __device__ __forceinline__ void clear_scores(int key_step) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < 8; ++i) scores[tile][2 * key_step + i / 4][i % 4] = 0.0f;
    }
  }

  /// scores = Q · transpose(K) for a whole key tile: a column step of Q is fetched once and meets all keys.
  __device__ __forceinline__ void score_tile(unsigned slot) {
#pragma unroll
    for (int key_step = 0; key_step < kKeySteps; ++key_step) clear_scores(key_step);
    const unsigned anchor = ptx::opaque(k_anchor + slot);
#pragma unroll
    for (int depth_step = 0; depth_step < kDepthSteps; ++depth_step) {
      if constexpr (config::q_in_registers) {
#pragma unroll
        for (int key_step = 0; key_step < kKeySteps; ++key_step) {
          score(held[depth_step], anchor, key_step, depth_step);
        }
      } else {
        QueryFragment query;
        read_query(query, depth_step);
#pragma unroll
        for (int key_step = 0; key_step < kKeySteps; ++key_step) score(query, anchor, key_step, depth_step);
      }
    }
  }

  /// The same for 16 keys of a tile, whose previous scores are no longer needed.
  __device__ __forceinline__ void score_keys(unsigned slot, int key_step) {
    clear_scores(key_step);
    const unsigned anchor = ptx::opaque(k_anchor + slot);
#pragma unroll
    for (int depth_step = 0; depth_step < kDepthSteps; ++depth_step) {
      score(held[depth_step], anchor, key_step, depth_step);
    }
  }

  /// Scores of keys that a row doesn't see become -inf.
  __device__ __forceinline__ void mask(int tile_start) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = first_row + 16 * tile + 8 * half;
        const int end = config::causal ? min(seq_kv, row + 1 + seq_kv - seq_q) : seq_kv;
        const int visible = end - tile_start - first_key;  // columns from this lane's first one
#pragma unroll
        for (int column = 0; column < config::tile_kv / 8; ++column) {
          if (8 * column >= visible) scores[tile][column][2 * half] = -device::infinity();
          if (8 * column + 1 >= visible) scores[tile][column][2 * half + 1] = -device::infinity();
        }
      }
    }
  }

  __device__ __forceinline__ void raise_base() { softmax.raise_base(scores, output, scale_log2); }

  /// Whether any of the warp's rows sees a key of the tile; the tiles of a block are chosen for all its warps.
  __device__ __forceinline__ bool see(int tile_start) const {
    return !config::causal || tile_start <= (first_row | (kRowsPerWarp - 1)) + seq_kv - seq_q;
  }

  /// weights = exp(scores) of 16 keys, relative to the softmax's base.
  template <bool masked>
  __device__ __forceinline__ void weigh(QueryFragment& weights, int key_step) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      softmax.template exponentials<config::dtype, masked>(weights[tile], scores[tile][2 * key_step],
                                                           scores[tile][2 * key_step + 1], tile, scale_log2);
    }
  }

  /// output += weights[:, 16 keys] · V.
  __device__ __forceinline__ void multiply_values(const QueryFragment& weights, unsigned slot, int key_step) {
    const unsigned anchor = ptx::opaque(v_anchor + slot);
#pragma unroll
    for (int column = 0; column < config::head_dim / 16; ++column) {
      unsigned values[2][2];
      KeyTile::b_fragment(values, anchor, 16 * key_step, 16 * column);
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        device::multiply_accumulate<config::dtype>(output[tile][2 * column], weights[tile], values[0]);
        device::multiply_accumulate<config::dtype>(output[tile][2 * column + 1], weights[tile], values[1]);
      }
    }
  }

  /// output = exp(scores) · V for a whole key tile, added to what was there.
  template <bool masked>
  __device__ __forceinline__ void weigh_and_multiply(unsigned slot) {
#pragma unroll
    for (int key_step = 0; key_step < kKeySteps; ++key_step) {
      QueryFragment weights;
      weigh<masked>(weights, key_step);
      multiply_values(weights, slot, key_step);
    }
  }
};

/// One buffer each: V of a tile arrives while the tile is scored, K of the next one during the product with V.
struct SingleBuffered {
  static constexpr bool kLastIsSpecial = false;

  static __device__ __forceinline__ void begin(QueryRows&, const KeysAndValues& stream) {
    stream.copy_keys<true>(0);
    ptx::cp_async_commit_group();
  }

  template <bool masked, bool last>
  static __device__ __forceinline__ void step(QueryRows& rows, const KeysAndValues& stream, int step) {
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    stream.copy_values<masked>(step);
    ptx::cp_async_commit_group();
    if (step == 0) rows.hold_query();
    const bool seen = !masked || rows.see(stream.first_key(step));
    if (seen) {
      rows.score_tile(0);
      if (masked) rows.mask(stream.first_key(step));
    }
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    stream.copy_keys(step + 1);
    ptx::cp_async_commit_group();
    if (!seen) return;
    rows.raise_base();
    rows.weigh_and_multiply<masked>(0);
  }
};

/// Group s of copies holds K and V of step s; stages - 1 groups run ahead of the arithmetic.
struct CopiesAhead {
  static constexpr bool kLastIsSpecial = false;
  static constexpr int kGroupsAhead = config::stages - 1;

  template <bool check = false>
  static __device__ __forceinline__ void copy_group(const KeysAndValues& stream, int group) {
    stream.copy_keys<check>(group);
    stream.copy_values<check>(group);
    ptx::cp_async_commit_group();
  }

  static __device__ __forceinline__ void begin(QueryRows&, const KeysAndValues& stream) {
    copy_group<true>(stream, 0);
#pragma unroll
    for (int group = 1; group < kGroupsAhead; ++group) copy_group(stream, group);
  }

  template <bool masked, bool last>
  static __device__ __forceinline__ void step(QueryRows& rows, const KeysAndValues& stream, int step) {
    ptx::cp_async_wait_group<kGroupsAhead - 1>();
    __syncthreads();
    copy_group(stream, step + kGroupsAhead);
    if (step == 0) rows.hold_query();
    if (masked && !rows.see(stream.first_key(step))) return;
    rows.score_tile(stream.slot(step));
    if (masked) rows.mask(stream.first_key(step));
    rows.raise_base();
    rows.weigh_and_multiply<masked>(stream.slot(step));
  }
};

/// A step multiplies its weights with V and scores the next tile, 16 keys at a time and in the registers that the
/// weights leave, so that tensor cores and exponentials overlap within a warp. Group s of copies holds V of step s and K
/// of step s + 1.
struct Overlapped {
  static constexpr bool kLastIsSpecial = true;  // there is no next tile to score
  static constexpr int kGroupsAhead = config::stages - 1;

  template <bool check = false>
  static __device__ __forceinline__ void copy_group(const KeysAndValues& stream, int group) {
    stream.copy_values<check>(group);
    stream.copy_keys(group + 1);
    ptx::cp_async_commit_group();
  }

  static __device__ __forceinline__ void begin(QueryRows& rows, const KeysAndValues& stream) {
    stream.copy_keys<true>(0);
    ptx::cp_async_commit_group();
    copy_group<true>(stream, 0);
#pragma unroll
    for (int group = 1; group < kGroupsAhead; ++group) copy_group(stream, group);
    ptx::cp_async_wait_group<kGroupsAhead>();
    __syncthreads();
    rows.hold_query();
    rows.score_tile(stream.slot(0));
  }

  template <bool masked, bool last>
  static __device__ __forceinline__ void step(QueryRows& rows, const KeysAndValues& stream, int step) {
    ptx::cp_async_wait_group<kGroupsAhead - 1>();
    __syncthreads();
    copy_group(stream, step + kGroupsAhead);
    if (masked) rows.mask(stream.first_key(step));
    rows.raise_base();
    QueryFragment weights[2];
    rows.weigh<masked>(weights[0], 0);
#pragma unroll
    for (int key_step = 0; key_step < kKeySteps; ++key_step) {
      if (key_step + 1 < kKeySteps) rows.weigh<masked>(weights[(key_step + 1) % 2], key_step + 1);
      if (!last) rows.score_keys(stream.slot(step + 1), key_step);
      rows.multiply_values(weights[key_step % 2], stream.slot(step), key_step);
    }
  }
};

template <bool condition, class Then, class Else>
struct Choose {
  using Type = Then;
};
template <class Then, class Else>
struct Choose<false, Then, Else> {
  using Type = Else;
};
using Schedule = Choose<config::overlap, Overlapped,
                        Choose<config::stages == 1, SingleBuffered, CopiesAhead>::Type>::Type;

/// Writes a warp's rows. O goes through the warp's own rows of the Q tile, so that whole rows are written.
__device__ __forceinline__ void write(Half* o, float* lse, const QueryRows& rows, unsigned char* shared, int batches,
                                      int heads_q, int heads_kv, int seq_q) {
  // Worked out again rather than kept in registers through the loop.
  const int thread = ptx::opaque(static_cast<int>(threadIdx.x));
  const Work work =
      Work::of_block(ptx::opaque(static_cast<int>(blockIdx.x)), batches, heads_q, heads_kv, seq_q);
  const int lane = thread % 32;
  const int warp_row = thread / 32 * kRowsPerWarp;
  const int valid_rows = seq_q - work.first_row;
  const int q_stride = heads_q * config::head_dim;
  const long long q_offset = work.q_offset(heads_q, seq_q);
#pragma unroll
  for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = warp_row + 16 * tile + 8 * half + lane / 4;
      const float factor = rows.softmax.weight(tile, half);
#pragma unroll
      for (int column = 0; column < config::head_dim / 8; ++column) {
        const unsigned address = QueryTile::chunk_address(0, row, column) + lane % 4 * 4;
        *reinterpret_cast<unsigned*>(shared + address) = device::pack_from_f32<config::dtype>(
            rows.output[tile][column][2 * half] * factor, rows.output[tile][column][2 * half + 1] * factor);
      }
      if (lane % 4 == 0 && row < valid_rows) {
        lse[(static_cast<long long>(work.batch) * heads_q + work.head_q) * seq_q + work.first_row + row] =
            rows.softmax.log_sum_exp(tile, half);
      }
    }
  }
  __syncwarp();
#pragma unroll
  for (int i = lane; i < kRowsPerWarp * QueryTile::chunks_per_row; i += 32) {
    const int row = warp_row + i / QueryTile::chunks_per_row;
    const int chunk = i % QueryTile::chunks_per_row;
    if (row < valid_rows) {
      *reinterpret_cast<uint4*>(o + q_offset + static_cast<long long>(row) * q_stride + chunk * 8) =
          *reinterpret_cast<const uint4*>(shared + QueryTile::chunk_address(0, row, chunk));
    }
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads, config::blocks_per_sm)
    attention_forward(Half* __restrict__ o, float* __restrict__ lse, const Half* __restrict__ q,
                      const Half* __restrict__ k, const Half* __restrict__ v, int batches, int heads_q, int heads_kv,
                      int seq_q, int seq_kv) {
  extern __shared__ __align__(256) unsigned char shared[];
  const unsigned q_tile = ptx::shared_address(shared);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = static_cast<int>(threadIdx.x) / 32 * kRowsPerWarp;

  const Work work = Work::of_block(static_cast<int>(blockIdx.x), batches, heads_q, heads_kv, seq_q);
  const KeyTiles tiles = KeyTiles::of_rows(work.first_row, seq_q, seq_kv);
  const int valid_rows = min(config::tile_q, seq_q - work.first_row);
  const int q_stride = heads_q * config::head_dim;
  const int kv_stride = heads_kv * config::head_dim;
  const long long q_offset = work.q_offset(heads_q, seq_q);
  const long long kv_offset =
      static_cast<long long>(work.batch) * seq_kv * kv_stride + work.head_kv * config::head_dim;

  const KeysAndValues stream{.k = k + kv_offset + KeyTile::thread_offset(kv_stride),
                             .v = v + kv_offset + KeyTile::thread_offset(kv_stride),
                             .k_tiles = q_tile + QueryTile::bytes,
                             .v_tiles = q_tile + QueryTile::bytes + config::stages * KeyTile::bytes,
                             .row_stride = kv_stride,
                             .seq_kv = seq_kv,
                             .steps = tiles.count};
  QueryRows rows;
  rows.q_anchor = QueryTile::a_anchor(q_tile, lane) + warp_row * QueryTile::row_bytes;
  rows.k_anchor = KeyTile::b_transposed_anchor(stream.k_tiles, lane);
  rows.v_anchor = KeyTile::b_anchor(stream.v_tiles, lane);
  rows.first_row = work.first_row + warp_row + lane / 4;
  rows.first_key = lane % 4 * 2;
  rows.seq_q = seq_q;
  rows.seq_kv = seq_kv;
  rows.scale_log2 = kScaleLog2;
  rows.reset();

  QueryTile::copy_async<kThreads, true>(q_tile, q + q_offset + QueryTile::thread_offset(q_stride), q_stride, valid_rows);
  if (tiles.count > 0) {
    Schedule::begin(rows, stream);
    const int steps = tiles.count - (Schedule::kLastIsSpecial ? 1 : 0);
    int step = 0;
    for (; step < min(tiles.count - tiles.unmasked, steps); ++step) Schedule::step<true, false>(rows, stream, step);
    for (; step < steps; ++step) Schedule::step<false, false>(rows, stream, step);
    if (Schedule::kLastIsSpecial) Schedule::step<true, true>(rows, stream, step);
  }

  ptx::cp_async_wait_group<0>();
  __syncthreads();
  rows.softmax.finish();
  write(o, lse, rows, shared, batches, heads_q, heads_kv, seq_q);
}
