// The tuner's view of hardware: build a candidate, check it, time it, count its traffic. Implementations: a
// worker process that owns a GPU (worker_backend.h), recorded rows (recorded_backend.h), and injected faults
// around another one (faulty_backend.h).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/measurement.h"
#include "base/result.h"
#include "gpu/device_facts.h"
#include "kernels/candidate.h"

namespace weir {

// One launch as the driver takes it.
struct ExecutableLaunch {
  std::string name;
  std::string entry;
  std::array<std::int64_t, 3> grid{1, 1, 1};
  std::array<std::int64_t, 3> threads{1, 1, 1};
  std::array<std::int64_t, 3> cluster{1, 1, 1};
  std::int64_t shared_bytes = 0;
  std::vector<Argument> arguments;

  bool operator==(const ExecutableLaunch&) const = default;
};

// A compiled candidate. `kernel`, `problem` and `config` are its identity in stores and messages.
struct Executable {
  std::string kernel;
  std::string problem;
  std::string config;
  std::filesystem::path cubin;  // in the compile cache; empty for a recorded one
  std::vector<ExecutableLaunch> launches;
  std::vector<TensorLayout> tensors;  // the candidate's: the size of scratch may depend on its configuration
  Resources resources;
  bool deterministic = false;  // verify() runs it twice and wants the same bits
};

// The launch part of a candidate: what Executable::launches holds.
std::vector<ExecutableLaunch> executable_launches(const Candidate& candidate);

struct TimingOptions {
  bool cold_l2 = true;
  double target_relative_width =
      0.01;  // stop when the half-width of the 95% interval over the median is below this
  std::int64_t minimum_samples = 10;
  std::int64_t maximum_samples = 200;
  double maximum_seconds = 1.0;  // per candidate, flushes included
  std::uint64_t seed = 1;        // of the order in which candidates are interleaved
  // Abandon a candidate after three samples when its fastest is this many times the fastest of the group; 0:
  // never.
  double abandon_factor = 0;
};

struct CountOptions {
  std::int64_t repeats = 1;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const DeviceFacts& facts() const = 0;
  virtual Tier tier() const = 0;
  virtual std::string tier_reason() const = 0;  // why not a higher tier; empty at tier A
  virtual Provenance provenance() const = 0;    // without the date

  // Compiles. Thread-safe: the tuner calls it from many threads. A candidate that spills is returned with its
  // Resources; the tuner decides. ErrorKind::failed carries the compiler's log.
  virtual Result<Executable> build(const Candidate& candidate) = 0;

  // Allocates the problem's tensors, fills the inputs with random values and runs both references. Needs a
  // candidate of the problem for its tensors and its verify plan; what was prepared before is released.
  virtual Status prepare(const Candidate& candidate) = 0;

  // The calls below need prepare() for the executable's problem. ErrorKind::failed: crash, hang or launch
  // error, which costs this candidate only; the backend recovers before the next call.
  virtual Result<Verification> verify(const Executable& executable) = 0;
  // One result per executable, timed in interleaved rounds.
  virtual std::vector<Result<Timing>> time(std::span<const Executable> executables,
                                           const TimingOptions& options) = 0;
  // Precondition: tier() == Tier::counters.
  virtual Result<Counters> count(const Executable& executable, const CountOptions& options) = 0;
};

}  // namespace weir
