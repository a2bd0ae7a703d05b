// Numbers from a counter in memory.
#include <gtest/gtest.h>

#include <algorithm>

#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

// 3 blocks for 3, 4 and 23 numbers: none beyond the blocks' own, one, and many.
TEST(WorkQueue, EveryNumberIsTakenOnceAndTheCounterIsReadyForTheNextLaunch) {
  SmallKernel kernel("work_queue.cu", "take_numbers");
  for (const int count : {3, 4, 23}) {
    GuardedMemory taken = memory_of(2 * count * static_cast<std::int64_t>(sizeof(int)));
    GuardedMemory next = memory_of(sizeof(unsigned));
    std::fill_n(as<int>(taken), 2 * count, 0);
    *as<unsigned>(next) = 0;
    for (int launch = 1; launch <= 4; ++launch) {
      const LaunchReport report = kernel.run({.blocks = 3, .threads = 96, .shared_bytes = 96},
                                             static_cast<std::uint64_t>(launch), taken, next, count);
      ASSERT_EQ(report.failure, "");
      EXPECT_EQ(*as<unsigned>(next), 0u) << count << " numbers, launch " << launch;
      for (int i = 0; i < 2 * count; ++i) EXPECT_EQ(as<int>(taken)[i], launch) << i << " of " << count;
    }
  }
}

}  // namespace
}  // namespace weir::emulator::test
