// K and V on their way from global to shared memory.
#pragma once

#include <weir/config.h>

#include "device/attention/work.h"
#include "device/ptx/opaque.h"

namespace attention {

/// How far copies run ahead of the step at hand.
constexpr int kStepsAhead = config::stages == 1 || config::overlap ? config::stages : config::stages - 1;

/// K and V of the block's head on their way through shared memory, one tile of each for a step. Steps says
/// which tiles these are, and what the block's rows see of them.
template <class Steps>
struct KeyStream {
  const Half* k;  // this thread's first chunk of the first key
  const Half* v;
  unsigned k_tiles, v_tiles;  // stages tiles each
  int row_stride, seq_kv;
  Steps steps;

  static __device__ __forceinline__ unsigned slot(int step) { return step % config::stages * KeyTile::bytes; }

  /// The first key of the tile `ahead` steps after `step`, the step at hand.
  __device__ __forceinline__ int first_key(int step, int ahead = 0) const {
    return steps.tile(step, ahead) * config::tile_kv;
  }

  /// Whether any of the warp's rows sees a key of the step at hand; tiles are chosen for all warps.
  template <class Rows>
  __device__ __forceinline__ bool seen_by(const Rows& rows, int step) const {
    return steps.seen_by(rows, first_key(step));
  }

  /// Scores of keys that a row doesn't see become -inf.
  template <class Rows>
  __device__ __forceinline__ void mask(Rows& rows, int step) const {
    steps.mask(rows, first_key(step));
  }

  /// Copies for the step `ahead` after the one at hand, if there is one.
  template <bool check = false>
  __device__ __forceinline__ void copy_keys(int step, int ahead) const {
    copy<check>(k_tiles, k, step, ahead);
  }

  template <bool check = false>
  __device__ __forceinline__ void copy_values(int step, int ahead) const {
    copy<check>(v_tiles, v, step, ahead);
  }

  /// `check` where the tile may reach past seq_kv.
  template <bool check>
  __device__ __forceinline__ void copy(unsigned tiles, const Half* source, int step, int ahead) const {
    if (steps.ended(step, ahead)) return;
    const int stride = ptx::opaque(row_stride);
    const Half* tile = source + static_cast<long long>(first_key(step, ahead)) * stride;
    KeyTile::copy_async<kThreads, check>(tiles + slot(step + ahead), tile, stride,
                                         ptx::opaque(seq_kv) - first_key(step, ahead));
  }
};

}  // namespace attention
