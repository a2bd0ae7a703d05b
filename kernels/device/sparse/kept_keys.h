// The keys that the rows of one line of mask blocks see, one after another: what is left of the sequence when
// the blocks that the mask drops are taken out.
#pragma once

#include <weir/config.h>

#include "device/attention/query_tiles.h"
#include "device/sparse/query_work.h"

namespace sparse {

using attention::ProblemSize;

/// Places in it are counted from the first key of the first kept block; places and keys ascend together, and
/// a causal diagonal ends both.
struct KeptKeys {
  const int* blocks;  // kept, in ascending order
  int count;

  /// How many of them come before the key `end`.
  __device__ __forceinline__ int places_before(int end) const {
    int before = 0, rest = count;  // blocks that begin before `end`
    while (rest > 0) {
      const int half = rest / 2;
      if (blocks[before + half] * config::block_kv < end) {
        before += half + 1;
        rest -= half + 1;
      } else {
        rest = half;
      }
    }
    if (before == 0) return 0;
    return (before - 1) * config::block_kv +
           min(config::block_kv, end - blocks[before - 1] * config::block_kv);
  }

  /// Of a place that they have.
  __device__ __forceinline__ int key(int place) const {
    return blocks[place / config::block_kv] * config::block_kv + place % config::block_kv;
  }
};

/// Keys that lie side by side in the sequence wherever a key tile begins: the length of the copies.
__device__ constexpr int piece_keys() {
  int larger = config::tile_kv, piece = config::block_kv;
  while (larger % piece != 0) {
    const int rest = larger % piece;
    larger = piece;
    piece = rest;
  }
  return piece;
}

/// The plan (device/attention/warpgroup_pass.h) of block-sparse attention: key tiles are cut from the kept
/// keys, so that they need not be as long as mask blocks, and only those at the diagonal and at the end are
/// seen in part.
struct KeptKeysOfRows {
  struct Work {
    int batch, head_q, head_kv, first_row, tiles, unmasked;
    KeptKeys keys;
    int seen;  // of their places, by any row
  };
  struct Ends {
    int places[2];
    __device__ __forceinline__ int operator()(int half) const { return places[half]; }
  };
  using Place = QueryWork<config::tile_q>;
  static constexpr int kProducerRegisters = config::tile_q == 192 ? 32 : 40;
  static constexpr int kPieceKeys = piece_keys();
  static constexpr bool kModifiesScores = false;
  static_assert(config::block_q % config::tile_q == 0,
                "the rows of a query tile lie in one line of mask blocks");

  ProblemSize size;
  BlockLists rows;

  __device__ __forceinline__ int items() const {
    return size.batches * size.heads_q * Place::Order::places(device::ceil_div(size.seq_q, config::block_q));
  }

  __device__ __forceinline__ Work work(int item) const {
    return numbered(attention::work_order(item, items()));
  }

  /// By its number in the order of work.
  __device__ __forceinline__ Work numbered(int number) const {
    const Place at = Place::of_block(number, rows, size.batches, size.heads_q, size.heads_kv, size.seq_q);
    Work work{at.batch, at.head_q, at.head_kv, at.first_row, 0, 0, {nullptr, 0}, 0};
    if (at.first_row >= size.seq_q) return work;  // the last line of mask blocks is not whole
    const int first = rows.first[at.mask_line];
    work.keys = {rows.blocks + first, rows.first[at.mask_line + 1] - first};
    work.seen = work.keys.places_before(end_key(min(at.first_row + config::tile_q, size.seq_q) - 1));
    const int seen_by_all = config::causal ? work.keys.places_before(end_key(at.first_row)) : work.seen;
    work.tiles = (work.seen + config::tile_kv - 1) / config::tile_kv;
    work.unmasked = seen_by_all / config::tile_kv;
    return work;
  }

  __device__ __forceinline__ int key(const Work& work, int place) const {
    return place < work.seen ? work.keys.key(place) : size.seq_kv;
  }

  __device__ __forceinline__ Ends ends(const Work& work, int row) const {
    return {work.keys.places_before(end_key(row)), work.keys.places_before(end_key(row + 8))};
  }

 protected:
  /// Where the keys that the row may see end.
  __device__ __forceinline__ int end_key(int row) const {
    return config::causal ? min(size.seq_kv, max(0, row + 1 + size.seq_kv - size.seq_q)) : size.seq_kv;
  }
};

}  // namespace sparse
