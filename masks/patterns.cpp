#include "masks/patterns.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace weir {
namespace {

template <class Keeps>
BlockMask mask_where(const MaskShape& shape, const Keeps& keeps) {
  BlockMask mask(shape);
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      for (std::int64_t column = 0; column < shape.columns(); ++column) {
        if (keeps(head, row, column)) mask.keep(head, row, column);
      }
    }
  }
  return mask;
}

// The numbers [first, last] that block `index` of `count` has when all of them are spread over `numbers`.
struct Stretch {
  std::int64_t first, last;

  Stretch(std::int64_t index, std::int64_t count, std::int64_t numbers)
      : first(index * numbers / count), last(std::max(first, ((index + 1) * numbers - 1) / count)) {}
};

// SplitMix64 (Steele, Lea and Flood, 2014).
std::uint64_t mixed(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

BlockMask full_mask(const MaskShape& shape) {
  return mask_where(shape, [](auto, auto, auto) { return true; });
}

BlockMask butterfly_mask(const MaskShape& shape, std::int64_t stride) {
  const std::int64_t numbers = std::max(shape.rows(), shape.columns());
  return mask_where(shape, [&](auto, std::int64_t row, std::int64_t column) {
    const Stretch rows(row, shape.rows(), numbers), columns(column, shape.columns(), numbers);
    for (std::int64_t i = rows.first; i <= rows.last; ++i) {
      for (std::int64_t j = columns.first; j <= columns.last; ++j) {
        const auto difference = static_cast<std::uint64_t>(i ^ j);
        if (difference == 0 ||
            (std::has_single_bit(difference) && difference < static_cast<std::uint64_t>(stride)))
          return true;
      }
    }
    return false;
  });
}

BlockMask window_mask(const MaskShape& shape, std::int64_t left, std::int64_t right) {
  const std::int64_t shift = shape.seq_kv - shape.seq_q;
  const auto block_of = [&](std::int64_t key) {
    return key >= 0 ? key / shape.block_kv : -((-key + shape.block_kv - 1) / shape.block_kv);
  };
  return mask_where(shape, [&](auto, std::int64_t row, std::int64_t column) {
    const std::int64_t first = row * shape.block_q;
    const std::int64_t last = std::min(first + shape.block_q, shape.seq_q) - 1;
    return column >= block_of(first + shift) - left && column <= block_of(last + shift) + right;
  });
}

BlockMask global_mask(const MaskShape& shape, std::int64_t rows, std::int64_t columns) {
  return mask_where(
      shape, [&](auto, std::int64_t row, std::int64_t column) { return row < rows || column < columns; });
}

BlockMask random_mask(const MaskShape& shape, double density, std::uint64_t seed) {
  BlockMask mask(shape);
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      std::int64_t visible = 0;  // columns [0, visible)
      while (visible < shape.columns() && shape.visible_pairs(row, visible) > 0) ++visible;
      if (visible == 0) continue;
      const std::int64_t count =
          std::clamp<std::int64_t>(std::llround(density * static_cast<double>(visible)), 1, visible);
      mask.keep(head, row, visible - 1);
      // Selection sampling: each of the others is as likely as the next.
      std::uint64_t state = seed;
      state = mixed(state) + static_cast<std::uint64_t>(head * shape.rows() + row);
      std::int64_t wanted = count - 1;
      for (std::int64_t column = 0; column < visible - 1; ++column) {
        const auto left = static_cast<std::uint64_t>(visible - 1 - column);
        if (mixed(state) % left >= static_cast<std::uint64_t>(wanted)) continue;
        mask.keep(head, row, column);
        --wanted;
      }
    }
  }
  return mask;
}

BlockMask dense_mask(const MaskShape& shape, std::span<const bool> blocks) {
  return mask_where(shape, [&](std::int64_t head, std::int64_t row, std::int64_t column) {
    const std::int64_t at = (head * shape.rows() + row) * shape.columns() + column;
    return blocks[static_cast<std::size_t>(at) % blocks.size()];
  });
}

}  // namespace weir
