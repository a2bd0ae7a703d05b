#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "gpu/faulty_backend.h"
#include "gpu/recorded_backend.h"

namespace weir {
namespace {

using testing::HasSubstr;

Candidate candidate(int tile, int m = 64) {
  Candidate c;
  c.kernel = "gemm";
  c.problem.values = {{"m", m, std::to_string(m)}};
  c.config.values = {{"tile", tile, std::to_string(tile)}};
  return c;
}

RecordedRow row(int tile) {
  RecordedRow r{.kernel = "gemm", .problem = "m=64", .config = "tile=" + std::to_string(tile)};
  r.measurement.tier = Tier::counters;
  r.measurement.resources.registers_per_thread = tile;
  r.measurement.verification.passed = true;
  r.measurement.timing = {.median_seconds = tile * 1e-6, .samples = 10, .l2_state = "cold"};
  r.measurement.counters = {.dram_read_bytes = tile * 1e6, .repeats = 1};
  return r;
}

std::vector<RecordedRow> rows() {
  RecordedRow broken = row(4);
  broken.failure = "the worker was killed by signal 11, Segmentation fault";
  RecordedRow uncounted = row(8);
  uncounted.measurement.tier = Tier::events;
  uncounted.measurement.counters = {};
  return {row(1), row(2), broken, uncounted};
}

TEST(RecordedBackend, AnswersWhatWasRecorded) {
  RecordedBackend backend({.name = "GPU"}, {.gpu_name = "GPU"}, rows());
  EXPECT_EQ(backend.tier(), Tier::counters);
  EXPECT_EQ(backend.tier_reason(), "");
  ASSERT_TRUE(backend.prepare(candidate(1)));
  const Result<Executable> executable = backend.build(candidate(2));
  ASSERT_TRUE(executable) << executable.error().message;
  EXPECT_EQ(executable.value().resources.registers_per_thread, 2);
  EXPECT_EQ(backend.verify(executable.value()).value(), rows()[1].measurement.verification);
  EXPECT_EQ(backend.time({{executable.value()}}, {}).at(0).value(), rows()[1].measurement.timing);
  EXPECT_EQ(backend.count(executable.value(), {}).value(), rows()[1].measurement.counters);
}

TEST(RecordedBackend, SaysWhatIsNotInTheRecording) {
  RecordedBackend backend({}, {}, rows());
  const Result<Executable> unknown = backend.build(candidate(99));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::failed);
  EXPECT_THAT(unknown.error().message, HasSubstr("not in the recording"));
  EXPECT_EQ(backend.prepare(candidate(1, 128)).error().kind, ErrorKind::missing);
  EXPECT_EQ(backend.count(backend.build(candidate(8)).value(), {}).error().kind, ErrorKind::failed);
}

TEST(RecordedBackend, RepeatsARecordedFailure) {
  RecordedBackend backend({}, {}, rows());
  const Executable broken = backend.build(candidate(4)).value();
  EXPECT_THAT(backend.verify(broken).error().message, HasSubstr("signal 11"));
  EXPECT_FALSE(backend.time({{broken}}, {}).at(0));
}

TEST(RecordedBackend, TakesItsTime) {
  RecordedBackend backend({}, {}, rows(), {.delay_seconds = 0.05});
  const Executable executable = backend.build(candidate(1)).value();
  const auto start = std::chrono::steady_clock::now();
  (void)backend.verify(executable);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
}

TEST(RecordedBackend, HasNoTierWithoutRows) {
  RecordedBackend backend({}, {}, {});
  EXPECT_EQ(backend.tier(), Tier::none);
  EXPECT_NE(backend.tier_reason(), "");
}

TEST(FaultyBackend, InjectsWhatThePlanSays) {
  FaultPlan plan{.by_config = {{"tile=1", Fault::crash}, {"tile=2", Fault::time_crash}}};
  FaultyBackend backend(std::make_unique<RecordedBackend>(DeviceFacts{}, Provenance{}, rows()), plan);
  const Executable crashing = backend.build(candidate(1)).value();
  EXPECT_EQ(backend.verify(crashing).error().kind, ErrorKind::failed);
  const Executable late = backend.build(candidate(2)).value();
  EXPECT_TRUE(backend.verify(late).value().passed);
  const Executable fine = backend.build(candidate(8)).value();
  const auto timed = backend.time({{late, fine}}, {});
  EXPECT_FALSE(timed.at(0));
  EXPECT_EQ(timed.at(1).value().median_seconds, 8e-6);

  plan.by_config = {{"tile=1", Fault::wrong_result}, {"tile=2", Fault::build_error}};
  FaultyBackend wrong(std::make_unique<RecordedBackend>(DeviceFacts{}, Provenance{}, rows()), plan);
  EXPECT_FALSE(wrong.verify(crashing).value().passed);
  EXPECT_FALSE(wrong.build(candidate(2)));
}

TEST(FaultPlan, DependsOnSeedAndCandidateAlone) {
  const FaultPlan plan{.seed = 3, .probability = {{Fault::crash, 0.2}, {Fault::wrong_result, 0.1}}};
  int crashes = 0, wrong = 0, moved = 0;
  FaultPlan other = plan;
  other.seed = 4;
  for (int i = 0; i < 2000; ++i) {
    const std::string config = "tile=" + std::to_string(i);
    const Fault fault = planned_fault(plan, "gemm", "m=64", config);
    EXPECT_EQ(fault, planned_fault(plan, "gemm", "m=64", config));
    crashes += fault == Fault::crash;
    wrong += fault == Fault::wrong_result;
    moved += fault != planned_fault(other, "gemm", "m=64", config);
  }
  EXPECT_NEAR(crashes, 400, 90);  // five standard deviations
  EXPECT_NEAR(wrong, 200, 67);
  EXPECT_GT(moved, 500);
}

}  // namespace
}  // namespace weir
