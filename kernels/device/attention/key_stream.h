// K and V on their way from global to shared memory.
#pragma once

#include <weir/config.h>

#include "device/attention/work.h"
#include "device/ptx/opaque.h"

namespace attention {

/// K and V of the block's head on their way through shared memory. Tiles are numbered by step: step 0 works
/// on the last visible tile, the only one that can reach past seq_kv.
struct KeyStream {
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
    KeyTile::copy_async<kThreads, check>(tiles + slot(step), tile, stride,
                                         ptx::opaque(seq_kv) - first_key(step));
  }
};

}  // namespace attention
