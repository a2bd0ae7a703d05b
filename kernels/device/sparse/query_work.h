// Which query rows a block works on.
#pragma once

#include <weir/config.h>

#include "device/sparse/kept_tiles.h"
#include "device/sparse/mask.h"

namespace sparse {

/// The block's place in the problem. Heads are worked on in groups of head_group, the heads of a group side
/// by side; rows with the most work come first.
template <int tile_q>
struct QueryWork {
  using Order = TileOrder<Cover<tile_q, config::block_q>, true>;

  int batch, head_q, head_kv, first_row;
  int mask_line;   // the first line of mask blocks that the rows lie in, of all mask heads'
  int lines_left;  // lines of the mask head from there on

  static __device__ __forceinline__ QueryWork of_block(int block, const BlockLists& rows, int batches,
                                                       int heads_q, int heads_kv, int seq_q) {
    const int lines = device::ceil_div(seq_q, config::block_q);
    const int places = Order::places(lines);
    const int all_heads = batches * heads_q;
    const int first_head = block / (config::head_group * places) * config::head_group;
    const int heads = min(config::head_group, all_heads - first_head);
    const int within = block - first_head * places;
    const int head = first_head + within % heads;
    const int tile = Order::tile(rows, head, lines, within / heads);
    const int line = Order::line(tile);
    return {.batch = head / heads_q,
            .head_q = head % heads_q,
            .head_kv = head % heads_q / (heads_q / heads_kv),
            .first_row = tile * tile_q,
            .mask_line = rows.line(head, lines, line),
            .lines_left = lines - line};
  }
};

}  // namespace sparse
