#include "simulator/line_cache.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::int64_t kLine = 128;
constexpr std::int64_t kCapacity = 1 << 20;

// One LRU cache of 1 MiB without spread: what fits stays.
LineCacheParameters sharp() {
  return {.capacity_bytes = kCapacity, .survival_width = 1e-6, .dirty_capacity_bytes = kCapacity};
}

TEST(LineCache, SectorsComeFromDramInGranules) {
  LineCache cache(sharp());
  for (int line = 0; line < 100; ++line) cache.read(line * kLine, line * kLine + 32, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 100 * 64);
  for (int line = 0; line < 100; ++line) cache.read(line * kLine + 32, line * kLine + 64, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 100 * 64);  // the granule's other sector
  for (int line = 0; line < 100; ++line) cache.read(line * kLine + 100, line * kLine + 101, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 100 * 128);
}

TEST(LineCache, WhatFitsIsReadOnceAndTwiceTheCapacityEveryTime) {
  // Lines fall on sets at random, 64 to a set here: a set in a hundred gets 130% of its share.
  LineCache fits(sharp()), thrashes(sharp());
  for (int pass = 0; pass < 4; ++pass) {
    fits.read(0, kCapacity / 2, 0, 0);
    thrashes.read(0, 2 * kCapacity, 0, 0);
  }
  EXPECT_NEAR(fits.read_bytes(0), kCapacity / 2, 0.01 * kCapacity);
  EXPECT_NEAR(thrashes.read_bytes(0), 4 * 2 * kCapacity, 0.01 * kCapacity);
}

TEST(LineCache, AFullSectorIsStoredWithoutAFetchAndAPartOfOneIsCompletedWhenItIsRead) {
  LineCache cache(sharp());
  cache.write(0, 48, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 0);
  cache.read(0, 32, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 0);
  cache.write(48, 64, 0, 0);  // the rest of the second sector
  cache.read(0, 64, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 0);
  cache.write(64, 80, 0, 0);
  cache.read(64, 68, 0, 0);
  EXPECT_EQ(cache.read_bytes(0), 64);
  EXPECT_EQ(cache.dirty_bytes(), 96);
}

TEST(LineCache, AReductionFetchesWhatIsMissing) {
  LineCache cache(sharp());
  cache.reduce(0, 4096, 0, 0);
  cache.reduce(0, 4096, 1, 0);
  EXPECT_EQ(cache.read_bytes(0), 4096);
  EXPECT_EQ(cache.dirty_bytes(), 4096);
}

TEST(LineCache, ASectorWrittenInPartIsCompletedWhenItLeaves) {
  LineCache cache(sharp());
  const std::int64_t lines = 8 * kCapacity / kLine;
  for (std::int64_t line = 0; line < lines; ++line) cache.write(line * kLine, line * kLine + 8, 0, 0);
  const double left = cache.written_bytes(0) / 32;  // lines
  EXPECT_NEAR(left, 7.0 / 8 * static_cast<double>(lines), 0.01 * static_cast<double>(lines));
  EXPECT_EQ(cache.read_bytes(0), left * 64);
}

TEST(LineCache, WhatBothSidesReadTakesTwoPlaces) {
  LineCacheParameters parameters = sharp();
  parameters.shared_weight = 2;
  LineCache alone(parameters), shared(parameters);
  constexpr std::int64_t kBytes = kCapacity * 3 / 4;
  for (int pass = 0; pass < 3; ++pass) {
    for (std::int64_t at = 0; at < kBytes; at += kLine) {
      alone.read(at, at + kLine, 0, 0);
      shared.read(at, at + kLine, 0, 0);
      shared.read(at, at + kLine, 1, 0);
    }
  }
  EXPECT_LT(alone.read_bytes(0), 1.05 * kBytes);
  EXPECT_GT(shared.read_bytes(0), 2.9 * kBytes);
}

TEST(LineCache, AWriteLeavesOneCopy) {
  LineCacheParameters parameters = sharp();
  parameters.shared_weight = 2;
  LineCache cache(parameters);
  constexpr std::int64_t kBytes = kCapacity * 3 / 4;
  for (int pass = 0; pass < 3; ++pass) {
    for (std::int64_t at = 0; at < kBytes; at += kLine) {
      cache.read(at, at + kLine, 0, 0);
      cache.write(at, at + kLine, 1, 0);
    }
  }
  EXPECT_LT(cache.read_bytes(0), 1.05 * kBytes);
}

TEST(LineCache, EveryByteWrittenIsWrittenBackOrDirty) {
  LineCacheParameters parameters = sharp();
  parameters.shared_weight = 2;
  parameters.survival_width = 0.06;
  parameters.dirty_capacity_bytes = 0.4 * kCapacity;
  LineCache cache(parameters);
  for (std::int64_t at = 0; at < 4 * kCapacity; at += kLine) {
    cache.write(at, at + kLine, static_cast<int>(at / kLine % 2), 0);
    cache.read(at / 2 / kLine * kLine, at / 2 / kLine * kLine + kLine, 1, 0);
    ASSERT_LE(cache.dirty_bytes(), 0.4 * kCapacity + 1);
  }
  EXPECT_EQ(cache.written_bytes(0) + cache.dirty_bytes(), 4 * kCapacity);
}

TEST(LineCache, AShareOfTheSetsSpeaksForAll) {
  LineCacheParameters parameters{.capacity_bytes = 32.0 * kCapacity,
                                 .private_weight = 1.2,
                                 .shared_weight = 1.8,
                                 .survival_width = 0.06,
                                 .dirty_capacity_bytes = 16.0 * kCapacity};
  const auto run = [&](double share) {
    parameters.sampled_share = share;
    LineCache cache(parameters);
    for (int pass = 0; pass < 3; ++pass) {
      for (std::int64_t at = 0; at < 24 * kCapacity; at += 4096) {
        cache.read(at, at + 4096, static_cast<int>(at / 4096 % 2), 0);
        if (pass == 1) cache.read(at, at + 4096, 1 - static_cast<int>(at / 4096 % 2), 0);
      }
    }
    return cache;
  };
  const LineCache all = run(1), some = run(0.3);
  EXPECT_EQ(all.sampled_share(), 1);
  EXPECT_LT(some.sampled_share(), 0.7);
  EXPECT_NEAR(some.read_bytes(0) / all.read_bytes(0), 1, 0.02);
}

}  // namespace
}  // namespace weir
