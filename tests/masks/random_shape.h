// Shapes and masks for property tests.
#pragma once

#include <rapidcheck.h>

#include "masks/block_mask.h"

namespace weir::test {

inline MaskShape random_shape() {
  return {.heads = *rc::gen::inRange<std::int64_t>(1, 4),
          .seq_q = *rc::gen::inRange<std::int64_t>(1, 80),
          .seq_kv = *rc::gen::inRange<std::int64_t>(1, 80),
          .block_q = *rc::gen::inRange<std::int64_t>(1, 20),
          .block_kv = *rc::gen::inRange<std::int64_t>(1, 20),
          .causal = *rc::gen::arbitrary<bool>()};
}

// Pairs of a block by the causal rule, one after another.
inline std::int64_t counted_pairs(const MaskShape& shape, std::int64_t row, std::int64_t column) {
  std::int64_t pairs = 0;
  for (std::int64_t i = row * shape.block_q; i < std::min((row + 1) * shape.block_q, shape.seq_q); ++i) {
    for (std::int64_t j = column * shape.block_kv; j < std::min((column + 1) * shape.block_kv, shape.seq_kv);
         ++j) {
      pairs += !shape.causal || j <= i + shape.seq_kv - shape.seq_q;
    }
  }
  return pairs;
}

// Calls visit(head, row, column) for each block.
template <class Visit>
void for_each_block(const MaskShape& shape, const Visit& visit) {
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      for (std::int64_t column = 0; column < shape.columns(); ++column) visit(head, row, column);
    }
  }
}

}  // namespace weir::test
