// Clusters: blocks that reach each other's shared memory.
#include <gtest/gtest.h>

#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

constexpr unsigned kBlocks = 4, kThreads = 32, kPartRegisters = 4;

LaunchReport run(GuardedMemory& out, const std::vector<float>& parts, int barriers, std::uint64_t seed) {
  GuardedMemory in = memory_of(kBlocks * sizeof(float), 16);
  std::copy(parts.begin(), parts.end(), as<float>(in));
  SmallKernel kernel("clusters.cu", "cluster_sums");
  return kernel.run({.blocks = kBlocks,
                     .threads = kThreads,
                     .shared_bytes = (kBlocks - 1) * kPartRegisters * 4 * kThreads,
                     .cluster = kBlocks},
                    seed, out, in, barriers);
}

// 10^8 + 1 is 10^8 in f32: only one order gives what is expected.
TEST(ClusterSum, AddsInTheOrderOfTheBlocksWhateverTheirOrderOfExecution) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    GuardedMemory out = memory_of(kBlocks * kThreads * kPartRegisters * sizeof(float), 16);
    ASSERT_EQ(run(out, {1e8f, 1.0f, -1e8f, 1.0f}, 2, seed).failure, "");
    for (unsigned i = 0; i < kBlocks * kThreads * kPartRegisters; ++i) {
      const unsigned part = i / (kThreads * kPartRegisters), thread = i / kPartRegisters % kThreads;
      const auto factor = static_cast<float>(1 + part * kPartRegisters + i % kPartRegisters + thread);
      EXPECT_EQ(as<float>(out)[i], ((1e8f * factor + factor) - 1e8f * factor) + factor) << "seed " << seed;
    }
  }
}

TEST(ClusterSum, IsWrongWithoutTheBarrierBeforeItIsRead) {
  bool wrong = false;
  for (std::uint64_t seed = 1; seed <= 8 && !wrong; ++seed) {
    GuardedMemory out = memory_of(kBlocks * kThreads * kPartRegisters * sizeof(float), 16);
    const LaunchReport report = run(out, {1, 2, 3, 4}, 1, seed);
    wrong = !report.failure.empty();
    for (unsigned i = 0; i < kBlocks * kThreads * kPartRegisters; ++i) {
      const unsigned part = i / (kThreads * kPartRegisters), thread = i / kPartRegisters % kThreads;
      wrong |= as<float>(out)[i] !=
               10.0f * static_cast<float>(1 + part * kPartRegisters + i % kPartRegisters + thread);
    }
  }
  EXPECT_TRUE(wrong);
}

}  // namespace
}  // namespace weir::emulator::test
