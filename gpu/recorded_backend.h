// A backend that answers from recorded rows: the tuner runs on it as on a GPU, without one.
#pragma once

#include <string>
#include <vector>

#include "gpu/backend.h"

namespace weir {

struct RecordedRow {
  std::string kernel;
  std::string problem;  // to_string(Problem)
  std::string config;   // to_string(Config)
  std::string failure;  // not empty: every call about it but build() fails with this reason
  Measurement measurement;
};

struct RecordedOptions {
  double delay_seconds = 0;  // of every call but build()
};

class RecordedBackend : public Backend {
 public:
  // Its tier is the best of its rows. Of rows with the same kernel, problem and config the last counts.
  RecordedBackend(DeviceFacts facts, Provenance provenance, std::vector<RecordedRow> rows,
                  RecordedOptions options = {});

  const DeviceFacts& facts() const override { return facts_; }
  Tier tier() const override { return tier_; }
  std::string tier_reason() const override { return tier_reason_; }
  Provenance provenance() const override { return provenance_; }

  // ErrorKind::failed for a candidate that is not in the recording.
  Result<Executable> build(const Candidate& candidate) override;
  Status prepare(const Candidate& candidate) override;
  Result<Verification> verify(const Executable& executable) override;
  std::vector<Result<Timing>> time(std::span<const Executable> executables,
                                   const TimingOptions& options) override;
  Result<Counters> count(const Executable& executable, const CountOptions& options) override;

 private:
  Result<const RecordedRow*> find(const std::string& kernel, const std::string& problem,
                                  const std::string& config) const;
  Result<const RecordedRow*> replay(const Executable& executable) const;
  void wait() const;

  DeviceFacts facts_;
  Provenance provenance_;
  std::map<std::string, RecordedRow> rows_;
  RecordedOptions options_;
  Tier tier_ = Tier::none;
  std::string tier_reason_;
};

}  // namespace weir
