// What a warp does with its rows: score a slice of keys, weigh the scores, multiply the weights with values.
#pragma once

#include <weir/config.h>

#include "device/attention/score.h"
#include "device/decode/cache_stream.h"
#include "device/decode/work.h"
#include "device/softmax.h"
#include "device/swizzled_tile.h"

namespace decode {

constexpr int kWarpRows = config::tile_rows / config::warps_rows;
constexpr int kRowTiles = kWarpRows / 16;
constexpr int kDepthSteps = config::head_dim / 16;
constexpr int kKeySteps = config::keys_per_warp / 16;
static_assert(kWarpRows == 16 || kWarpRows == 32, "more rows would not leave registers for the scores");

using QueryTile = device::SwizzledTile<config::tile_rows, config::head_dim>;
/// The output is rescaled only when a score exceeds the base by a factor of 2^8.
using Softmax = device::OnlineSoftmax<kRowTiles, 8>;
/// 16 columns of the warp's rows of Q, or of the weights: an A operand.
using RowFragment = unsigned[kRowTiles][4];

/// A warp's rows against its slices of keys: the softmax so far and the output so far, in registers. A lane
/// holds rows lane / 4 and lane / 4 + 8 of each row tile (ptx/mma.h).
struct WarpRows {
  float output[kRowTiles][config::head_dim / 8][4];
  Softmax softmax;
  unsigned q_anchor;

  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % 32; }
  /// Of the tile, the warp's first row.
  static __device__ __forceinline__ int first_row() {
    return static_cast<int>(threadIdx.x) / 32 % config::warps_rows * kWarpRows;
  }
  /// Of the tile, this lane's row in half `half` of a row tile.
  static __device__ __forceinline__ int row(int tile, int half) {
    return first_row() + 16 * tile + 8 * half + lane() / 4;
  }

  __device__ __forceinline__ explicit WarpRows(unsigned queries)
      : q_anchor(QueryTile::a_anchor(queries, lane()) + QueryTile::byte_offset(first_row(), 0)) {}

  __device__ __forceinline__ void reset() {
    softmax.reset();
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < config::head_dim / 2; ++i) output[tile][i / 4][i % 4] = 0.0f;
    }
  }

  /// One step. `check` where a row may not see every key of the slice; keys are numbered from `first_key`.
  template <bool check>
  __device__ __forceinline__ void step(unsigned keys, const Problem& problem, const Piece& piece,
                                       int first_key, bool ask_mask) {
    float scores[kRowTiles][config::keys_per_warp / 8][4];
    multiply_keys(scores, keys);
    if constexpr (attention::kModified || check) modify<check>(scores, problem, piece, first_key, ask_mask);
    softmax.raise_base(scores, output, attention::kScaleLog2);
    weigh_and_multiply<check || attention::kModified>(scores, keys + Slice::bytes);
  }

 private:
  using Scores = float[kRowTiles][config::keys_per_warp / 8][4];

  /// scores = Q · transpose(K).
  __device__ __forceinline__ void multiply_keys(Scores& scores, unsigned keys) const {
    const unsigned anchor = Slice::b_transposed_anchor(keys, lane());
#pragma unroll
    for (int i = 0; i < kRowTiles * config::keys_per_warp / 2; ++i) {
      scores[i / (config::keys_per_warp / 2)][i / 4 % (config::keys_per_warp / 8)][i % 4] = 0.0f;
    }
#pragma unroll
    for (int depth = 0; depth < kDepthSteps; ++depth) {
      RowFragment query;
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        QueryTile::a_fragment(query[tile], q_anchor, 16 * tile, 16 * depth);
      }
#pragma unroll
      for (int step = 0; step < kKeySteps; ++step) {
        unsigned fragments[2][2];
        Slice::b_transposed_fragment(fragments, anchor, 16 * step, 16 * depth);
#pragma unroll
        for (int tile = 0; tile < kRowTiles; ++tile) {
          device::multiply_accumulate<config::dtype>(scores[tile][2 * step], query[tile], fragments[0]);
          device::multiply_accumulate<config::dtype>(scores[tile][2 * step + 1], query[tile], fragments[1]);
        }
      }
    }
  }

  /// Products become scores; those of keys that a row doesn't see become -inf.
  template <bool check>
  static __device__ __forceinline__ void modify(Scores& scores, const Problem& problem, const Piece& piece,
                                                int first_key, bool ask_mask) {
    const int group = problem.group();
    const attention::Visibility visibility = problem.visibility(piece.sequence);
    const int first = first_key + lane() % 4 * 2;
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const Query query = piece.query(piece.first_row + row(tile, half), group);
        const int begin = visibility.first_key(query.index), end = visibility.end_key(query.index);
#pragma unroll
        for (int i = 0; i < config::keys_per_warp / 4; ++i) {
          float& value = scores[tile][i / 2][2 * half + i % 2];
          const int key = first + i / 2 * 8 + i % 2;
          if constexpr (attention::kModified) {
            value = attention::modified_score(value, query.index, key, query.head, query.batch);
          }
          if constexpr (check) {
            const bool visible =
                key >= begin && key < end &&
                (!ask_mask || attention::unmasked(query.index, key, query.head, query.batch));
            if (!visible) value = -device::infinity();
          }
        }
      }
    }
  }

  /// output += exp(scores) · V.
  template <bool masked>
  __device__ __forceinline__ void weigh_and_multiply(const Scores& scores, unsigned values) {
    const unsigned anchor = Slice::a_anchor(values, lane());
#pragma unroll
    for (int step = 0; step < kKeySteps; ++step) {
      RowFragment weights;
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        softmax.template exponentials<config::dtype, masked>(
            weights[tile], scores[tile][2 * step], scores[tile][2 * step + 1], tile, attention::kScaleLog2);
      }
#pragma unroll
      for (int column = 0; column < config::head_dim / 16; ++column) {
        unsigned fragments[2][2];
        Slice::b_fragment(fragments, anchor, 16 * step, 16 * column);
#pragma unroll
        for (int tile = 0; tile < kRowTiles; ++tile) {
          device::multiply_accumulate<config::dtype>(output[tile][2 * column], weights[tile], fragments[0]);
          device::multiply_accumulate<config::dtype>(output[tile][2 * column + 1], weights[tile],
                                                     fragments[1]);
        }
      }
    }
  }
};

}  // namespace decode
