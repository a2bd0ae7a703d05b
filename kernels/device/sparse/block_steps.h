// The key tiles of a block's query rows, where lists say which blocks of the mask are kept.
#pragma once

#include <weir/config.h>

#include "device/attention/key_stream.h"
#include "device/attention/visibility.h"
#include "device/sparse/query_work.h"

namespace sparse {

/// Steps of an attention::KeyStream.
class BlockSteps {
 public:
  using Rows = Cover<config::tile_q, config::block_q>;
  using Keys = Cover<config::tile_kv, config::block_kv>;
  using Tiles = KeptTiles<Rows::blocks_of_tile, Keys::blocks_of_tile, Keys::tiles_of_block>;

  static __device__ __forceinline__ BlockSteps of(const BlockLists& rows,
                                                  const QueryWork<config::tile_q>& work,
                                                  const attention::Visibility& visibility) {
    const int last_row = min(work.first_row + config::tile_q, visibility.seq_q) - 1;
    const int end = (visibility.end_key(last_row) + config::tile_kv - 1) / config::tile_kv;
    BlockSteps steps(Tiles(rows.first + work.mask_line, rows.blocks, work.lines_left, 0, end),
                     visibility.end_key(work.first_row) / config::tile_kv);
#pragma unroll
    for (int ahead = 0; ahead <= attention::kStepsAhead; ++ahead) steps.next_[ahead] = steps.tiles_.next();
    return steps;
  }

  __device__ __forceinline__ bool any() const {
    return next_[0].index >= 0;
  }
  __device__ __forceinline__ bool ended(int, int ahead) const {
    return next_[ahead].index < 0;
  }
  __device__ __forceinline__ int tile(int, int ahead) const {
    return next_[ahead].index;
  }
  __device__ __forceinline__ bool is_whole(int) const {
    return next_[0].index < whole_end_ && next_[0].bits == Tiles::kAll;
  }
  __device__ __forceinline__ void advance() {
#pragma unroll
    for (int ahead = 0; ahead < attention::kStepsAhead; ++ahead) next_[ahead] = next_[ahead + 1];
    next_[attention::kStepsAhead] = tiles_.next();
  }

  template <class QueryRows>
  __device__ __forceinline__ bool seen_by(const QueryRows& rows, int first_key) const {
    if constexpr (kRowsDiffer) {
      const int first = rows.first_row % config::tile_q & ~(attention::kRowsPerWarp - 1);
      bool any = false;
#pragma unroll
      for (int row = 0; row < attention::kRowsPerWarp; row += kRowStep) any = any || kept().any(first + row);
      if (!any) return false;
    }
    return rows.see(first_key);
  }

  template <class QueryRows>
  __device__ __forceinline__ void mask(QueryRows& rows, int first_key) const {
    rows.mask(first_key);
    if constexpr (kRowsDiffer || Keys::blocks_of_tile > 1) {
#pragma unroll
      for (int i = 0; i < 2 * attention::kRowTiles; ++i) {
        const int row = (rows.first_row + 8 * i) % config::tile_q;
#pragma unroll
        for (int column = 0; column < config::tile_kv / 8; ++column) {
          if (kept().contains(row, 8 * column)) continue;
          rows.scores[i / 2][column][2 * (i % 2)] = -device::infinity();
          rows.scores[i / 2][column][2 * (i % 2) + 1] = -device::infinity();
        }
      }
    }
  }

 private:
  static constexpr bool kRowsDiffer = Rows::blocks_of_tile > 1;
  static constexpr int kRowStep = config::block_q < attention::kRowsPerWarp ? 16 : attention::kRowsPerWarp;
  static_assert(config::block_q % 16 == 0 && config::block_kv % 16 == 0,
                "16 rows of a warp, and 8 neighbouring columns, lie in one mask block");

  __device__ __forceinline__ BlockSteps(const Tiles& tiles, int whole_end)
      : tiles_(tiles), whole_end_(whole_end) {}

  __device__ __forceinline__ KeptBlocks<config::block_q, config::block_kv, Keys::blocks_of_tile> kept()
      const {
    return {next_[0].bits};
  }

  Tiles tiles_;
  int whole_end_;                              // tiles below it end before the diagonal and the last key
  KeptTile next_[attention::kStepsAhead + 1];  // of the step at hand and those after it
};

}  // namespace sparse
