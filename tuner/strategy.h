// Which candidates are measured, and when that is enough. Strategies see only predictions and measured times,
// so they are tested on numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir {

// What a strategy knows of a candidate; the index into the vector is the candidate's identity.
struct Trial {
  double predicted_seconds = 0;
  bool is_default = false;
  enum class State { open, measured, failed } state = State::open;
  double measured_seconds = 0;  // of a measured one
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  // The next candidates to measure, all open; empty when the stopping rule holds.
  virtual std::vector<std::size_t> next(const std::vector<Trial>& trials) = 0;
  // Why next() returned nothing, for people.
  virtual std::string stopped_because() const = 0;
};

struct StrategyOptions {
  std::string name = "model";  // model | exhaustive | random
  std::int64_t budget = 0;     // candidates to measure at most; 0: no limit
  std::int64_t batch = 8;      // candidates that are timed interleaved
  std::uint64_t seed = 1;
};

// usage error for an unknown name.
Result<std::unique_ptr<Strategy>> make_strategy(const StrategyOptions& options);

// The stopping rule of `model`: the fastest time that an open candidate may plausibly have, its prediction
// times the smallest ratio measured / predicted seen so far (the 5% quantile from 20 measurements on).
// Nothing if none is open or measured.
std::optional<double> optimistic_open_seconds(const std::vector<Trial>& trials);

}  // namespace weir
