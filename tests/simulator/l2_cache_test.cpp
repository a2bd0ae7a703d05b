#include "simulator/l2_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numeric>

#include "profiles/device_profile.h"
#include "tests/simulator/measured_tables.h"

namespace weir {
namespace {

constexpr double kMegabyte = 1e6;
constexpr double kCell = 20000;  // bytes

DeviceProfile profile_of(const std::string& name) {
  return *find_profile(std::string(WEIR_SOURCE_DIR) + "/profiles/gpus", name);
}

L2Parameters parameters_of(const DeviceProfile& profile) {
  return {.capacity_bytes = static_cast<double>(profile.l2_bytes),
          .private_weight = profile.l2_private_weight,
          .shared_weight = profile.l2_shared_weight,
          .survival_width = profile.l2_survival_width,
          .dirty_capacity_bytes = profile.l2_dirty_fraction * static_cast<double>(profile.l2_bytes)};
}

// A cache over one buffer of `megabytes`, in cells of 20 kB, that counts DRAM traffic.
class Buffer {
 public:
  Buffer(const DeviceProfile& profile, double megabytes, double buffers = 1)
      : cells_(static_cast<CellId>(std::lround(megabytes * kMegabyte / kCell))),
        cache_(parameters_of(profile),
               std::vector<float>(static_cast<std::size_t>(cells_ * buffers), kCell)) {}

  CellId cells() const { return cells_; }
  void read(CellId cell, int side) { read_ += kCell * cache_.read(cell, side).expected; }
  void write(CellId cell, int side) {
    cache_.write(cell, side, kCell);
    for (const auto& back : cache_.write_backs()) written_ += back.bytes;
    cache_.clear_write_backs();
  }
  double read_megabytes() const { return read_ / kMegabyte; }
  double written_megabytes() const { return written_ / kMegabyte; }
  double dirty_megabytes() const { return cache_.dirty_bytes() / kMegabyte; }
  void forget_reads() { read_ = 0; }

 private:
  CellId cells_;
  L2Cache cache_;
  double read_ = 0, written_ = 0;
};

double private_reads(const DeviceProfile& profile, double megabytes) {
  Buffer buffer(profile, megabytes);
  for (int pass = 0; pass < 4; ++pass) {
    for (CellId cell = 0; cell < buffer.cells(); ++cell) buffer.read(cell, cell % 2);
  }
  return buffer.read_megabytes();
}

double shared_reads(const DeviceProfile& profile, double megabytes) {
  Buffer buffer(profile, megabytes);
  for (int pass = 0; pass < 3; ++pass) {
    for (CellId cell = 0; cell < buffer.cells(); ++cell) {
      buffer.read(cell, 0);
      buffer.read(cell, 1);
    }
  }
  return buffer.read_megabytes();
}

double second_launch_reads(const DeviceProfile& profile, double megabytes) {
  Buffer buffer(profile, megabytes);
  for (CellId cell = 0; cell < buffer.cells(); ++cell) buffer.read(cell, cell % 2);
  buffer.forget_reads();
  for (CellId cell = 0; cell < buffer.cells(); ++cell) buffer.read(cell, cell / 2 % 2);
  return buffer.read_megabytes();
}

double writes(const DeviceProfile& profile, double megabytes) {
  Buffer buffer(profile, megabytes);
  for (CellId cell = 0; cell < buffer.cells(); ++cell) buffer.write(cell, cell % 2);
  return buffer.written_megabytes();
}

struct Deviation {
  double mean = 0;  // root mean square, as a share of the bytes that the SMs asked for
  double worst = 0;
};

template <typename Simulate>
Deviation compare(const DeviceProfile& profile, const measured::Table& table, double passes,
                  Simulate simulate) {
  Deviation deviation;
  for (const measured::Row& row : table) {
    const double simulated = simulate(profile, row.buffer_megabytes);
    const double error = (simulated - row.dram_megabytes) / (passes * row.buffer_megabytes);
    if (std::getenv("WEIR_SHOW_TABLES")) {
      printf("%6.0f MB: measured %7.2f simulated %7.2f MB, %+5.1f%%\n", row.buffer_megabytes,
             row.dram_megabytes, simulated, 100 * error);
    }
    deviation.mean += error * error / static_cast<double>(table.size());
    deviation.worst = std::max(deviation.worst, std::abs(error));
  }
  deviation.mean = std::sqrt(deviation.mean);
  return deviation;
}

TEST(MeasuredTables, PrivateReReadsOfTheH100AreReproduced) {
  const Deviation deviation = compare(profile_of("h100-sxm5-80gb"), measured::kH100Private, 4, private_reads);
  EXPECT_LT(deviation.mean, 0.01);
  EXPECT_LT(deviation.worst, 0.02);
}

TEST(MeasuredTables, PrivateReReadsOfTheH200AreReproduced) {
  const Deviation deviation = compare(profile_of("h200-sxm-141gb"), measured::kH200Private, 4, private_reads);
  EXPECT_LT(deviation.mean, 0.02);
  EXPECT_LT(deviation.worst, 0.03);
}

TEST(MeasuredTables, SharedReReadsOfTheH100AreReproduced) {
  const Deviation deviation = compare(profile_of("h100-sxm5-80gb"), measured::kH100Shared, 3, shared_reads);
  EXPECT_LT(deviation.mean, 0.05);
  EXPECT_LT(deviation.worst, 0.13);
}

TEST(MeasuredTables, SharedReReadsOfTheH200AreReproduced) {
  const Deviation deviation = compare(profile_of("h200-sxm-141gb"), measured::kH200Shared, 3, shared_reads);
  EXPECT_LT(deviation.mean, 0.04);
  EXPECT_LT(deviation.worst, 0.06);
}

// Between 40 and 44 MB the H100 lost a fifth more than this: it seems to put data that is read from the other
// side than last time into both, even where it had to fetch it from DRAM (docs/model.md).
TEST(MeasuredTables, TheSecondLaunchOfTheH100IsReproduced) {
  const Deviation deviation =
      compare(profile_of("h100-sxm5-80gb"), measured::kH100SecondLaunch, 1, second_launch_reads);
  EXPECT_LT(deviation.mean, 0.11);
  EXPECT_LT(deviation.worst, 0.21);
}

TEST(MeasuredTables, WritesOfTheH100AreReproduced) {
  for (const measured::Row& row : measured::kH100Writes) {
    EXPECT_NEAR(writes(profile_of("h100-sxm5-80gb"), row.buffer_megabytes), row.dram_megabytes, 0.6);
  }
}

TEST(MeasuredTables, WritesOfTheH200AreReproduced) {
  for (const measured::Row& row : measured::kH200Writes) {
    EXPECT_NEAR(writes(profile_of("h200-sxm-141gb"), row.buffer_megabytes), row.dram_megabytes, 0.6);
  }
}

TEST(MeasuredTables, ACopyLeavesAsMuchDirtyAsMeasured) {
  Buffer buffer(profile_of("h100-sxm5-80gb"), 256, 2);
  for (CellId cell = 0; cell < buffer.cells(); ++cell) {
    buffer.read(cell, cell % 2);
    buffer.write(buffer.cells() + cell, cell % 2);
  }
  EXPECT_NEAR(buffer.read_megabytes(), 256, 1e-6);
  EXPECT_NEAR(buffer.written_megabytes() + buffer.dirty_megabytes(), 256, 0.01);
  EXPECT_GT(buffer.dirty_megabytes(), measured::kH100CopyDirtyLow - 0.7);
  EXPECT_LT(buffer.dirty_megabytes(), measured::kH100CopyDirtyHigh + 0.7);
}

TEST(L2Cache, ACellThatIsReadInPartsComesInOnce) {
  L2Cache cache(parameters_of(profile_of("h100-sxm5-80gb")), std::vector<float>(10000, kCell));
  const auto fetched = [&](CellId cell, float part) {
    return cache.fill(cell, cache.read(cell, 0), part).expected;
  };
  for (int part = 0; part < 4; ++part) {
    EXPECT_EQ(cache.is_filled(0), part == 0) << part;  // of a cell that never was read nothing is said
    EXPECT_FLOAT_EQ(fetched(0, 0.25F), 0.25F) << part;
  }
  EXPECT_TRUE(cache.is_filled(0));
  EXPECT_EQ(fetched(0, 0.25F), 0);
  EXPECT_EQ(fetched(0, 1), 0);
  // 200 MB later it is gone, and each part comes in again.
  for (CellId other = 1; other < 10000; ++other) cache.read(other, 0);
  EXPECT_FLOAT_EQ(fetched(0, 0.25F), 0.25F);
  // What is missing of it is all that an access to the whole cell fetches.
  EXPECT_FLOAT_EQ(fetched(0, 1), 0.75F);
}

// The oracle: the same law over a list that is searched from its front.
class ListCache {
 public:
  ListCache(const L2Parameters& parameters, std::vector<float> bytes)
      : parameters_(parameters), bytes_(bytes) {}

  // The range of misses that a distance known to +-tolerance allows.
  std::pair<double, double> read(CellId cell, int side, double tolerance) {
    double distance = 0;
    double miss_low = 1, miss_high = 1;
    unsigned sides = 1U << side;
    const auto found = std::ranges::find_if(stack_, [&](const Entry& entry) { return entry.cell == cell; });
    if (found != stack_.end()) {
      for (auto entry = stack_.begin(); entry != found; ++entry) distance += entry->weight;
      const auto miss_at = [&](double bytes) {
        return 1 - survival(bytes / parameters_.capacity_bytes, parameters_.survival_width);
      };
      miss_low = miss_at(distance - tolerance * parameters_.capacity_bytes);
      miss_high = miss_at(distance + tolerance * parameters_.capacity_bytes);
      if (miss_at(distance) <= 0.99) sides |= found->sides;
      stack_.erase(found);
    }
    const double weight = sides == 3 ? parameters_.shared_weight : parameters_.private_weight;
    stack_.insert(stack_.begin(), {cell, sides, bytes_[cell] * weight});
    return {miss_low, miss_high};
  }

 private:
  struct Entry {
    CellId cell;
    unsigned sides;
    double weight;
  };
  L2Parameters parameters_;
  std::vector<float> bytes_;
  std::vector<Entry> stack_;
};

TEST(L2Cache, AgreesWithASearchedListOnRandomStreams) {
  EXPECT_TRUE(rc::check([] {
    const L2Parameters parameters{.capacity_bytes = 100 * kCell,
                                  .private_weight = 1,
                                  .shared_weight = 1,
                                  .survival_width = 0.05,
                                  .dirty_capacity_bytes = 50 * kCell,
                                  .epochs = 1000};
    const auto cells = *rc::gen::inRange<CellId>(20, 300);
    const auto stride = *rc::gen::inRange<CellId>(1, 7);
    L2Cache cache(parameters, std::vector<float>(cells, kCell));
    ListCache oracle(parameters, std::vector<float>(cells, kCell));
    const auto jumps = *rc::gen::container<std::vector<CellId>>(
        static_cast<std::size_t>(*rc::gen::inRange(1, 600)), rc::gen::inRange<CellId>(0, 4));
    CellId cell = 0;
    for (const CellId jump : jumps) {
      cell = (cell + (jump == 3 ? cells / 2 : stride * jump)) % cells;
      const double miss = cache.read(cell, 0).expected;
      const auto [low, high] = oracle.read(cell, 0, 0.012);
      RC_ASSERT(miss >= low - 0.002);
      RC_ASSERT(miss <= high + 0.002);
    }
  }));
}

TEST(L2Cache, MoreCapacityNeverMeansMoreMisses) {
  EXPECT_TRUE(rc::check([] {
    const auto cells = *rc::gen::inRange<CellId>(50, 300);
    const auto stream = *rc::gen::container<std::vector<CellId>>(
        static_cast<std::size_t>(*rc::gen::inRange(1, 500)), rc::gen::inRange<CellId>(0, cells));
    double fewest = 1e30;
    for (const double capacity : {40.0, 80.0, 160.0, 320.0}) {
      L2Cache cache({.capacity_bytes = capacity * kCell, .dirty_capacity_bytes = capacity * kCell / 2},
                    std::vector<float>(cells, kCell));
      double misses = 0;
      for (const CellId cell : stream) misses += cache.read(cell, 0).expected;
      RC_ASSERT(misses <= fewest + 1e-6);
      fewest = misses;
    }
  }));
}

TEST(L2Cache, TheOptimisticAndThePessimisticMissEncloseTheExpectedOne) {
  EXPECT_TRUE(rc::check([] {
    const auto cells = *rc::gen::inRange<CellId>(50, 300);
    L2Cache cache({.capacity_bytes = 100 * kCell, .dirty_capacity_bytes = 50 * kCell},
                  std::vector<float>(cells, kCell));
    for (int access = 0; access < 1000; ++access) {
      const auto miss = cache.read(static_cast<CellId>(access * 7919 % 104729) % cells, access % 2);
      RC_ASSERT(miss.optimistic <= miss.expected);
      RC_ASSERT(miss.expected <= miss.pessimistic);
    }
  }));
}

TEST(L2Cache, WhatFitsIsReadOnceExactly) {
  const DeviceProfile profile = profile_of("l40s");
  Buffer buffer(profile, 50);
  for (int pass = 0; pass < 10; ++pass) {
    for (CellId cell = 0; cell < buffer.cells(); ++cell) buffer.read(cell, 0);
  }
  EXPECT_EQ(buffer.read_megabytes(), 50);
}

TEST(L2Cache, ACopyThatItsSideNoLongerUsesMakesRoom) {
  // A buffer of 80% of the capacity that both sides read (its bytes weigh 2 each) is lost from pass to pass.
  // When one side alone goes on, the other's copies age, and most of the buffer survives.
  constexpr int kCells = 80;
  L2Cache cache({.capacity_bytes = 100e3, .private_weight = 1, .shared_weight = 2, .survival_width = 0.01},
                std::vector<float>(kCells, 1000));
  const auto pass = [&](bool both) {
    double missed = 0;
    for (CellId cell = 0; cell < kCells; ++cell) {
      missed += cache.read(cell, 0).expected;
      if (both) cache.read(cell, 1);
    }
    return missed;
  };
  EXPECT_EQ(pass(true), kCells);
  EXPECT_EQ(pass(true), kCells);
  for (int settling = 0; settling < 3; ++settling) pass(false);
  EXPECT_LT(pass(false), 0.4 * kCells);
}

TEST(L2Cache, WhatWasWrittenTakesNoMoreRoomForReadersOnBothSides) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  // 28 MB are 0.63 of the capacity as private data and 0.98 as shared data.
  Buffer buffer(profile, 28);
  for (CellId cell = 0; cell < buffer.cells(); ++cell) buffer.write(cell, cell % 2);
  for (int pass = 0; pass < 2; ++pass) {
    for (CellId cell = 0; cell < buffer.cells(); ++cell) {
      buffer.read(cell, 0);
      buffer.read(cell, 1);
    }
  }
  EXPECT_LT(buffer.read_megabytes(), 0.1);
  EXPECT_GT(shared_reads(profile, 28), 28 + 5);
}

TEST(L2Cache, EveryByteWrittenIsWrittenBackOrDirty) {
  EXPECT_TRUE(rc::check([] {
    const auto cells = *rc::gen::inRange<CellId>(10, 300);
    L2Cache cache({.capacity_bytes = 100 * kCell, .dirty_capacity_bytes = 45 * kCell},
                  std::vector<float>(cells, kCell));
    const auto stream = *rc::gen::container<std::vector<CellId>>(
        static_cast<std::size_t>(*rc::gen::inRange(1, 500)), rc::gen::inRange<CellId>(0, cells));
    double back = 0;
    std::vector<bool> written(cells, false);
    for (std::size_t access = 0; access < stream.size(); ++access) {
      const CellId cell = stream[access];
      if (access % 3 == 0 && !written[cell]) {
        cache.write(cell, 0, kCell);
        written[cell] = true;
      } else {
        cache.read(cell, 0);
      }
      for (const auto& write_back : cache.write_backs()) back += write_back.bytes;
      cache.clear_write_backs();
      RC_ASSERT(cache.dirty_bytes() <= 45 * kCell + 1);
    }
    const double stored = kCell * static_cast<double>(std::ranges::count(written, true));
    RC_ASSERT(std::abs(back + cache.dirty_bytes() - stored) < 1e-6 * (stored + 1));
  }));
}

TEST(L2Cache, ManyEpochsAreForgottenWithoutForgettingCells) {
  // A hot set that is read for ever beside a cold one: epochs grow sparse and are merged.
  L2Cache cache({.capacity_bytes = 100 * kCell, .dirty_capacity_bytes = 50 * kCell},
                std::vector<float>(90, kCell));
  for (CellId cell = 0; cell < 90; ++cell) cache.read(cell, 0);
  for (int pass = 0; pass < 20000; ++pass) {
    for (CellId cell = 0; cell < 8; ++cell) cache.read(cell, 0);
  }
  // 90 cells are 0.9 of the capacity away from their first use, and no cell is further than that.
  EXPECT_NEAR(cache.read(8, 0).expected, 1 - survival(0.9, 0.05), 0.03);
  EXPECT_NEAR(cache.read(89, 0).expected, 1 - survival(0.09, 0.05), 0.001);
}

}  // namespace
}  // namespace weir
