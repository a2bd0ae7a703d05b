// Which tile of which head a block owns.
#pragma once

#include <weir/config.h>

#include "device/block_order.h"

namespace attention::backward {

/// Heads are worked on in groups of head_group, the heads of a group side by side, their tiles in order.
struct TileWork {
  int batch, head, tile;

  static __device__ __forceinline__ TileWork of_block(int block, int batches, int heads, int tiles) {
    const int group = block / (config::head_group * tiles);
    const int first_head = group * config::head_group;
    const int heads_of_group = min(config::head_group, batches * heads - first_head);
    const int within = block - first_head * tiles;
    const int head_of_all = first_head + within % heads_of_group;
    return {.batch = head_of_all / heads, .head = head_of_all % heads, .tile = within / heads_of_group};
  }
};

}  // namespace attention::backward
