// Barriers, collective operations and atomics of the emulator, and what it says when they are missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

using testing::HasSubstr;

constexpr int kSeeds = 16;
constexpr int kRounds = 8;

// How many of the seeds give the right result.
int right_with(const std::function<bool(std::uint64_t seed)>& is_right) {
  int right = 0;
  for (int seed = 0; seed < kSeeds; ++seed) right += is_right(static_cast<std::uint64_t>(seed)) ? 1 : 0;
  return right;
}

class Barriers : public testing::Test {
 protected:
  GuardedMemory out = memory_of(256 * sizeof(int));

  // Whether `count` outputs are as expected.
  bool gives(int count, const std::function<int(int)>& expected) {
    for (int i = 0; i < count; ++i) {
      if (as<int>(out)[i] != expected(i)) return false;
    }
    return true;
  }
};

TEST_F(Barriers, SynchronisedThreadsSeeWhatOthersWroteAndAMissingBarrierShows) {
  SmallKernel kernel("synchronization.cu", "rotate");
  for (const int correct : {1, 0}) {
    const int right = right_with([&](std::uint64_t seed) {
      out.poison();
      EXPECT_EQ(kernel.run({.blocks = 2, .threads = 128}, seed, out, correct).failure, "");
      return gives(256, [](int i) { return i / 128 * 1000 + (i % 128 + 32) % 128; });
    });
    if (correct) {
      EXPECT_EQ(right, kSeeds);
    } else {
      EXPECT_EQ(right, 0) << "the last warp reads what the first has not written, and so round";
    }
  }
}

TEST_F(Barriers, LanesOfAWarpAreNotOrderedWithoutSyncwarp) {
  SmallKernel kernel("synchronization.cu", "rotate_in_warp");
  for (const int correct : {1, 0}) {
    const int right = right_with([&](std::uint64_t seed) {
      EXPECT_EQ(kernel.run({.threads = 64, .shared_bytes = 256}, seed, out, correct).failure, "");
      return gives(64, [](int i) { return i / 32 * 32 + (i + 1) % 32; });
    });
    EXPECT_EQ(right, correct ? kSeeds : 0);
  }
}

TEST_F(Barriers, AWarpOvertakesAnotherWhereTheSecondBarrierOfALoopIsMissing) {
  SmallKernel kernel("synchronization.cu", "fill_again");
  for (const int correct : {1, 0}) {
    const int right = right_with([&](std::uint64_t seed) {
      EXPECT_EQ(kernel.run({.threads = 128}, seed, out, kRounds, correct).failure, "");
      return gives(128, [](int) { return kRounds * (kRounds - 1) / 2; });
    });
    if (correct) {
      EXPECT_EQ(right, kSeeds);
    } else {
      EXPECT_LT(right, kSeeds / 2);
    }
  }
}

TEST_F(Barriers, NamedBarriersOrderProducersAndConsumers) {
  SmallKernel kernel("synchronization.cu", "hand_over");
  const auto expected = [](int i) { return kRounds * (kRounds - 1) / 2 * ((i + 32) % 64); };
  const int right = right_with([&](std::uint64_t seed) {
    EXPECT_EQ(kernel.run({.threads = 128}, seed, out, kRounds, 1).failure, "");
    return gives(64, expected);
  });
  EXPECT_EQ(right, kSeeds);
  // Without the barrier that says empty, producers overtake; some orders meet the first barrier twice.
  const int still_right = right_with([&](std::uint64_t seed) {
    return kernel.run({.threads = 128}, seed, out, kRounds, 0).failure.empty() && gives(64, expected);
  });
  EXPECT_LT(still_right, kSeeds / 2);
}

TEST_F(Barriers, AHangIsReportedWithThePlaceWhereEveryThreadWaits) {
  SmallKernel kernel("synchronization.cu", "divide");
  EXPECT_EQ(kernel.run({.threads = 128}, 1, out, 1).failure, "");
  const std::string failure = kernel.run({.threads = 128}, 1, out, 0).failure;
  EXPECT_THAT(failure, HasSubstr("block (0, 0, 0) hangs"));
  EXPECT_THAT(failure, HasSubstr("threads 0-63 wait in __syncthreads at tests/emulator/sources/"));
  EXPECT_THAT(failure, HasSubstr("threads 64-127 wait in bar.sync"));
}

TEST_F(Barriers, ALaneThatExitsBeforeACollectiveOperationThatNamesItIsReported) {
  SmallKernel kernel("synchronization.cu", "leave_early");
  EXPECT_EQ(kernel.run({}, 1, out, 1).failure, "");
  for (int seed = 0; seed < kSeeds; ++seed) {
    EXPECT_THAT(kernel.run({}, static_cast<std::uint64_t>(seed), out, 0).failure,
                testing::AnyOf(HasSubstr("the mask names a lane that has exited"),
                               HasSubstr("waits for it in __shfl_xor_sync")));
  }
}

TEST_F(Barriers, LanesThatNameDifferentMasksHang) {
  SmallKernel kernel("synchronization.cu", "other_mask");
  EXPECT_EQ(kernel.run({}, 1, out, 1).failure, "");
  const std::string failure = kernel.run({}, 1, out, 0).failure;
  EXPECT_THAT(failure, HasSubstr("hangs"));
  EXPECT_THAT(failure, HasSubstr("threads 5 wait in __shfl_sync"));
  EXPECT_THAT(failure, HasSubstr("with the mask 0x000000ff"));
}

TEST_F(Barriers, AThreadThatSpinsLetsOthersRunAndIsReportedIfNobodyWrites) {
  SmallKernel kernel("synchronization.cu", "wait_for_flag");
  GuardedMemory flag = memory_of(sizeof(int), 4);
  for (int seed = 0; seed < kSeeds; ++seed) {
    as<int>(flag)[0] = 0;
    EXPECT_EQ(kernel.run({.threads = 64}, static_cast<std::uint64_t>(seed), flag, out, 1).failure, "");
  }
  as<int>(flag)[0] = 0;
  const std::string failure = kernel.run({.threads = 64}, 1, flag, out, 0).failure;
  EXPECT_THAT(failure, HasSubstr("waits for a value in memory that nobody writes"));
  EXPECT_THAT(failure, HasSubstr("atomicCAS at"));
}

TEST(Collectives, GiveWhatTheProgrammingGuideSays) {
  GuardedMemory out = memory_of(32 * 16 * sizeof(int));
  SmallKernel kernel("synchronization.cu", "collectives");
  ASSERT_EQ(kernel.run({}, 1, out).failure, "");
  for (int lane = 0; lane < 32; ++lane) {
    const int* row = as<int>(out) + 16 * lane;
    EXPECT_EQ(row[0], 30);
    EXPECT_EQ(row[1], 10 * (lane / 8 * 8 + (lane + 1) % 8)) << "the source counts within 8 lanes";
    EXPECT_EQ(row[2], 10 * (lane ^ 5));
    EXPECT_EQ(row[3], 10 * (lane % 16 < 14 ? lane + 2 : lane));
    EXPECT_EQ(row[4], 10 * (lane % 16 >= 2 ? lane - 2 : lane));
    EXPECT_EQ(row[5], 0x49249249) << "every third bit";
    EXPECT_EQ(row[6], 1);
    EXPECT_EQ(row[7], 0);
    EXPECT_EQ(row[8], static_cast<int>(0x11111111u << lane % 4));
    EXPECT_EQ(row[9], 31 * 32 / 2);
    EXPECT_EQ(row[10], lane < 16 ? lane ^ 1 : lane ^ 2) << "halves of a warp meet for themselves";
    EXPECT_EQ(row[11], 5);
  }
}

TEST(Atomics, CountEveryThreadOnceAndReturnTheOldValue) {
  constexpr int kThreads = 3 * 64;
  GuardedMemory floats = memory_of(sizeof(float), 4), integers = memory_of((1 + kThreads) * sizeof(int), 4),
                largest = memory_of(sizeof(unsigned), 4);
  as<float>(floats)[0] = 1;
  std::memset(integers.data(), 0, static_cast<std::size_t>(integers.bytes()));
  as<unsigned>(largest)[0] = 0;
  SmallKernel kernel("synchronization.cu", "sums");
  ASSERT_EQ(kernel.run({.blocks = 3, .threads = 64}, 1, floats, integers, largest).failure, "");
  EXPECT_EQ(as<float>(floats)[0], 1 + kThreads * 0.5f);
  EXPECT_EQ(as<int>(integers)[0], kThreads);
  for (int i = 1; i <= kThreads; ++i) EXPECT_EQ(as<int>(integers)[i], 1) << "old value " << i - 1;
  EXPECT_EQ(as<unsigned>(largest)[0], 63u + 2u);
}

}  // namespace
}  // namespace weir::emulator::test
