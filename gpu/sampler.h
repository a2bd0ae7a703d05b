// Takes one timing sample at a time, and brings the L2 into a known state.
#pragma once

#include <functional>

#include "base/result.h"
#include "gpu/loaded_program.h"
#include "gpu/problem_memory.h"
#include "gpu/utility_kernels.h"

namespace weir {

struct Sample {
  double seconds = 0;         // between events around the launches
  double sm_clock_hertz = 0;  // mean over the sample, its L2 sweeps included; 0 if it could not be read
};

// What one event timestamp is worth on current GPUs: they tick at 31.25 MHz.
inline constexpr double kEventTickSeconds = 32e-9;

class Sampler {
 public:
  static Result<Sampler> create(const Driver& driver, UtilityKernels& kernels, cuda::Stream stream,
                                std::int64_t l2_bytes);

  // Queues a write sweep, which evicts everything, and then a read sweep of other memory, which writes back
  // what the first left dirty: the L2 ends up full of clean lines that no kernel uses. Each sweep is of twice
  // the L2.
  Status clean_l2();

  // Warms up the GPU's clocks for `seconds`.
  Status warm_up(double seconds);

  // Restores the tensors, then runs the program once: after clean_l2() if `cold`, otherwise right after an
  // unmeasured run. All of it is queued before the program's start is reached, so that the launch costs
  // nothing; a sample for which that was not so is taken again behind a longer wait.
  Result<Sample> take(LoadedProgram& program, ProblemMemory& memory, bool cold, double seconds_limit);

  // The same for any work: both queue on the sampler's stream, and only `launch` is timed.
  using Work = std::function<Status()>;
  Result<Sample> take(const Work& restore, const Work& launch, bool cold, double seconds_limit);

 private:
  Result<bool> try_take(const Work& restore, const Work& launch, bool cold, double seconds_limit,
                        Sample& sample);

  const Driver* driver_ = nullptr;
  UtilityKernels* kernels_ = nullptr;
  cuda::Stream stream_ = nullptr;
  std::int64_t sweep_bytes_ = 0;
  BufferHandle written_, read_;
  EventHandle start_, stop_;
  std::uint64_t hiding_nanoseconds_ = 0;
};

}  // namespace weir
