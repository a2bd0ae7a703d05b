// The state of one problem's sweep, and the steps that tune.cpp puts in order.
#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "tuner/build_ahead.h"
#include "tuner/space.h"
#include "tuner/tune.h"

namespace weir {

class Sweep {
 public:
  Sweep(const TuneRequest& request, Backend& backend, Store& store, TuneObserver& observer);

  Status identify();  // source hash, provenance; stores the definition
  Status explore();   // enumerate, reject with reason, predict; stores the rejected
  Status resume();    // takes over what the store already holds
  Status prepare();   // inputs and references on the device; once, and only if something is to be measured
  bool interrupted() const;
  bool out_of_time() const;

  // One batch of the strategy: compile, reject, verify, time, count, store.
  // What is probably next is compiled meanwhile.
  Status measure(const std::vector<std::size_t>& batch, const std::vector<std::size_t>& probably_next);
  Status remeasure_finalists();
  Result<TuneResult> result(const Strategy& strategy) const;

  const std::vector<Trial>& trials() const { return trials_; }

 private:
  struct Built {
    std::size_t index;
    Executable executable;
    Measurement measurement;
  };

  std::vector<Config> configs_of(const std::vector<std::size_t>& batch) const;
  std::vector<Built> build(const std::vector<std::size_t>& batch, Status& status);
  void verify(std::vector<Built>& built, Status& status);
  void time(std::vector<Built>& built, const TimingOptions& options, Status& status);
  Status count(Built& built);  // and stores the row
  Status store_modules(const Candidate& candidate, const Executable& executable);
  Measurement blank_measurement() const;
  Status record(std::size_t index, Outcome outcome, const std::string& reason,
                const std::optional<Measurement>& measurement);
  Status fail(std::size_t index, const Error& error, Measurement measurement);
  Record row(const Config& config, Outcome outcome, const std::string& reason) const;

  const TuneRequest& request_;
  Backend& backend_;
  Store& store_;
  TuneObserver& observer_;
  std::string source_hash_;
  std::string problem_text_;
  Provenance provenance_;
  Space space_;
  std::vector<Trial> trials_;
  std::map<std::size_t, Record> measured_;  // by index into the space
  std::map<std::size_t, Executable> executables_;
  BuildAhead builder_;
  std::int64_t failed_ = 0;
  std::int64_t resumed_ = 0;
  bool prepared_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace weir
