// Block masks as the integer tables of a problem.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "masks/block_mask.h"

namespace weir {

// The lists of kept blocks of each line of blocks, of all heads one after another: that of line i is
// blocks[first[i]] up to, without, blocks[first[i + 1]], in ascending order. `order` has each head's lines,
// counted from its first, by the blocks that they keep, the most first; of equals the one that comes last in
// the sequence for rows and first for columns, which under the causal rule has the most pairs.
struct BlockLists {
  std::vector<std::int64_t> first, blocks, order;
};
BlockLists row_lists(const BlockMask& mask);
BlockLists column_lists(const BlockMask& mask);

// row_first, row_blocks, row_order, column_first, column_blocks, column_order, visible_pairs.
std::map<std::string, std::vector<std::int64_t>> mask_tables(const BlockMask& mask);

}  // namespace weir
