// A GPU ready to be measured as the tuner measures: its context, a stream, and the sampler.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gpu/open_gpu.h"
#include "gpu/problem_memory.h"
#include "gpu/sampler.h"
#include "gpu/utility_kernels.h"
#include "runtime/catalog.h"
#include "runtime/launcher.h"

namespace weir {

// One thread at a time, the one that opened it.
class GpuSession {
 public:
  // Errors: no_device; those of NVRTC, which compiles the sweeps of the L2.
  static Result<std::unique_ptr<GpuSession>> open(int ordinal);

  const DeviceFacts& facts() const { return gpu_.facts; }
  const Driver& driver() const { return *gpu_.driver; }
  cuda::Stream stream() const { return gpu_.stream.get(); }
  UtilityKernels& kernels() { return *kernels_; }
  Sampler& sampler() { return *sampler_; }

  // Bytes read and written per second by the driver's copy of 1 GB, cold L2: the median of some.
  Result<double> copy_bytes_per_second();

 private:
  explicit GpuSession(OpenGpu gpu) : gpu_(std::move(gpu)) {}

  OpenGpu gpu_;  // outlives everything below
  std::optional<UtilityKernels> kernels_;
  std::optional<Sampler> sampler_;
};

// A pick with tensors of its own, launched through the runtime. Inputs are random; those that a reference
// would compute from others are too, for a published file has no references.
class RunningPick {
 public:
  static Result<std::unique_ptr<RunningPick>> create(GpuSession& session, const Pick& pick);

  Status launch();
  Status restore() { return memory_.restore(session_.kernels()); }
  ProblemMemory& memory() { return memory_; }
  // One cold sample, in seconds.
  Result<double> sample();

 private:
  RunningPick(GpuSession& session, const Pick& pick, ProblemMemory memory);

  GpuSession& session_;
  ProblemMemory memory_;
  Launcher launcher_;
  std::vector<std::pair<const char*, std::uint64_t>> pointers_;
};

inline constexpr double kSecondsLimit = 10;  // of what is timed; longer is a hang

}  // namespace weir
