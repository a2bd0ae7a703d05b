// Block masks of known patterns. All heads are alike, except in `random_mask`.
#pragma once

#include <cstdint>
#include <span>

#include "masks/block_mask.h"

namespace weir {

BlockMask full_mask(const MaskShape& shape);

// Blocks i and j whose numbers are the same or differ in one bit below `stride`, a power of two: the flat
// block butterfly of Pixelated Butterfly (Dao et al., 2022, arXiv:2112.00029), which the FlashAttention paper
// uses. Where there are more columns than rows, or fewer, each of the fewer is stretched over several
// numbers.
BlockMask butterfly_mask(const MaskShape& shape, std::int64_t stride);

// From `left` blocks before the diagonal to `right` blocks behind it. A row's diagonal is the blocks of those
// keys that the causal rule would show its queries last.
BlockMask window_mask(const MaskShape& shape, std::int64_t left, std::int64_t right);

// The first `rows` rows of blocks see everything, and the first `columns` columns are seen by everyone.
BlockMask global_mask(const MaskShape& shape, std::int64_t rows, std::int64_t columns);

// `density` of each row's visible blocks, rounded to the nearest number and at least one; the last visible
// one, on the diagonal where the mask is causal, is always among them. The rest is chosen by `seed`, the head
// and the row, the same on every machine.
BlockMask random_mask(const MaskShape& shape, double density, std::uint64_t seed);

// From 0 and 1 for each block, row after row, head after head. One head's matrix serves all heads.
// Precondition: the number of entries is that of one head's blocks, or of all heads'.
BlockMask dense_mask(const MaskShape& shape, std::span<const bool> blocks);

}  // namespace weir
