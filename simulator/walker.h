// What walk.cpp keeps of each resident block and of each multiprocessor.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "simulator/flat_program.h"
#include "simulator/loop_plan.h"
#include "simulator/work.h"

namespace weir {

// SplitMix64's finalizer, to [0, 1).
inline double hash_to_unit(std::uint64_t seed, std::uint64_t value) {
  std::uint64_t x = seed * 0x9E3779B97F4A7C15U + value * 0xD1B54A32D192ED03U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

struct Walker {
  static constexpr int kHistory = 16;

  explicit Walker(ItemFrame item_frame) : frame(std::move(item_frame)) {}

  ItemFrame frame;
  Position position;
  unsigned step = 0;
  bool in_rows = false;  // every load of `loop` stays in its row of cells
  int loop = -1;         // whose rows of cells are known
  std::array<CellId, LoopPlan::kMostLoads> rows{};
  std::int64_t unit = 0;  // of dispatch: the block, or the item of a dynamic schedule
  std::int64_t item = -1;
  std::int64_t block = 0;
  std::uint32_t group = 0;  // of the cluster's walkers
  int sm = 0;
  int age_rank = 0;  // among the blocks of its SM, the oldest is 0
  int side = 0;
  double pace = 1;
  double finished = 0;                   // compute of the last step
  std::array<double, kHistory> began{};  // when the last steps of this loop began to compute, a ring
};

// A multiprocessor: its blocks queue for its arithmetic units and for its port to the L2.
struct Multiprocessor {
  int residents = 0;
  double l2_seconds_per_byte = 0;  // its share of the L2's bandwidth
  double l2_free = 0;
  double port_free = 0;
  double units_free = 0;
};

// Of what is queued at a unit of an SM when a block asks for it, the share that the block waits for.
class Patience {
 public:
  explicit Patience(std::int64_t blocks_per_sm) : ages_(static_cast<int>(blocks_per_sm) + 1) {
    for (int residents = 0; residents < ages_; ++residents) {
      for (int rank = 0; rank < ages_; ++rank) {
        const int others = residents - 1;
        shares_.push_back(others > 0 ? 1 + kAgePriority * (2.0 * rank / others - 1) : 1.0);
      }
    }
  }
  // `rank` 0: the oldest of the SM's `residents`.
  double of(int residents, int rank) const {
    return shares_[static_cast<std::size_t>(residents * ages_ + rank)];
  }

 private:
  // Where blocks queue for the same unit of an SM, the older waits less than its share and the younger more.
  // The traces ask for 0 to 0.4, by kernel; the value is the best of five over a sweep's DRAM reads.
  static constexpr double kAgePriority = 0.35;

  int ages_;
  std::vector<double> shares_;
};

}  // namespace weir
