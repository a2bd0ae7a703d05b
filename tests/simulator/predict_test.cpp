#include "simulator/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "tests/simulator/definitions.h"

namespace weir {
namespace {

using namespace testing_definitions;

std::string gemm_problem(std::int64_t m, std::int64_t n, std::int64_t k) {
  return "m=" + std::to_string(m) + ",n=" + std::to_string(n) + ",k=" + std::to_string(k);
}

double ceil_div(double a, double b) {
  return std::ceil(a / b);
}

TEST(Predict, AGemmThatFitsReadsEachInputByteOnceExactly) {
  for (const char* gpu : {"h100-sxm5-80gb", "l40s"}) {
    const Prediction p = predict_ok(kGemm, gemm_problem(1024, 1024, 1024), profile_of(gpu));
    EXPECT_EQ(p.traffic.dram_read_bytes, 2 * 1024 * 1024 * 2) << gpu;
    EXPECT_EQ(p.traffic.dram_write_bytes, 0) << gpu;
    EXPECT_EQ(p.dirty_bytes, 1024 * 1024 * 2) << gpu;
    EXPECT_EQ(p.traffic.l2_read_bytes, 8 * 8 * 16 * 2 * 128 * 64 * 2.0) << gpu;
    EXPECT_EQ(p.traffic.l2_write_bytes, 1024 * 1024 * 2) << gpu;
    EXPECT_EQ(p.bounds.compulsory_bytes, 3 * 1024 * 1024 * 2) << gpu;
    EXPECT_EQ(p.regime, Regime::fits) << gpu;
  }
}

TEST(Predict, AGemmFarLargerThanTheL2StaysBetweenCompulsoryAndSramLevel) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Prediction p = predict_ok(kGemm, gemm_problem(8192, 8192, 2048), profile, "group_m=1");
  const double compulsory_reads = 2 * 8192.0 * 2048 * 2;
  EXPECT_GT(p.traffic.dram_read_bytes, 1.2 * compulsory_reads);
  EXPECT_LT(p.traffic.dram_read_bytes + p.traffic.dram_write_bytes, 0.3 * p.bounds.sram_level_bytes);
  const auto foreign = static_cast<double>(profile.l2_foreign_dirty_bytes);
  EXPECT_NEAR(p.traffic.dram_write_bytes + p.dirty_bytes, 8192.0 * 8192 * 2 + foreign, 1000);
}

TEST(Predict, WithAlmostNoL2EveryLoadGoesToDram) {
  // One block at a time streams inputs of 16 MB through an L2 of 1 MiB.
  DeviceProfile profile = profile_of("rtx-4090");
  profile.l2_bytes = 1 << 20;
  profile.sm_count = 1;
  const Prediction p = predict_ok(kGemm, gemm_problem(512, 512, 16384), profile, "group_m=1");
  const double tiles = 4 * 4, step_bytes = 2 * 128 * 64 * 2, steps = 256;
  EXPECT_EQ(p.launches[0].blocks_per_sm, 1);
  EXPECT_EQ(p.traffic.l2_read_bytes, tiles * steps * step_bytes);
  EXPECT_EQ(p.traffic.dram_read_bytes, p.traffic.l2_read_bytes);
  EXPECT_EQ(p.regime, Regime::thrash);
}

TEST(Predict, TrafficLiesBetweenCompulsoryAndSramLevelForAnyShape) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  EXPECT_TRUE(rc::check([&] {
    const std::string problem =
        gemm_problem(*rc::gen::inRange(1, 1500), *rc::gen::inRange(1, 1500), *rc::gen::inRange(1, 3000));
    const std::string config = "tile_m=" + std::to_string(*rc::gen::element(64, 128, 256)) +
                               ",tile_k=" + std::to_string(*rc::gen::element(32, 64)) +
                               ",group_m=" + std::to_string(*rc::gen::element(1, 4, 8, 16));
    DeviceProfile small = profile;
    small.l2_bytes = *rc::gen::element<std::int64_t>(1 << 20, 4 << 20, 50 << 20);
    const Prediction p = predict_ok(kGemm, problem, small, config);
    const double dram = p.traffic.dram_read_bytes + p.traffic.dram_write_bytes + p.dirty_bytes;
    RC_ASSERT(dram >= p.bounds.compulsory_bytes * (1 - 1e-6));
    RC_ASSERT(p.traffic.dram_read_bytes <= p.traffic.l2_read_bytes * 2);
  }));
}

TEST(Predict, TilesAreClippedAtTheEdgesOfTensors) {
  const double m = 1000, n = 520, k = 200;
  const Prediction p = predict_ok(kGemm, gemm_problem(1000, 520, 200), profile_of("h100-sxm5-80gb"));
  // Rows of 200 elements of 2 bytes start at multiples of 16 bytes: a run of r bytes touches r + 16 bytes of
  // sectors.
  const double row_bytes = 3 * (128 + 16) + (8 * 2 + 16);
  EXPECT_DOUBLE_EQ(p.traffic.l2_read_bytes, (ceil_div(n, 128) * m + ceil_div(m, 128) * n) * row_bytes);
  EXPECT_DOUBLE_EQ(p.bounds.compulsory_bytes, 2 * (m * k + n * k + m * n));
  EXPECT_DOUBLE_EQ(p.traffic.dram_read_bytes, 2 * (m * k + n * k));
  EXPECT_DOUBLE_EQ(p.bounds.sram_level_bytes,
                   2 * (ceil_div(n, 128) * m * k + ceil_div(m, 128) * n * k + m * n));
}

TEST(Predict, ARowThatEndsInACellOfItsOwnIsCompulsoryAsStored) {
  // 129 rows of C of one element each, the last one alone in its tile: 258 bytes are stored.
  const Prediction p = predict_ok(kGemm, gemm_problem(129, 1, 1), profile_of("h100-sxm5-80gb"));
  EXPECT_EQ(p.traffic.dram_write_bytes + p.dirty_bytes, 258);
  EXPECT_EQ(p.bounds.compulsory_bytes, p.traffic.dram_read_bytes + 258);
}

TEST(Predict, TheOrderOfItemsChangesNeitherCompulsoryNorRequestedBytes) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Prediction first = predict_ok(kGemm, gemm_problem(2048, 3072, 1024), profile, "group_m=1");
  for (const char* config : {"group_m=4", "group_m=8", "group_m=16"}) {
    const Prediction other = predict_ok(kGemm, gemm_problem(2048, 3072, 1024), profile, config);
    EXPECT_EQ(other.bounds, first.bounds);
    EXPECT_EQ(other.traffic.l2_read_bytes, first.traffic.l2_read_bytes);
    EXPECT_EQ(other.traffic.l2_write_bytes, first.traffic.l2_write_bytes);
  }
}

TEST(Predict, AResultIsAPureFunctionOfItsArguments) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Candidate candidate = resolve(kGemm, gemm_problem(4096, 4096, 1024), profile);
  const Prediction first = predict(profile, candidate).value();
  EXPECT_EQ(predict(profile, candidate).value(), first);
  // Another seed is another drift of the blocks, and hardly other traffic.
  const Prediction other = predict(profile, candidate, {.seed = 7}).value();
  EXPECT_NEAR(other.traffic.dram_read_bytes, first.traffic.dram_read_bytes,
              0.05 * first.traffic.dram_read_bytes);
  EXPECT_EQ(other.bounds, first.bounds);
}

TEST(Predict, BothFidelitiesAgreeOnTheBounds) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Candidate candidate = resolve(kGemm, gemm_problem(2000, 1111, 777), profile);
  const Bounds cache = predict(profile, candidate).value().bounds;
  const Bounds bounds = predict(profile, candidate, {.fidelity = Fidelity::bounds}).value().bounds;
  EXPECT_DOUBLE_EQ(cache.compulsory_bytes, bounds.compulsory_bytes);
  EXPECT_DOUBLE_EQ(cache.sram_level_bytes, bounds.sram_level_bytes);
}

TEST(Predict, AWarmL2SparesTheReadsOfWhatFits) {
  const Prediction p =
      predict_ok(kGemm, gemm_problem(1024, 1024, 1024), profile_of("h100-sxm5-80gb"), "", {.cold_l2 = false});
  EXPECT_EQ(p.traffic.dram_read_bytes, 0);
  EXPECT_EQ(p.l2_hit_rate, 1);
}

TEST(Predict, TheIntervalEnclosesThePredictionAndIsWiderInTheTransition) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const auto width = [&](const Prediction& p) {
    EXPECT_LE(p.dram_read_low_bytes, p.traffic.dram_read_bytes);
    EXPECT_GE(p.dram_read_high_bytes, p.traffic.dram_read_bytes);
    EXPECT_LE(p.dram_write_low_bytes, p.traffic.dram_write_bytes);
    EXPECT_GE(p.dram_write_high_bytes, p.traffic.dram_write_bytes);
    return (p.dram_read_high_bytes - p.dram_read_low_bytes) / p.traffic.dram_read_bytes;
  };
  const std::string kernel = over_bytes(R"(
  - name: main
    entry: main
    grid: [132]
    threads: 128
    arguments: [x, y]
    program:
      - for: pass
        in: [0, 3]
        do:
          - for: part
            in: [0, 'ceil_div(bytes, tile)']
            do:
              - {load: x, at: [part * tile], extent: [tile]}
)");
  const Prediction fits = predict_ok(kernel, "bytes=14000000", profile);
  const Prediction transition = predict_ok(kernel, "bytes=28000000", profile);
  const Prediction thrash = predict_ok(kernel, "bytes=48000000", profile);
  EXPECT_LT(width(fits), 0.03);
  EXPECT_GT(width(transition), 0.10);
  EXPECT_LT(width(thrash), 0.05);
  EXPECT_EQ(fits.regime, Regime::fits);
  EXPECT_EQ(transition.regime, Regime::transition);
  EXPECT_EQ(thrash.regime, Regime::thrash);
}

TEST(Predict, AScanIsReadAgainAsOneScanWhateverSmallResultsAreKept) {
  // memory_probe's patterns keep one value per block; what was measured with them is the law of one tensor.
  const auto kernel = [](const std::string& result) {
    return definition(R"(
problem:
  bytes: {type: int, min: 1}
let: {part: bytes / 132}
tensors:
  x: {role: in, element: i8, shape: [bytes]}
  y: {role: out, element: i8, shape: ['132 * 32']}
launches:
  - name: main
    entry: main
    grid: [132]
    threads: 128
    arguments: [x, y]
    program:
      - for: pass
        in: [0, 4]
        do:
          - for: at
            in: [0, part, part / 16]
            do:
              - {load: x, at: [block * part + at], extent: [part / 16]}
)" + result + "useful_flops: 0\n");
  };
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const std::string bytes = "bytes=" + std::to_string(132 * 16 * 16384);
  const Prediction alone = predict_ok(kernel(""), bytes, profile);
  const Prediction keeps =
      predict_ok(kernel("      - {store: y, at: [block * 32], extent: [32]}\n"), bytes, profile);
  EXPECT_GT(alone.traffic.dram_read_bytes, 132 * 16 * 16384);
  EXPECT_NEAR(keeps.traffic.dram_read_bytes / alone.traffic.dram_read_bytes, 1, 1e-3);
}

TEST(Predict, AStreamIsCompulsoryAndLeavesItsLastWritesDirty) {
  const Prediction p = predict_ok(over_bytes(R"(
  - name: copy
    entry: copy
    grid: ['ceil_div(bytes, tile)']
    threads: 256
    arguments: [x, y]
    program:
      - {load: x, at: [item * tile], extent: [tile]}
      - {store: y, at: [item * tile], extent: [tile]}
)"),
                                  "bytes=256000000", profile_of("h100-sxm5-80gb"));
  EXPECT_EQ(p.regime, Regime::compulsory);
  EXPECT_NEAR(p.traffic.dram_read_bytes, 256e6, 1e3);
  EXPECT_NEAR(p.dirty_bytes, 21e6, 1e6);
  EXPECT_NEAR(p.traffic.dram_write_bytes + p.dirty_bytes, 256e6 + 348e3, 1e3);
  EXPECT_EQ(p.bound_by, Bottleneck::dram);
  // 512 MB at 90.4% of 3352 GB/s, less what stays in the L2.
  EXPECT_NEAR(p.time_seconds, (512e6 - 21e6) / (0.904 * 3352e9), 20e-6);
}

TEST(Predict, ADramGranuleIsMovedForEachIsolatedSector) {
  // Sectors of 32 B at a stride: 32 MB of them cost 32 MB if they are neighbours and 64 MB if not, as
  // measured on one H100.
  const std::string kernel = definition(R"(
problem:
  stride: {type: int, min: 1}
tensors:
  x: {role: in, element: f32, shape: [1000000, 8], strides: [stride * 8, 1]}
tunables:
  tile: [1000]
default: {tile: 1000}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: main
    grid: [1000]
    threads: 128
    arguments: [x]
    program:
      - {load: x, at: [item * tile, 0], extent: [tile, 8]}
useful_flops: 0
)");
  for (const auto& [stride, megabytes] : {std::pair{1, 32}, {2, 64}, {4, 64}, {8, 64}, {16, 64}}) {
    const Prediction p = predict_ok(kernel, "stride=" + std::to_string(stride), profile_of("h100-sxm5-80gb"));
    EXPECT_NEAR(p.traffic.dram_read_bytes, megabytes * 1e6, 1e5) << stride;
    EXPECT_NEAR(p.traffic.l2_read_bytes, 32e6, 1e5) << stride;
  }
}

const char* const kProducerConsumer = R"(
problem:
  bytes: {type: int, min: 1}
tensors:
  x: {role: in, element: u8, shape: [bytes]}
  t: {role: scratch, element: u8, shape: [bytes]}
  y: {role: out, element: u8, shape: [bytes]}
tunables:
  tile: [16384]
default: {tile: 16384}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: produce
    entry: produce
    grid: ['ceil_div(bytes, tile)']
    threads: 256
    arguments: [x, t]
    program:
      - {load: x, at: [item * tile], extent: [tile]}
      - {store: t, at: [item * tile], extent: [tile]}
  - name: consume
    entry: consume
    grid: ['ceil_div(bytes, tile)']
    threads: 256
    arguments: [t, y]
    program:
      - {load: t, at: [item * tile], extent: [tile]}
      - {store: y, at: [item * tile], extent: [tile]}
useful_flops: 0
)";

TEST(Predict, ALaterLaunchReadsWhatAnEarlierOneLeftInTheL2) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Prediction small = predict_ok(definition(kProducerConsumer), "bytes=4000000", profile);
  ASSERT_EQ(small.launches.size(), 2);
  EXPECT_EQ(small.launches[0].launch, "produce");
  EXPECT_NEAR(small.launches[0].traffic.dram_read_bytes, 4e6, 1);
  EXPECT_EQ(small.launches[1].traffic.dram_read_bytes, 0);
  EXPECT_NEAR(small.launches[0].dirty_bytes, 4e6, 1);
  EXPECT_NEAR(small.launches[1].dirty_bytes, 8e6, 1);
  EXPECT_NEAR(small.bounds.compulsory_bytes, 8e6,
              1);  // x once, y once; the scratch tensor need not reach DRAM

  const Prediction large = predict_ok(definition(kProducerConsumer), "bytes=200000000", profile);
  EXPECT_NEAR(large.launches[1].traffic.dram_read_bytes, 200e6, 1e6);
  // What the first launch left dirty is written while the second runs.
  EXPECT_GT(large.launches[1].traffic.dram_write_bytes, 200e6 - 5e6);
  const auto foreign = static_cast<double>(profile.l2_foreign_dirty_bytes);
  EXPECT_NEAR(large.traffic.dram_write_bytes + large.dirty_bytes, 400e6 + foreign, 1e3);
}

TEST(Predict, WhatReadsMoreThanTheL2WritesTheForeignDirtyLinesBack) {
  const std::string reader = over_bytes(R"(
  - name: read
    entry: read
    grid: ['ceil_div(bytes, tile)']
    threads: 256
    arguments: [x, y]
    program:
      - {load: x, at: [item * tile], extent: [tile]}
)");
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const auto written = [&](double share) {  // of the L2 that is read
    const auto bytes = static_cast<std::int64_t>(share * static_cast<double>(profile.l2_bytes));
    const std::string problem = "bytes=" + std::to_string(bytes / 65536 * 65536);
    const Prediction p = predict_ok(reader, problem, profile);
    EXPECT_EQ(p.dirty_bytes, 0);
    return p.traffic.dram_write_bytes;
  };
  EXPECT_EQ(written(0.3), 0);
  EXPECT_GT(written(0.6), 0);
  EXPECT_LT(written(0.6), static_cast<double>(profile.l2_foreign_dirty_bytes));
  EXPECT_EQ(written(3), static_cast<double>(profile.l2_foreign_dirty_bytes));
}

// 128 items in a row share a panel of x; the first of them take long.
constexpr const char* kQueued = R"(
  - name: main
    entry: main
    grid: [device.sm_count]
    threads: 256
    work_items: 4096
    schedule: dynamic
    arguments: [x, y]
    program:
      - let: {panel: item / 128}
      - for: step
        in: [0, '32 - item % 128 / 4']
        do:
          - {load: x, at: ['(panel * 32 + step) * 16 * tile'], extent: [16 * tile]}
          - compute: {tensor_flops: 4000000}
)";

TEST(Predict, ItemsThatAreTakenAheadOfTimeSpreadTheWorkOverMoreData) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const std::string problem = "bytes=" + std::to_string(32 * 32 * 16 * 16384);
  const Prediction in_time = predict_ok(over_bytes(kQueued), problem, profile);
  std::string ahead = kQueued;
  ahead.replace(ahead.find("schedule: dynamic"), 17, "schedule: dynamic\n    items_ahead: 3");
  const Prediction early = predict_ok(over_bytes(ahead), problem, profile);
  // The same work, each item once.
  EXPECT_EQ(early.traffic.l2_read_bytes, in_time.traffic.l2_read_bytes);
  EXPECT_EQ(early.bounds.compulsory_bytes, in_time.bounds.compulsory_bytes);
  EXPECT_GT(early.traffic.dram_read_bytes, 1.1 * in_time.traffic.dram_read_bytes);
}

TEST(Predict, TrafficByTensorAddsUpToTheWholeButForForeignLines) {
  DeviceProfile profile = profile_of("a100-sxm4-80gb");
  profile.l2_foreign_dirty_bytes = 0;
  const Prediction p = predict_ok(kGemm, gemm_problem(4096, 4096, 4096), profile);
  Traffic sum;
  for (const TensorTraffic& tensor : p.tensors) {
    sum.dram_read_bytes += tensor.traffic.dram_read_bytes;
    sum.dram_write_bytes += tensor.traffic.dram_write_bytes;
    sum.l2_read_bytes += tensor.traffic.l2_read_bytes;
  }
  ASSERT_EQ(p.tensors.size(), 3);
  EXPECT_EQ(p.tensors[2].tensor, "c");
  EXPECT_EQ(p.tensors[2].traffic.dram_read_bytes, 0);
  EXPECT_DOUBLE_EQ(sum.dram_read_bytes, p.traffic.dram_read_bytes);
  EXPECT_DOUBLE_EQ(sum.dram_write_bytes, p.traffic.dram_write_bytes);
  EXPECT_DOUBLE_EQ(sum.l2_read_bytes, p.traffic.l2_read_bytes);
}

TEST(Predict, ATableSaysWhichTilesAreRead) {
  const std::string kernel = definition(R"(
problem:
  blocks: {type: int, min: 1}
tables:
  kept: {summary: tiles to read}
tensors:
  x: {role: in, element: u8, shape: [blocks * 4096]}
tunables:
  tile: [4096]
default: {tile: 4096}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: main
    grid: [kept.length]
    threads: 128
    arguments: [x]
    program:
      - {load: x, at: ['kept[item] * tile'], extent: [tile]}
useful_flops: 0
)");
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Prediction p = predict_ok(kernel, "blocks=100", profile, "", {}, {{"kept", {3, 50, 99, 3}}});
  EXPECT_EQ(p.traffic.dram_read_bytes, 3 * 4096);
  EXPECT_EQ(p.traffic.l2_read_bytes, 4 * 4096);
}

std::string scheduled(const std::string& schedule) {
  return over_bytes(R"(
  - name: main
    entry: main
    grid: [132]
    work_items: ceil_div(bytes, tile)
    threads: 256
    schedule: )" + schedule +
                    R"(
    arguments: [x, y]
    program:
      - if: item % 3 == 0
        then:
          - {load: x, at: [item * tile], extent: [tile]}
      - {store: y, at: [item * tile], extent: [tile]}
)");
}

TEST(Predict, PersistentBlocksDoAllWorkUnderEitherSchedule) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  for (const char* schedule : {"static", "dynamic"}) {
    const Prediction p = predict_ok(scheduled(schedule), "bytes=16384000", profile);
    EXPECT_EQ(p.traffic.l2_write_bytes, 16384000) << schedule;
    EXPECT_EQ(p.traffic.l2_read_bytes, 16384.0 * 334) << schedule;
  }
}

TEST(Predict, MulticastFeedsACluster) {
  const auto kernel = [](const char* multicast) {
    return over_bytes(std::string(R"(
  - name: main
    entry: main
    grid: [132]
    cluster: [2]
    threads: 256
    arguments: [x, y]
    program:
      - for: part
        in: [0, 'ceil_div(bytes, tile)']
        do:
          - {load: x, at: [part * tile], extent: [tile], multicast: )") +
                      multicast + "}\n");
  };
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Prediction alone = predict_ok(kernel("1"), "bytes=1638400", profile);
  const Prediction fed = predict_ok(kernel("2"), "bytes=1638400", profile);
  EXPECT_EQ(alone.traffic.l2_read_bytes, 132 * 1638400.0);
  EXPECT_EQ(fed.traffic.l2_read_bytes, 66 * 1638400.0);
  EXPECT_EQ(fed.traffic.dram_read_bytes, 1638400);
}

TEST(Predict, AReductionReadsWhatIsNotInTheL2AndLeavesItDirty) {
  const Prediction p = predict_ok(over_bytes(R"(
  - name: main
    entry: main
    grid: [132]
    threads: 256
    arguments: [x, y]
    program:
      - {reduce: y, at: [0], extent: [bytes]}
)"),
                                  "bytes=1000000", profile_of("h100-sxm5-80gb"));
  EXPECT_NEAR(p.traffic.dram_read_bytes, 1e6, 64);
  EXPECT_NEAR(p.dirty_bytes, 1e6, 64);
  EXPECT_NEAR(p.traffic.l2_write_bytes, 132e6, 132 * 32);
}

TEST(Predict, AProgramThatDividesByZeroIsAUsageError) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const auto result = predict(profile, resolve(over_bytes(R"(
  - name: main
    entry: main
    grid: [4]
    threads: 32
    arguments: [x, y]
    program:
      - {load: x, at: [tile / item], extent: [tile]}
)"),
                                               "bytes=100000", profile));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::usage);
  EXPECT_THAT(result.error().message, testing::HasSubstr("tile / item"));
}

// What a walk of several iterations at a time must not change: sums exactly, DRAM reads nearly.
TEST(Predict, StreamingLoopsReadAsMuchAsTheSameLoopsWithoutAStream) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  // An extent that is not a constant hides the stream.
  const auto kernel = [](const std::string& extent) {
    return over_bytes(R"(
  - name: main
    entry: main
    grid: [528]
    threads: 1024
    arguments: [x, y]
    program:
      - for: pass
        in: [0, 2]
        do:
          - for: part
            in: [0, 'ceil_div(bytes, tile)']
            prefetch: 2
            do:
              - {load: x, at: [part * tile], extent: [)" +
                      extent + R"(]}
)");
  };
  for (const char* bytes : {"bytes=20000000", "bytes=40000000", "bytes=20001024"}) {
    const Prediction streamed = predict_ok(kernel("tile"), bytes, profile);
    const Prediction single = predict_ok(kernel("'tile + 0 * block'"), bytes, profile);
    EXPECT_DOUBLE_EQ(streamed.traffic.l2_read_bytes, single.traffic.l2_read_bytes) << bytes;
    EXPECT_DOUBLE_EQ(streamed.bounds.sram_level_bytes, single.bounds.sram_level_bytes) << bytes;
    EXPECT_DOUBLE_EQ(streamed.bounds.compulsory_bytes, single.bounds.compulsory_bytes) << bytes;
    EXPECT_NEAR(streamed.traffic.dram_read_bytes / single.traffic.dram_read_bytes, 1, 0.02) << bytes;
  }
}

TEST(Predict, MatricesOfMoreCellsThanAreKeptAreStillMovedOnce) {
  // Rows are stored one by one and read in narrow tiles: cells of one row by 32 columns would be four times
  // as many as are kept. Larger ones are filled part by part, and none spans two matrices, which are not
  // worked on at the same time.
  const std::string kernel = definition(R"(
problem:
  batch: {type: int, min: 1}
tensors:
  s: {role: inout, element: bf16, shape: [batch, 8, 1024, 256]}
tunables:
  tile: [32]
default: {tile: 32}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: rows
    entry: rows
    grid: [1024, 8, batch]
    threads: 128
    arguments: [s]
    program:
      - {store: s, at: [block_z, block_y, block_x, 0], extent: [1, 1, 1, 256]}
  - name: tiles
    entry: tiles
    grid: [16, 8, batch]
    threads: 1024
    arguments: [s]
    program:
      - for: step
        in: [0, 8]
        prefetch: 1
        do:
          - let: {width: tile}
          - {load: s, at: [block_z, block_y, block_x * 64, step * width], extent: [1, 1, 64, width]}
useful_flops: 0
)");
  const double bytes = 64.0 * 8 * 1024 * 256 * 2;
  const Prediction p = predict_ok(kernel, "batch=64", profile_of("h100-sxm5-80gb"));
  EXPECT_NEAR(p.launches[0].traffic.dram_write_bytes + p.launches[0].dirty_bytes, bytes, 0.01 * bytes);
  EXPECT_EQ(p.launches[0].traffic.dram_read_bytes, 0);
  EXPECT_NEAR(p.launches[1].traffic.dram_read_bytes, bytes, 0.02 * bytes);
}

TEST(Predict, BlocksThatShareAnSmDriftApartAndReadMore) {
  // Two waves and more of blocks, all of which read the same 60 MB: alone on an SM they stay together and a
  // wave reads it once; two on an SM compete for its arithmetic, the older wins, and the two halves of a wave
  // read it separately.
  const std::string kernel = over_bytes(R"(
  - name: main
    entry: main
    grid: [1056]
    threads: 256
    shared_bytes: SHARED
    arguments: [x, y]
    program:
      - for: part
        in: [0, 'ceil_div(bytes, tile)']
        prefetch: 4
        do:
          - {load: x, at: [part * tile], extent: [tile]}
          - compute: {tensor_flops: tile * 2000}
)");
  const auto reads_per_wave = [&](const std::string& shared_bytes) {
    std::string text = kernel;
    text.replace(text.find("SHARED"), 6, shared_bytes);
    const Prediction p = predict_ok(text, "bytes=60000000", profile_of("h100-sxm5-80gb"));
    return p.traffic.dram_read_bytes / 60e6 / p.launches[0].waves;
  };
  EXPECT_NEAR(reads_per_wave("200000"), 1, 0.05);
  EXPECT_GT(reads_per_wave("100000"), 1.3);
}

TEST(Predict, ABlockThatFitsOnNoSmIsRejected) {
  const DeviceProfile profile = profile_of("rtx-4090");
  Candidate candidate = resolve(kGemm, gemm_problem(512, 512, 512), profile);
  ASSERT_TRUE(predict(profile, candidate, {.registers_per_thread = 255}).ok());
  candidate.launches[0].threads = {512, 1, 1};
  const auto result = predict(profile, candidate, {.registers_per_thread = 255});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::rejected);
  EXPECT_THAT(result.error().message, testing::HasSubstr("512 threads"));
  EXPECT_THAT(result.error().message, testing::HasSubstr("255 registers"));
}

TEST(Predict, TheCompilersRegistersAreThoseOfTheLaunchThatAsksForMost) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const std::string kernel = over_bytes(R"(
  - name: wide
    entry: wide
    grid: [132]
    threads: 256
    registers_per_thread: 32
    arguments: [x, y]
    program:
      - {load: x, at: [item * tile], extent: [tile]}
  - name: deep
    entry: deep
    grid: [132]
    threads: 128
    registers_per_thread: 160
    arguments: [x, y]
    program:
      - {store: y, at: [item * tile], extent: [tile]}
)");
  const Prediction p = predict_ok(kernel, "bytes=2162688", profile, "", {.registers_per_thread = 168});
  EXPECT_EQ(p.launches[0].blocks_per_sm, 8);  // by threads: its own 32 registers are not what limits it
  EXPECT_EQ(p.launches[1].blocks_per_sm, 3);  // 65536 registers / (128 * 168)
}

TEST(Predict, AGemmThatLoadsFarEnoughAheadIsBoundByTheTensorCores) {
  std::string ahead = kGemm;
  ahead.replace(ahead.find("prefetch: 1"), 11, "prefetch: 3");
  const DeviceProfile profile = profile_of("a100-sxm4-80gb");
  const Prediction p = predict_ok(ahead, gemm_problem(4096, 4096, 4096), profile, "tile_n=256");
  const Prediction waits = predict_ok(kGemm, gemm_problem(4096, 4096, 4096), profile, "tile_n=256");
  EXPECT_GT(waits.time_seconds, 1.05 * p.time_seconds);
  EXPECT_EQ(p.bound_by, Bottleneck::tensor);
  const double least = 2.0 * 4096 * 4096 * 4096 / 312e12;
  EXPECT_GT(p.time_seconds, least);
  EXPECT_LT(p.time_seconds, 1.4 * least);
}

}  // namespace
}  // namespace weir
