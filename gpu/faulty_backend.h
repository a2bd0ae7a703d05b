// Injects faults around another backend, by a plan that depends on the seed and on the candidate alone: the
// same candidate always fails the same way, whatever the order of calls.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "gpu/backend.h"

namespace weir {

enum class Fault {
  none,
  build_error,   // build() fails
  slow_build,    // build() takes FaultPlan::delay_seconds longer
  crash,         // verify() fails as if the worker had died
  hang,          // verify() fails after FaultPlan::delay_seconds as if the worker had been killed
  wrong_result,  // verify() finds a wrong element
  time_crash,    // verify() passes, time() fails
  count_crash,   // count() fails
};

struct FaultPlan {
  std::uint64_t seed = 1;
  std::map<Fault, double> probability;     // per candidate; their sum is at most 1
  std::map<std::string, Fault> by_config;  // to_string(Config): takes precedence
  double delay_seconds = 0;
};

// The plan's fault for a candidate.
Fault planned_fault(const FaultPlan& plan, const std::string& kernel, const std::string& problem,
                    const std::string& config);

class FaultyBackend : public Backend {
 public:
  FaultyBackend(std::unique_ptr<Backend> inner, FaultPlan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  const DeviceFacts& facts() const override { return inner_->facts(); }
  Tier tier() const override { return inner_->tier(); }
  std::string tier_reason() const override { return inner_->tier_reason(); }
  Provenance provenance() const override { return inner_->provenance(); }

  Result<Executable> build(const Candidate& candidate) override;
  Status prepare(const Candidate& candidate) override { return inner_->prepare(candidate); }
  Result<Verification> verify(const Executable& executable) override;
  std::vector<Result<Timing>> time(std::span<const Executable> executables,
                                   const TimingOptions& options) override;
  Result<Counters> count(const Executable& executable, const CountOptions& options) override;

 private:
  Fault fault_of(const Executable& executable) const;

  std::unique_ptr<Backend> inner_;
  FaultPlan plan_;
};

}  // namespace weir
