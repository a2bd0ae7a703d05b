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
          .received_bytes = n * 16384,
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

Action store_to(int tensor) {
  return {.kind = Action::Kind::access, .access = AccessKind::store, .tensor = tensor};
}

// With a tensor map of tensor 0, which loads, and none of tensor 1, which is stored.
void feed_by_copy_engine(Case& c) {
  c.launch.arguments = {{.kind = Argument::Kind::tensor_map, .tensor = 0, .map = {.shape = {128, 128}}},
                        {.kind = Argument::Kind::tensor, .tensor = 1}};
  c.walked.tensors = {{.l2_read_bytes = c.traffic.l2_read_bytes},
                      {.l2_write_bytes = c.traffic.l2_write_bytes}};
  c.launch.program.actions = {store_to(1)};
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
  work.received_bytes = work.load_bytes * static_cast<float>(*rc::gen::inRange(1, 3));
  work.reduce_bytes = work.store_bytes * static_cast<float>(*rc::gen::inRange(0, 2));
  work.end_shared_bytes = work.shared_bytes / 8;
  work.loose_steps = *rc::gen::inRange(0, work.steps + 1);
  Case c = blocks(*rc::gen::inRange<std::size_t>(1, 900), work, *rc::gen::inRange<std::int64_t>(1, 5));
  c.walked.prefetch = *rc::gen::inRange(0, 5);
  c.launch.threads = {32 * *rc::gen::inRange<std::int64_t>(1, 33), 1, 1};
  c.launch.cluster = {*rc::gen::inRange<std::int64_t>(1, 3), 1, 1};
  if (*rc::gen::arbitrary<bool>()) feed_by_copy_engine(c);
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
  for (Case* c : {&full, &tail, &two}) {
    c->traffic = {};      // DRAM does not count waves
    c->walked.work = {};  // nor does the clock
  }
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
    for (float UnitWork::*amount :
         {&UnitWork::tensor_flops, &UnitWork::fp32_flops, &UnitWork::special_ops, &UnitWork::shared_bytes,
          &UnitWork::end_shared_bytes, &UnitWork::received_bytes, &UnitWork::store_bytes}) {
      // More than is asked for would be a multicast, whose cluster exchanges nothing.
      const bool becomes_multicast = amount == &UnitWork::received_bytes &&
                                     c.walked.units[0].received_bytes <= c.walked.units[0].load_bytes;
      if (becomes_multicast) continue;
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
      unit_time(profile, rates_of(profile), gemm_block(128),
                {.threads = 128, .prefetch = 1, .load_latency_seconds = profile.dram_latency_seconds});
  EXPECT_GT(unit.solo_seconds, unit.busy_seconds);  // one block alone waits most of the time
  EXPECT_LT(shared_sm_seconds(unit, 2), 1.5 * shared_sm_seconds(unit, 1));
  // and nothing can be faster than the SM's busiest unit allows
  EXPECT_GT(shared_sm_seconds(unit, 8), 8 * unit.busy_seconds);
}

TEST(TimeModel, EveryLoadThatDoesNotRunAheadWaitsForItsLatency) {
  const DeviceProfile profile = h100();
  const UnitSetting setting{.threads = 128, .prefetch = 4, .load_latency_seconds = 400e-9};
  const auto solo = [&](int loose) {
    return unit_time(profile, rates_of(profile), {.steps = 100, .loose_steps = loose}, setting).solo_seconds;
  };
  // A step that runs ahead by four costs a quarter of the latency, a loose one all of it.
  EXPECT_NEAR(solo(100) - solo(60), 40 * (1 - 0.25) * 400e-9, 1e-12);
}

TEST(TimeModel, ThreadsThatStoreSumsHoldTheBlockUpAndTheCopyEngineDoesNot) {
  const DeviceProfile profile = h100();
  const auto end_of = [&](double stored_by_threads) {
    UnitWork work = gemm_block(16);
    const UnitSetting setting{.threads = 384,
                              .copy_engine = true,
                              .stored_by_threads = stored_by_threads,
                              .prefetch = 3,
                              .load_latency_seconds = profile.l2_latency_seconds};
    const double with = unit_time(profile, rates_of(profile), work, setting).solo_seconds;
    work.store_bytes = 0;
    return with - unit_time(profile, rates_of(profile), work, setting).solo_seconds;
  };
  EXPECT_NEAR(end_of(0), 0, 1e-15);
  EXPECT_GT(end_of(1), 0);
  EXPECT_NEAR(end_of(0.5), end_of(1) / 2, 1e-15);
}

TEST(TimeModel, WhatIsStoredThroughATensorMapIsTheCopyEngines) {
  const DeviceProfile profile = h100();
  Case c = blocks(132, gemm_block(16));
  EXPECT_FALSE(unit_setting(profile, c.launch, c.walked).copy_engine);
  feed_by_copy_engine(c);
  EXPECT_TRUE(unit_setting(profile, c.launch, c.walked).copy_engine);
  EXPECT_EQ(unit_setting(profile, c.launch, c.walked).stored_by_threads, 1);
  c.launch.arguments[1] = {.kind = Argument::Kind::tensor_map, .tensor = 1, .map = {.shape = {128, 128}}};
  EXPECT_EQ(unit_setting(profile, c.launch, c.walked).stored_by_threads, 0);
  c.walked.tensors.push_back({.l2_write_bytes = c.walked.tensors[1].l2_write_bytes / 3});
  EXPECT_EQ(unit_setting(profile, c.launch, c.walked).stored_by_threads, 0);  // it is reduced, not stored
  c.launch.program.actions.push_back({.kind = Action::Kind::loop, .body = {store_to(2)}});
  EXPECT_DOUBLE_EQ(unit_setting(profile, c.launch, c.walked).stored_by_threads, 0.25);
}

TEST(TimeModel, AClusterThatDoesNotMulticastPaysForWhatItsBlocksExchange) {
  const DeviceProfile profile = h100();
  UnitWork work = gemm_block(64);
  const auto solo = [&](float end_shared_bytes, bool cluster) {
    work.end_shared_bytes = end_shared_bytes;
    const UnitSetting setting{.threads = 384, .copy_engine = true, .cluster = cluster, .prefetch = 3};
    return unit_time(profile, rates_of(profile), work, setting).solo_seconds;
  };
  EXPECT_EQ(solo(65536, false), solo(0, false));
  EXPECT_GT(solo(65536, true), solo(0, true));
  EXPECT_NEAR(solo(131072, true) - solo(0, true), 2 * (solo(65536, true) - solo(0, true)), 1e-12);
  work.received_bytes = 2 * work.load_bytes;  // the cluster is there for its loads
  EXPECT_EQ(solo(65536, true), solo(0, true));
}

TEST(TimeModel, ReductionsHoldABlockUpLongerThanStoresOfAsMuch) {
  const DeviceProfile profile = h100();
  UnitWork work = gemm_block(64);
  const UnitSetting setting{.threads = 256, .prefetch = 2};
  const double stores = unit_time(profile, rates_of(profile), work, setting).solo_seconds;
  work.reduce_bytes = work.store_bytes;
  EXPECT_GT(unit_time(profile, rates_of(profile), work, setting).solo_seconds, stores);
}

TEST(TimeModel, TheClockFallsWithTheLoadOfTheTensorCoresAndWithTime) {
  const DeviceProfile profile = h100();
  const auto growth = [&](double seconds, double utilization) {
    const double flops = utilization * profile.tensor_flops_per_second * seconds;
    return seconds_under_load(profile, seconds, flops) / seconds - 1;
  };
  EXPECT_DOUBLE_EQ(growth(1e-3, 0), 0);
  EXPECT_NEAR(growth(1e-3, 0.8), 2 * growth(1e-3, 0.4), 1e-12);
  EXPECT_NEAR(growth(50e-6, 1), growth(1, 1) / 2, 1e-3);
  EXPECT_GT(growth(1, 1), 0.2);
  EXPECT_LT(growth(1, 1), 0.4);  // recorded clocks fall from 1.98 to 1.4 GHz
}

TEST(TimeModel, ALaunchThatAsksTheL2ForMoreThanItGivesTakesAsLongAsThatTakes) {
  const DeviceProfile profile = h100();
  Case c = blocks(132, gemm_block(8));
  c.traffic = {.l2_read_bytes = 1e10};
  const double seconds = c.seconds(profile);
  c.traffic.l2_read_bytes *= 2;
  EXPECT_NEAR(c.seconds(profile) / seconds, 2, 0.02);
}

TEST(TimeModel, UnitsThatAreAlikeTakeWholeWavesHoweverManyThereAre) {
  const DeviceProfile profile = h100();
  Case few = blocks(132 * 2 * 30, gemm_block(64), 2), more = blocks(132 * 2 * 30 + 1, gemm_block(64), 2);
  for (Case* c : {&few, &more}) {
    c->traffic = {};
    c->walked.work = {};
  }
  const UnitTime unit =
      unit_time(profile, rates_of(profile), gemm_block(64), unit_setting(profile, few.launch, few.walked));
  // The last block has an SM to itself.
  EXPECT_NEAR(more.seconds(profile) - few.seconds(profile), shared_sm_seconds(unit, 1),
              0.1 * shared_sm_seconds(unit, 1));
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
