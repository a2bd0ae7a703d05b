#include "masks/block_mask.h"

#include <algorithm>

namespace weir {

std::int64_t MaskShape::visible_pairs(std::int64_t row, std::int64_t column) const {
  const std::int64_t first_query = row * block_q, end_query = std::min(first_query + block_q, seq_q);
  const std::int64_t first_key = column * block_kv;
  const std::int64_t keys = std::min(first_key + block_kv, seq_kv) - first_key;
  if (!causal) return (end_query - first_query) * keys;
  // Query i sees i + shift keys of the block, as far as there are so many.
  const std::int64_t shift = seq_kv - seq_q + 1 - first_key;
  const std::int64_t some = std::clamp(1 - shift, first_query, end_query);
  const std::int64_t all = std::clamp(keys - shift, some, end_query);
  return (all - some) * (some + shift + all - 1 + shift) / 2 + (end_query - all) * keys;
}

std::int64_t MaskShape::visible_pairs() const {
  const MaskShape whole{
      .seq_q = seq_q, .seq_kv = seq_kv, .block_q = seq_q, .block_kv = seq_kv, .causal = causal};
  return whole.visible_pairs(0, 0);
}

BlockMask::BlockMask(const MaskShape& shape)
    : shape_(shape), kept_(static_cast<std::size_t>(shape.heads * shape.rows() * shape.columns())) {}

void BlockMask::keep(std::int64_t head, std::int64_t row, std::int64_t column) {
  if (shape_.visible_pairs(row, column) > 0) kept_[at(head, row, column)] = true;
}

BlockMask& BlockMask::operator|=(const BlockMask& other) {
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (other.kept_[i]) kept_[i] = true;
  }
  return *this;
}

std::int64_t BlockMask::kept_blocks(std::int64_t head, std::int64_t row) const {
  const auto first = kept_.begin() + static_cast<std::ptrdiff_t>(at(head, row, 0));
  return std::count(first, first + shape_.columns(), true);
}

std::int64_t BlockMask::visible_pairs() const {
  std::int64_t pairs = 0;
  for (std::int64_t head = 0; head < shape_.heads; ++head) {
    for (std::int64_t row = 0; row < shape_.rows(); ++row) {
      for (std::int64_t column = 0; column < shape_.columns(); ++column) {
        if (kept(head, row, column)) pairs += shape_.visible_pairs(row, column);
      }
    }
  }
  return pairs;
}

double BlockMask::density() const {
  return static_cast<double>(visible_pairs()) /
         static_cast<double>(std::max<std::int64_t>(1, shape_.heads * shape_.visible_pairs()));
}

}  // namespace weir
