// What a warp does with its query rows: score a key tile, weigh the scores, multiply the weights with V.
#pragma once

#include <weir/config.h>

#include "device/attention/position.h"
#include "device/attention/score.h"
#include "device/attention/visibility.h"
#include "device/attention/work.h"
#include "device/ptx/opaque.h"
#include "device/softmax.h"

namespace attention {

/// The output is rescaled only when a score exceeds the base by a factor of 2^8. Against 0 (always), with
/// tiles of 128 x 64 on an H100 and N from 2048 to 16384: 2 to 6 % faster at head_dim 64, and 8 to 15 % at
/// head_dim 128, where rescaling always also spills registers.
constexpr int kRescaleSlack = 8;
using Softmax = device::OnlineSoftmax<kRowTiles, kRescaleSlack>;
/// 16 columns of a warp's rows of Q, or of the weights: an A operand.
using QueryFragment = unsigned[kRowTiles][4];

/// A warp's query rows: scores of one key tile, the softmax so far and the output so far, all in registers.
struct QueryRows {
  float scores[kRowTiles][config::tile_kv / 8][4];
  float output[kRowTiles][config::head_dim / 8][4];
  Softmax softmax;
  QueryFragment held[config::q_in_registers ? kDepthSteps : 1];
  unsigned q_anchor, k_anchor, v_anchor;
  int first_row;  // this lane's first row in the problem
  int first_key;  // this lane's first key of a tile
  Visibility visibility;
  int head, batch;
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
  __device__ __forceinline__ void score(const QueryFragment& query, unsigned anchor, int key_step,
                                        int depth_step) {
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

  /// Softcap and score formula, where the problem has them.
  __device__ __forceinline__ void modify(int tile_start) {
    if constexpr (kModified) {
      // Column by column: what a formula says of a key alone is computed once for all rows.
#pragma unroll
      for (int column = 0; column < config::tile_kv / 8; ++column) {
#pragma unroll
        for (int i = 0; i < 4 * kRowTiles; ++i) {
          const int tile = i % kRowTiles, value = i / kRowTiles;
          float& score = scores[tile][column][value];
          score = modified_score(score, Position::of(first_row, 16 * tile + value / 2 * 8),
                                 Position::of(tile_start + first_key, 8 * column + value % 2), head, batch);
        }
      }
    }
  }

  /// Scores of keys that a row doesn't see become -inf.
  __device__ __forceinline__ void mask(int tile_start) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = first_row + 16 * tile + 8 * half;
        const int end = config::causal || config::windowed ? min(visibility.seq_kv, visibility.band_end(row))
                                                           : visibility.seq_kv;
        const int visible = end - tile_start - first_key;  // columns from this lane's first one
#pragma unroll
        for (int column = 0; column < config::tile_kv / 8; ++column) {
          if (8 * column >= visible) scores[tile][column][2 * half] = -device::infinity();
          if (8 * column + 1 >= visible) scores[tile][column][2 * half + 1] = -device::infinity();
        }
        if constexpr (config::windowed || !config::mask_is_default) hide(tile, half, row, tile_start);
      }
    }
  }

  /// Keys left of the window, and those that the mask formula hides.
  __device__ __forceinline__ void hide(int tile, int half, int row, int tile_start) {
    const int hidden = visibility.first_key(row) - tile_start - first_key;
#pragma unroll
    for (int column = 0; column < config::tile_kv / 4; ++column) {
      const int key = column / 2 * 8 + column % 2;
      if (key < hidden || !unmasked(row, tile_start + first_key + key, head, batch)) {
        scores[tile][column / 2][2 * half + column % 2] = -device::infinity();
      }
    }
  }

  __device__ __forceinline__ void raise_base() {
    softmax.raise_base(scores, output, scale_log2);
  }

  /// Whether any of the warp's rows sees a key of the tile; the tiles of a block are chosen for all its
  /// warps.
  __device__ __forceinline__ bool see(int tile_start) const {
    const int last = first_row | (kRowsPerWarp - 1);
    if constexpr (config::windowed) {
      return tile_start < visibility.band_end(last) &&
             tile_start + config::tile_kv > visibility.first_key(last - (kRowsPerWarp - 1));
    }
    return !config::causal || tile_start <= last + visibility.seq_kv - visibility.seq_q;
  }

  /// weights = exp(scores) of 16 keys, relative to the softmax's base.
  template <bool masked>
  __device__ __forceinline__ void weigh(QueryFragment& weights, int key_step) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      softmax.template exponentials<config::dtype, masked || kModified>(
          weights[tile], scores[tile][2 * key_step], scores[tile][2 * key_step + 1], tile, scale_log2);
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

}  // namespace attention
