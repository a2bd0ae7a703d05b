// The time model on blocks that are made up here: what must hold for any device and kernel.
#include "simulator/time_model.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <stdexcept>

#include "simulator/block_schedule.h"
#include "tests/simulator/definitions.h"

namespace weir {
namespace {

using namespace testing_definitions;

DeviceProfile h100() {
  return profile_of("h100-sxm5-80gb");
}

Rates rates_of(const DeviceProfile& profile) {
  return {.tensor_flops_per_second = profile.tensor_flops_per_second * profile.mma_sync_fraction,
          .fp32_flops_per_second = profile.fp32_flops_per_second,
          .special_ops_per_second = profile.special_ops_per_second,
          .shared_bytes_per_second = profile.shared_bytes_per_second,
          .l2_bytes_per_second = profile.l2_bytes_per_second,
          .l2_port_bytes_per_second = profile.shared_bytes_per_second / 2,
          .dram_bytes_per_second = profile.dram_bytes_per_second * profile.dram_efficiency};
}

// A block of `steps` steps of 128 x 128 x 32, as a gemm has them.
UnitWork gemm_block(int steps) {
  const auto n = static_cast<float>(steps);
  return {.tensor_flops = n * 2 * 128 * 128 * 32,
          .shared_bytes = n * 49152,
          .load_bytes = n * 16384,
          .store_bytes = 32768,
          .steps = steps};
}

struct Case {
  Launch launch;
  WalkResult walked;
  Traffic traffic;

  double seconds(const DeviceProfile& profile) const {
    return launch_time(profile, rates_of(profile), launch, walked, traffic).seconds;
  }
};

Case blocks(std::size_t count, const UnitWork& work, std::int64_t per_sm = 1) {
  Case c;
  c.launch.threads = {256, 1, 1};
  c.walked.units.assign(count, work);
  c.walked.blocks_per_sm = per_sm;
  c.walked.prefetch = 2;
  c.walked.steps = static_cast<double>(count) * work.steps;
  c.walked.dram_steps = 0.3 * c.walked.steps;
  const auto n = static_cast<double>(count);
  c.walked.work = {.tensor_flops = n * work.tensor_flops,
                   .fp32_flops = n * work.fp32_flops,
                   .special_ops = n * work.special_ops,
                   .shared_bytes = n * work.shared_bytes};
  c.traffic = {.dram_read_bytes = n * work.load_bytes / 8,
               .dram_write_bytes = n * work.store_bytes,
               .l2_read_bytes = n * work.load_bytes,
               .l2_write_bytes = n * work.store_bytes};
  return c;
}

Case any_case() {
  const auto amount = [](int up_to) { return static_cast<float>(*rc::gen::inRange(0, up_to)) * 1024; };
  UnitWork work{.tensor_flops = amount(1 << 20),
                .fp32_flops = amount(1 << 14),
                .special_ops = amount(1 << 12),
                .shared_bytes = amount(1 << 14),
                .load_bytes = amount(1 << 12),
                .store_bytes = amount(1 << 8),
                .steps = *rc::gen::inRange(1, 300)};
  Case c = blocks(*rc::gen::inRange<std::size_t>(1, 900), work, *rc::gen::inRange<std::int64_t>(1, 5));
  c.walked.prefetch = *rc::gen::inRange(0, 5);
  c.launch.threads = {32 * *rc::gen::inRange<std::int64_t>(1, 33), 1, 1};
  return c;
}

TEST(BlockSchedule, FiveEqualBlocksOnTwoMultiprocessorsTakeThreeRounds) {
  const std::vector<std::uint32_t> kinds(5, 0);
  const std::vector<double> durations{2.0};
  EXPECT_DOUBLE_EQ(schedule_seconds(2, 1, kinds, durations), 6.0);
}

TEST(BlockSchedule, TheNextBlockGoesToTheMultiprocessorThatIsFreeFirst) {
  // 5 | 1 1 1 1: the short ones follow each other beside the long one.
  const std::vector<std::uint32_t> kinds{1, 0, 0, 0, 0};
  const std::vector<double> durations{1.0, 5.0};
  EXPECT_DOUBLE_EQ(schedule_seconds(2, 1, kinds, durations), 5.0);
}

TEST(BlockSchedule, ABlockGoesOnAtItsOwnPaceOnceItsNeighbourHasEnded) {
  // Alone 4 and 1 seconds, together twice as long: the short one ends after 2, when the long one has done
  // half of its 8, and so needs another 3.
  const std::vector<std::uint32_t> kinds{0, 1};
  const std::vector<double> durations{4.0, 8.0, 1.0, 2.0};
  EXPECT_DOUBLE_EQ(schedule_seconds(1, 2, kinds, durations), 2.0 + (1 - 2.0 / 8) * 4);
}

TEST(BlockSchedule, AShortUnitAfterAVeryLongOneStillEnds) {
  const std::vector<std::uint32_t> kinds{1, 0};
  const std::vector<double> durations{1e-9, 1e9};
  EXPECT_DOUBLE_EQ(schedule_seconds(1, 1, kinds, durations), 1e9);
}

TEST(BlockSchedule, AUnitThatNeverEndsIsRefused) {
  const std::vector<std::uint32_t> kinds{0};
  for (const double seconds : {std::numeric_limits<double>::infinity(), 0.0}) {
    EXPECT_THROW(schedule_seconds(1, 1, kinds, std::vector<double>{seconds}), std::invalid_argument);
  }
}

TEST(BlockSchedule, OneBlockMoreThanAFullWaveCostsAWaveMore) {
  const DeviceProfile profile = h100();
  Case full = blocks(132, gemm_block(128)), tail = blocks(133, gemm_block(128)),
       two = blocks(264, gemm_block(128));
  for (Case* c : {&full, &tail, &two}) c->traffic = {};  // DRAM does not count waves
  const double launch = profile.launch_latency_seconds;
  EXPECT_NEAR((tail.seconds(profile) - launch) / (full.seconds(profile) - launch), 2.0, 0.01);
  EXPECT_NEAR(tail.seconds(profile), two.seconds(profile), 0.01 * two.seconds(profile));
}

TEST(BlockSchedule, ALongLaunchTakesAsLongPerWaveAsAShortOne) {
  const std::vector<double> durations{3.0, 5.0};
  const std::vector<std::uint32_t> kinds(4 * 2 * 100, 0);  // 100 waves of 2 blocks on each of 4
  EXPECT_NEAR(schedule_seconds(4, 2, kinds, durations), 500.0, 1e-6);
}

TEST(TimeModel, MoreOfAnyRateIsNeverSlower) {
  EXPECT_TRUE(rc::check([] {
    const Case c = any_case();
    const DeviceProfile profile = h100();
    const double seconds = c.seconds(profile);
    for (double DeviceProfile::*rate :
         {&DeviceProfile::tensor_flops_per_second, &DeviceProfile::fp32_flops_per_second,
          &DeviceProfile::special_ops_per_second, &DeviceProfile::shared_bytes_per_second,
          &DeviceProfile::l2_bytes_per_second, &DeviceProfile::dram_bytes_per_second}) {
      DeviceProfile faster = profile;
      faster.*rate *= 1.5;
      RC_ASSERT(c.seconds(faster) <= seconds * (1 + 1e-9));
    }
  }));
}

TEST(TimeModel, LessLatencyIsNeverSlower) {
  EXPECT_TRUE(rc::check([] {
    const Case c = any_case();
    const DeviceProfile profile = h100();
    const double seconds = c.seconds(profile);
    for (double DeviceProfile::*latency :
         {&DeviceProfile::dram_latency_seconds, &DeviceProfile::l2_latency_seconds,
          &DeviceProfile::launch_latency_seconds, &DeviceProfile::block_overhead_seconds,
          &DeviceProfile::step_overhead_seconds}) {
      DeviceProfile sooner = profile;
      sooner.*latency *= 0.7;
      RC_ASSERT(c.seconds(sooner) <= seconds * (1 + 1e-9));
    }
  }));
}

TEST(TimeModel, MoreWorkIsNeverFaster) {
  EXPECT_TRUE(rc::check([] {
    const Case c = any_case();
    const DeviceProfile profile = h100();
    const double seconds = c.seconds(profile);
    for (float UnitWork::*amount : {&UnitWork::tensor_flops, &UnitWork::fp32_flops, &UnitWork::special_ops,
                                    &UnitWork::shared_bytes, &UnitWork::load_bytes, &UnitWork::store_bytes}) {
      Case more = c;
      for (UnitWork& unit : more.walked.units) unit.*amount = unit.*amount * 1.5F + 1024;
      RC_ASSERT(more.seconds(profile) >= seconds * (1 - 1e-9));
    }
  }));
}

TEST(TimeModel, LoadsThatRunFurtherAheadNeverWaitLonger) {
  EXPECT_TRUE(rc::check([] {
    Case c = any_case();
    const DeviceProfile profile = h100();
    double before = 1e9;
    for (c.walked.prefetch = 0; c.walked.prefetch < 5; ++c.walked.prefetch) {
      const double seconds = c.seconds(profile);
      RC_ASSERT(seconds <= before * (1 + 1e-9));
      before = seconds;
    }
  }));
}

TEST(TimeModel, TwoBlocksOnAnSmHideEachOthersWaits) {
  const DeviceProfile profile = h100();
  const UnitTime unit =
      unit_time(profile, rates_of(profile), gemm_block(128), 128, 1, profile.dram_latency_seconds);
  EXPECT_GT(unit.solo_seconds, unit.busy_seconds);  // one block alone waits most of the time
  EXPECT_LT(shared_sm_seconds(unit, 2), 1.5 * shared_sm_seconds(unit, 1));
  // and nothing can be faster than the SM's busiest unit allows
  EXPECT_GT(shared_sm_seconds(unit, 8), 8 * unit.busy_seconds);
}

TEST(TimeModel, NoLaunchBeatsTheBoundOfAnyResource) {
  EXPECT_TRUE(rc::check([] {
    const Case c = any_case();
    const DeviceProfile profile = h100();
    const LaunchTime time = launch_time(profile, rates_of(profile), c.launch, c.walked, c.traffic);
    for (std::size_t i = 0; i < time.resources.size(); ++i)
      RC_ASSERT(time.seconds >= time.resources[i] * (1 - 1e-6));
    RC_ASSERT(time.resources[static_cast<std::size_t>(time.bound_by)] ==
              *std::max_element(time.resources.begin(), time.resources.end()));
  }));
}

TEST(TimeModel, AnIdleLaunchTakesItsLatency) {
  const DeviceProfile profile = h100();
  Case c = blocks(1, {});
  EXPECT_LT(c.seconds(profile), profile.launch_latency_seconds + 2e-6);
  EXPECT_GE(c.seconds(profile), profile.launch_latency_seconds);
}

}  // namespace
}  // namespace weir
