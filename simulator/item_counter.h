// Which items the blocks of a dynamic schedule take.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/candidate.h"
#include "simulator/work.h"

namespace weir {

// Without items_ahead, a block that is free takes the next item. With it, block b of n begins with item b and
// has already taken n + b, 2 n + b, …; whenever it goes on to the next of these it takes one more.
class ItemCounter {
 public:
  explicit ItemCounter(const Launch& launch)
      : ahead_(launch.items_ahead),
        blocks_(block_count(launch)),
        next_(ahead_ > 0 ? (ahead_ + 1) * blocks_ : 0) {
    if (ahead_ > 0) taken_.resize(static_cast<std::size_t>(blocks_ * ahead_), kNotBegun);
  }

  // At least the launch's number of items: nothing is left for the block.
  std::int64_t take(std::int64_t block) {
    if (ahead_ == 0) return next_++;
    std::int64_t* taken = taken_.data() + block * ahead_;
    if (*taken == kNotBegun) {
      for (std::int64_t i = 0; i < ahead_; ++i) taken[i] = (i + 1) * blocks_ + block;
      return block;
    }
    const std::int64_t item = *taken;
    for (std::int64_t i = 1; i < ahead_; ++i) taken[i - 1] = taken[i];
    taken[ahead_ - 1] = next_++;
    return item;
  }

 private:
  static constexpr std::int64_t kNotBegun = -1;
  std::int64_t ahead_, blocks_, next_;
  std::vector<std::int64_t> taken_;  // ahead_ of each block, the next first
};

}  // namespace weir
