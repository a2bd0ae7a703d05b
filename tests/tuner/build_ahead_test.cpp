#include "tuner/build_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

// Builds nothing, and counts how often it was asked for each configuration.
class CountingBackend : public Backend {
 public:
  CountingBackend() { facts_.limits = test::h100(); }
  const DeviceFacts& facts() const override { return facts_; }
  Tier tier() const override { return Tier::events; }
  std::string tier_reason() const override { return ""; }
  Provenance provenance() const override { return {}; }
  Result<Executable> build(const Candidate& candidate) override {
    const std::lock_guard lock(mutex_);
    ++built_[to_string(candidate.config)];
    Executable executable;
    executable.config = to_string(candidate.config);
    return executable;
  }
  Status prepare(const Candidate&) override { return ok_status(); }
  Result<Verification> verify(const Executable&) override { return unused(); }
  std::vector<Result<Timing>> time(std::span<const Executable>, const TimingOptions&) override { return {}; }
  Result<Counters> count(const Executable&, const CountOptions&) override { return unused(); }

  std::map<std::string, int> built() const { return built_; }

 private:
  static Error unused() { return Error{ErrorKind::unexpected, "not used", ""}; }
  DeviceFacts facts_;
  std::mutex mutex_;
  std::map<std::string, int> built_;
};

class BuildAheadTest : public testing::Test {
 protected:
  BuildAheadTest()
      : definition_(test::parse_or_stop(test::gemm_yaml())),
        problem_(test::problem_or_stop(definition_, "m=512,n=512,k=512")),
        configs_(definition_.enumerate(test::h100())) {}

  std::vector<Config> some(std::size_t first, std::size_t count) const {
    const auto begin = configs_.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }
  static void expect_results_for(const std::vector<BuiltCandidate>& built,
                                 const std::vector<Config>& configs) {
    ASSERT_EQ(built.size(), configs.size());
    for (std::size_t i = 0; i < built.size(); ++i) {
      if (!built[i].candidate) continue;  // could not be resolved
      EXPECT_EQ(built[i].executable->config, to_string(configs[i]));
    }
  }
  void expect_nothing_built_twice() const {
    EXPECT_FALSE(backend_.built().empty());
    for (const auto& [config, times] : backend_.built()) EXPECT_EQ(times, 1) << config;
  }

  KernelDefinition definition_;
  Problem problem_;
  std::vector<Config> configs_;
  CountingBackend backend_;
};

TEST_F(BuildAheadTest, AGoodGuessIsBuiltOnceAndInOrder) {
  BuildAhead builder(definition_, problem_, backend_, 4, {});
  expect_results_for(builder.build(some(0, 8)), some(0, 8));
  builder.start(some(8, 8));
  std::vector<Config> reversed = some(8, 8);
  std::ranges::reverse(reversed);
  expect_results_for(builder.build(reversed), reversed);
  expect_nothing_built_twice();
}

TEST_F(BuildAheadTest, AHalfWrongGuessIsCompleted) {
  BuildAhead builder(definition_, problem_, backend_, 4, {});
  builder.start(some(0, 8));
  expect_results_for(builder.build(some(4, 8)), some(4, 8));
  expect_nothing_built_twice();
  expect_results_for(builder.build(some(12, 4)), some(12, 4));  // with no guess at all
}

TEST_F(BuildAheadTest, WhatAStopLeftOutIsBuiltWhenItIsWanted) {
  std::atomic<bool> stop{true};
  BuildAhead builder(definition_, problem_, backend_, 4, [&] { return stop.load(); });
  builder.start(some(0, 8));
  const std::vector<BuiltCandidate> built = builder.build(some(0, 8));
  for (const BuiltCandidate& each : built)
    EXPECT_FALSE(each.error && each.error->kind == ErrorKind::interrupted);
  expect_results_for(built, some(0, 8));
}

TEST_F(BuildAheadTest, AGuessThatIsNeverWantedDoesNoHarm) {
  BuildAhead builder(definition_, problem_, backend_, 4, {});
  builder.start(some(0, 8));
  builder.start(some(8, 8));
}

}  // namespace
}  // namespace weir
