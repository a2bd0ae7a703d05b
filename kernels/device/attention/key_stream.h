// K and V on their way from global to shared memory.
#pragma once

#include <weir/config.h>

#include "device/attention/key_steps.h"
#include "device/ptx/opaque.h"

namespace attention {

/// K and V of the block's head on their way through shared memory, one tile of each for a step.
struct KeyStream {
  const Half* k;  // this thread's first chunk of the first key
  const Half* v;
  unsigned k_tiles, v_tiles;  // stages tiles each
  int row_stride, seq_kv;
  KeySteps steps;

  static __device__ __forceinline__ unsigned slot(int step) { return step % config::stages * KeyTile::bytes; }

  /// The first key of the tile `ahead` steps after `step`, the step at hand.
  __device__ __forceinline__ int first_key(int step, int ahead = 0) const {
    return steps.tile(step, ahead) * config::tile_kv;
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
