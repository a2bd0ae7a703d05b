// The tuner: enumerate, reject, predict, compile, reject, choose, verify, time, count, store, until the
// stopping rule holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "kernels/definition.h"
#include "profiles/device_profile.h"
#include "store/store.h"
#include "tuner/calibration.h"
#include "tuner/strategy.h"

namespace weir {

struct TuneOptions {
  StrategyOptions strategy;
  TimingOptions timing;
  CountOptions count;
  bool counters = true;  // count the traffic when the backend can
  bool resume = true;    // keep what the store already holds for this exact candidate, device and policy
  std::int64_t finalists = 4;  // re-timed together with tighter intervals at the end; 0: none
  // A candidate that spills more is rejected after compilation: its traffic would be the spills', not its
  // tiles'. A few spilled registers are no reason: on an H100 the best attention_forward for head dimension
  // 64 and 2048 keys spills 20 bytes.
  std::int64_t spill_limit_bytes = 64;
  double time_budget_seconds = 0;          // per problem; 0: none
  unsigned threads = 0;                    // that predict and compile; 0: all cores
  std::optional<Calibration> calibration;  // of predicted times
};

// What the tuner is doing, for progress displays. Called from one thread at a time.
class TuneObserver {
 public:
  virtual ~TuneObserver() = default;
  virtual void predicting(std::size_t /*done*/, std::size_t /*total*/) {}
  virtual void explored(std::size_t /*legal*/, std::size_t /*rejected*/, std::size_t /*resumed*/) {}
  virtual void finished(const Record& /*record*/, std::size_t /*measured*/) {}
  virtual void note(const std::string& /*message*/) {}
};

struct TuneResult {
  std::string kernel;
  std::string problem;
  std::int64_t measured = 0;  // rows that hold a measurement now, resumed ones included
  std::int64_t resumed = 0;   // of these and of the failed ones, already in the store
  std::int64_t rejected = 0;
  std::int64_t failed = 0;
  std::string stopped_because;
  bool interrupted = false;
  std::optional<Choice> choice;
};

struct TuneRequest {
  const KernelDefinition& definition;
  Problem problem;
  const DeviceProfile& profile;
  std::filesystem::path include_folder;  // kernels/, for the source hash
  TuneOptions options;
  std::vector<Config> only;    // just these configurations; empty: the whole space
  std::function<bool()> stop;  // polled between candidates; true: save and return with interrupted set
};

// Errors are what stops a sweep as a whole (store busy or corrupt, no device, broken definition, a reference
// that cannot run); a candidate that fails is a row.
Result<TuneResult> tune(const TuneRequest& request, Backend& backend, Store& store, TuneObserver& observer);

// Correctness alone: the legal candidates in the strategy's order, `budget` at most, are built and verified;
// nothing is stored.
struct VerifyResult {
  std::int64_t passed = 0;
  std::vector<std::pair<std::string, std::string>> failures;  // config, reason
  std::int64_t rejected = 0;
};
Result<VerifyResult> verify_all(const TuneRequest& request, Backend& backend, TuneObserver& observer);

// Errors of a backend call that cost one candidate; every other kind ends the sweep.
bool costs_only_the_candidate(const Error& error);

// The measurement policy in one line: part of a row's identity.
std::string policy_text(const TuneOptions& options);

}  // namespace weir
