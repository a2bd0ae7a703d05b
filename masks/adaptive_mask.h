// Block masks that follow the data: of each row the blocks that hold most of its attention.
#pragma once

#include <span>
#include <vector>

#include "masks/block_mask.h"

namespace weir {

// Queries or keys of every head, each block's mean: [heads][blocks][head_dim].
struct PooledRows {
  std::span<const float> values;
  std::int64_t heads = 1;
};

// Each block's share of its row's attention, [shape.heads][rows][columns], as if every query and every key
// were its block's mean: exp(q · k / sqrt(head_dim)) times the pairs that see each other, over the sum of the
// row. Rows that see nothing are 0. A query head h of shape.heads meets key head h / (shape.heads /
// keys.heads). What the kernel attention_block_mass computes on a GPU.
std::vector<float> estimated_masses(const MaskShape& shape, const PooledRows& queries, const PooledRows& keys,
                                    std::int64_t head_dim);

// The fewest blocks of each row whose masses add up to `share` (0 to 1) of the row's; of equal ones the last.
// Where a row has any mass, at least one. Precondition: one mass for each block of each head, none negative.
BlockMask adaptive_mask(const MaskShape& shape, std::span<const float> masses, double share);

// The share of the masses that the mask keeps, averaged over the rows that have any: with the masses of exact
// attention, what the estimate was worth. 1 if no row has any.
double kept_share(const BlockMask& mask, std::span<const float> masses);

}  // namespace weir
