// Asynchronous copies: late, counted, and found where nothing waits for them; bank conflicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

constexpr int kThreads = 64, kTiles = 5;
constexpr std::int64_t kBytes = kThreads * kTiles * 16;

// In the order of copies.cu.
enum Fault { kNone, kNoWait, kNoBarrier, kLateWait, kNoSecondBarrier };

class CopyRing : public testing::Test {
 protected:
  CopyRing() {
    for (int i = 0; i < kBytes / 4; ++i) as<int>(x)[i] = i;
  }
  int right_of_sixteen_seeds(Fault fault) {
    int right = 0;
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
      y.poison();
      const Shape shape{.threads = kThreads, .shared_bytes = 2 * kThreads * 16};
      EXPECT_EQ(kernel.run(shape, seed, x, y, kTiles, static_cast<int>(fault)).failure, "");
      right += std::memcmp(x.data(), y.data(), kBytes) == 0 ? 1 : 0;
    }
    return right;
  }
  SmallKernel kernel{"copies.cu", "copy_through_ring"};
  GuardedMemory x = memory_of(kBytes), y = memory_of(kBytes);
};

TEST_F(CopyRing, IsRightWithItsWaitsAndBarriersAndCountsItsBytes) {
  EXPECT_EQ(right_of_sixteen_seeds(kNone), 16);
  EXPECT_EQ(kernel.copied_bytes, kBytes);
}

TEST_F(CopyRing, IsWrongWithoutAWait) {
  EXPECT_EQ(right_of_sixteen_seeds(kNoWait), 0);
}

TEST_F(CopyRing, IsWrongIfItWaitsForOneGroupTooFew) {
  EXPECT_EQ(right_of_sixteen_seeds(kLateWait), 0);
}

TEST_F(CopyRing, IsWrongWithoutABarrierAfterTheWait) {
  EXPECT_EQ(right_of_sixteen_seeds(kNoBarrier), 0);
}

TEST_F(CopyRing, IsWrongWithSomeOrdersIfABufferIsFilledBeforeAllHaveReadIt) {
  EXPECT_LT(right_of_sixteen_seeds(kNoSecondBarrier), 8);
}

TEST(CopyPart, ReadsOnlyTheValidBytesAndFillsTheRestWithZeros) {
  SmallKernel kernel("copies.cu", "copy_part");
  for (const int valid : {0, 4, 12, 16}) {
    // The last thread's 16 bytes reach beyond the input by what is not valid.
    GuardedMemory x = memory_of(31 * 16 + std::max(valid, 1), 16), y = memory_of(32 * 16);
    std::memset(x.data(), 7, static_cast<std::size_t>(x.bytes()));
    ASSERT_EQ(kernel.run({.shared_bytes = 32 * 16}, 1, x, y, valid).failure, "");
    EXPECT_EQ(kernel.copied_bytes, 32 * valid);
    for (int i = 0; i < 32 * 16; ++i) EXPECT_EQ(as<char>(y)[i], i % 16 < valid ? 7 : 0);
  }
}

struct Stride {
  int bytes;
  std::int64_t wavefronts;  // of a warp's 32 lanes; 4 without conflicts
};

class BankConflicts : public testing::TestWithParam<Stride> {};

// Eight lanes share a pass over the 32 banks. A stride of s chunks of 16 bytes visits 8 / gcd(s, 8) of the 8
// groups of four banks.
TEST_P(BankConflicts, AreCountedForCopiesStoresAndLoads) {
  const auto [stride, wavefronts] = GetParam();
  GuardedMemory x = memory_of(32 * 16), y = memory_of(32 * 16);
  SmallKernel kernel("copies.cu", "strided");
  const LaunchReport report = kernel.run({.shared_bytes = 32 * stride}, 1, x, y, stride);
  ASSERT_EQ(report.failure, "");
  EXPECT_EQ(report.copies, (Wavefronts{4, wavefronts}));
  EXPECT_EQ(report.loads, (Wavefronts{4, wavefronts}));
  EXPECT_EQ(report.stores, (Wavefronts{4, wavefronts}));
}

INSTANTIATE_TEST_SUITE_P(Strides, BankConflicts,
                         testing::Values(Stride{16, 4}, Stride{32, 8}, Stride{48, 4}, Stride{64, 16},
                                         Stride{128, 32}, Stride{144, 4}, Stride{256, 32}));

TEST(BankConflicts, LanesThatReadTheSameChunkShareIt) {
  const unsigned same[] = {64, 64, 64, 64};
  EXPECT_EQ(phase_of(same), (Wavefronts{1, 1}));
  const unsigned two[] = {64, 64 + 128, 64, 64 + 128};
  EXPECT_EQ(phase_of(two), (Wavefronts{1, 2}));
}

// A warp's 512 bytes are 16 sectors. Destinations that follow one another keep them whole, also halves that
// change places; destinations 48 bytes apart part each of them.
TEST(CopiedSectors, AreAskedForOnceForEachSectorOfSharedMemory) {
  std::vector<ChunkCopy> whole, exchanged, parted;
  for (unsigned lane = 0; lane < 32; ++lane) {
    whole.push_back({1024 + 16 * lane, 16 * lane});
    exchanged.push_back({1024 + 16 * lane, 16 * (lane ^ 5)});
    parted.push_back({1024 + 16 * lane, 48 * lane});
  }
  EXPECT_EQ(sectors_of(whole), (Wavefronts{16, 16}));
  EXPECT_EQ(sectors_of(exchanged), (Wavefronts{16, 16}));
  EXPECT_EQ(sectors_of(parted), (Wavefronts{16, 32}));
}

}  // namespace
}  // namespace weir::emulator::test
