#include "gpu/cuda_backend.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "gpu/build_candidate.h"
#include "gpu/cupti.h"
#include "gpu/launch_counts.h"
#include "gpu/loaded_program.h"
#include "gpu/open_gpu.h"
#include "gpu/problem_memory.h"
#include "gpu/reference.h"
#include "gpu/sampler.h"
#include "gpu/statistics.h"
#include "gpu/utility_kernels.h"
#include "gpu/verdict.h"

namespace weir {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr double kWarmUpSeconds = 0.025;
constexpr double kReferencePatience = 10;  // times the limit of a candidate

Error in_candidate(Error error, const Executable& executable) {
  error.message = executable.kernel + " with " + executable.config + ": " + error.message;
  return error;
}

// What an output is compared with.
struct Expected {
  std::size_t tensor = 0;
  BufferHandle exact;  // f32, laid out like the tensor
  ReferenceError low;
};

}  // namespace

struct CudaBackend::Impl : OpenGpu {
  CudaBackendOptions options;
  std::optional<UtilityKernels> kernels;
  std::optional<Sampler> sampler;
  Tier tier = Tier::events;
  std::string tier_reason;
  bool lost = false;

  std::string problem;  // prepared; empty: none
  std::optional<Reference> reference;
  std::optional<ProblemMemory> memory;  // fills inputs through the reference
  std::vector<Expected> expected;
  std::unique_ptr<RangeProfiler> profiler;  // between the first count and the next call of another kind

  Status start();
  Status ready_for(const Executable& executable) const;
  Result<LoadedProgram> load(const Executable& executable);
  Status fit(std::span<const Executable> executables);
  // Passes an error on; notes whether the context survived it.
  Error noted(Error error);

  Status prepare(const Candidate& candidate);
  Status expect(const Candidate& candidate);
  Result<Verification> verify(const Executable& executable);
  Result<std::string> run_on_poison(LoadedProgram& program);
  Result<std::vector<std::uint64_t>> output_checksums();
  Result<Verification> judge_outputs();
  std::vector<Result<Timing>> time(std::span<const Executable> executables, const TimingOptions& timing);
  Result<Counters> count(const Executable& executable, const CountOptions& count);
};

Status CudaBackend::Impl::start() {
  Result<OpenGpu> opened = open_gpu(options.ordinal, options.cache_folder);
  if (!opened) return opened.error();
  static_cast<OpenGpu&>(*this) = std::move(opened).value();
  Result<UtilityKernels> loaded = UtilityKernels::load(*driver, *compiler, facts.limits.compute_capability,
                                                       facts.limits.sm_count, stream.get());
  if (!loaded) return loaded.error();
  kernels.emplace(std::move(loaded).value());
  Result<Sampler> ready = Sampler::create(*driver, *kernels, stream.get(), facts.limits.l2_bytes);
  if (!ready) return ready.error();
  sampler.emplace(std::move(ready).value());

  const Result<std::unique_ptr<RangeProfiler>> counters = RangeProfiler::open(context, options.ordinal);
  tier = counters ? Tier::counters : Tier::events;
  if (!counters) tier_reason = counters.error().message;
  return ok_status();
}

Status CudaBackend::Impl::ready_for(const Executable& executable) const {
  if (lost)
    return Error{ErrorKind::interrupted, "the GPU context was lost",
                 "Only a new process gets a working one."};
  if (!memory || problem != executable.problem) {
    return Error{ErrorKind::usage, "the problem " + executable.problem + " is not prepared", ""};
  }
  return ok_status();
}

Error CudaBackend::Impl::noted(Error error) {
  // After a fault every call fails; after a hang the stream never gets idle, and waiting for the context
  // would not return.
  lost = lost || driver->stream_query(stream.get()) != cuda::kSuccess;
  return error;
}

Result<LoadedProgram> CudaBackend::Impl::load(const Executable& executable) {
  Result<LoadedProgram> program = LoadedProgram::load(*driver, executable, memory->addresses());
  if (!program) return in_candidate(noted(program.error()), executable);
  return program;
}

// Before load(): addresses of scratch may change.
Status CudaBackend::Impl::fit(std::span<const Executable> executables) {
  Status status = memory->fit(*kernels, executables);
  return status ? status : Status(noted(status.error()));
}

Status CudaBackend::Impl::prepare(const Candidate& candidate) {
  if (lost)
    return Error{ErrorKind::interrupted, "the GPU context was lost",
                 "Only a new process gets a working one."};
  problem.clear();
  expected.clear();
  memory.reset();
  reference.reset();
  profiler.reset();
  if (candidate.verify.source.empty()) {
    return Error{ErrorKind::failed,
                 candidate.kernel + " cannot be verified, and so not tuned: it has no reference",
                 "Add a verify section to kernel.yaml."};
  }
  Result<Reference> loaded =
      Reference::load(*driver, *compiler, candidate, options.include_folder, facts.limits.compute_capability,
                      stream.get(), options.kernel_seconds_limit * kReferencePatience);
  if (!loaded) return noted(loaded.error());
  reference.emplace(std::move(loaded).value());
  Result<ProblemMemory> created = ProblemMemory::create(*driver, *kernels, candidate, stream.get());
  if (!created) return noted(created.error());
  memory.emplace(std::move(created).value());
  if (!candidate.verify.prepare.empty()) {
    const auto compute = [this](const Addresses& addresses) { return reference->prepare_inputs(addresses); };
    if (Status computed = memory->compute_inputs(*kernels, compute); !computed)
      return noted(computed.error());
  }
  if (Status ready = expect(candidate); !ready) return ready;
  problem = to_string(candidate.problem);
  return ok_status();
}

// Runs both references.
Status CudaBackend::Impl::expect(const Candidate& candidate) {
  Result<std::vector<BufferHandle>> exact = reference->run(candidate.verify.exact_entry, *memory, *kernels);
  if (!exact) return noted(exact.error());
  Result<std::vector<BufferHandle>> low = reference->run(candidate.verify.low_entry, *memory, *kernels);
  if (!low) return noted(low.error());
  for (std::size_t tensor = 0, output = 0; tensor < memory->tensors().size(); ++tensor) {
    const TensorLayout& layout = memory->tensors()[tensor];
    if (!is_output(layout)) continue;
    Result<Comparison> difference =
        kernels->compare((*low)[output].get(), Element::f32, (*exact)[output].get(), layout);
    if (!difference) return noted(difference.error());
    // A reference that is not a number would let every result pass.
    if (difference->reference_nans > 0 || difference->special_mismatches > 0 ||
        !std::isfinite(difference->squared_error)) {
      return Error{ErrorKind::failed,
                   "the references of " + candidate.kernel + " are no use for tensor " + layout.name + ": " +
                       std::to_string(difference->reference_nans) +
                       " elements of the exact one are NaN or unwritten, and " +
                       std::to_string(difference->special_mismatches) +
                       " of the low-precision one are not finite where it is",
                   "Check the references' arguments and grid in kernel.yaml."};
    }
    expected.push_back(
        {tensor, std::move((*exact)[output]), reference_error(*difference, element_count(layout))});
    ++output;
  }
  if (expected.empty()) {
    return Error{ErrorKind::failed, candidate.kernel + " has no out or inout tensor to verify", ""};
  }
  return ok_status();
}

Result<Verification> CudaBackend::Impl::verify(const Executable& executable) {
  if (Status s = ready_for(executable); !s) return s.error();
  profiler.reset();
  if (Status s = fit({&executable, 1}); !s) return in_candidate(s.error(), executable);
  Result<LoadedProgram> program = load(executable);
  if (!program) return program.error();
  const auto failed = [&](Error error) { return in_candidate(noted(std::move(error)), executable); };

  std::vector<std::uint64_t> first;
  for (int run = 0; run < (executable.deterministic ? 2 : 1); ++run) {
    const Result<std::string> damage = run_on_poison(*program);
    if (!damage) return failed(damage.error());
    if (!damage->empty()) return Verification{.passed = false, .detail = *damage};
    if (!executable.deterministic) break;
    const Result<std::vector<std::uint64_t>> sums = output_checksums();
    if (!sums) return failed(sums.error());
    if (run == 0) first = *sums;
    const auto differs = std::mismatch(first.begin(), first.end(), sums->begin()).first;
    if (differs == first.end()) continue;
    const std::size_t tensor = expected[static_cast<std::size_t>(differs - first.begin())].tensor;
    return Verification{.passed = false, .detail = nondeterminism(memory->tensors()[tensor])};
  }
  const Result<Verification> verdict = judge_outputs();
  if (!verdict) return failed(verdict.error());
  return verdict;
}

// What the run damaged; empty if nothing.
Result<std::string> CudaBackend::Impl::run_on_poison(LoadedProgram& program) {
  Status status = memory->poison(*kernels);
  if (status) status = wait_idle(*driver, stream.get(), options.kernel_seconds_limit);
  if (status) status = program.launch(stream.get());
  if (status) status = wait_idle(*driver, stream.get(), options.kernel_seconds_limit);
  if (!status) return status.error();
  return memory->find_damage(*kernels);
}

// In the order of `expected`.
Result<std::vector<std::uint64_t>> CudaBackend::Impl::output_checksums() {
  std::vector<std::uint64_t> sums;
  for (const Expected& expectation : expected) {
    const TensorLayout& tensor = memory->tensors()[expectation.tensor];
    const Result<std::uint64_t> sum =
        kernels->checksum(memory->address(expectation.tensor), extent_bytes(tensor));
    if (!sum) return sum.error();
    sums.push_back(*sum);
  }
  return sums;
}

// The verdict of the tensor that uses most of what it is allowed, or of the first that fails.
Result<Verification> CudaBackend::Impl::judge_outputs() {
  std::optional<Verification> worst;
  for (const Expected& expectation : expected) {
    const TensorLayout& tensor = memory->tensors()[expectation.tensor];
    const Result<Comparison> comparison = kernels->compare(memory->address(expectation.tensor),
                                                           tensor.element, expectation.exact.get(), tensor);
    if (!comparison) return comparison.error();
    const Verification verdict = judge(tensor, comparison.value(), expectation.low);
    if (!verdict.passed) return verdict;
    if (!worst || verdict.error * worst->allowed_error > worst->error * verdict.allowed_error)
      worst = verdict;
  }
  return *worst;
}

std::vector<Result<Timing>> CudaBackend::Impl::time(std::span<const Executable> executables,
                                                    const TimingOptions& timing) {
  struct Candidate {
    std::optional<LoadedProgram> program;
    std::vector<double> samples;
    std::int64_t discarded = 0;
    double spent_seconds = 0;
    std::optional<Result<Timing>> result;
  };
  if (!lost) profiler.reset();  // reading counters may switch off power management
  const std::string l2_state = timing.cold_l2 ? "cold" : "warm";
  std::vector<Candidate> candidates(executables.size());
  std::vector<double> clocks;
  double fastest = 0;

  auto finish = [&](Candidate& candidate) {
    Timing result = summarize(candidate.samples, kEventTickSeconds);
    result.discarded = candidate.discarded;
    result.sm_clock_hertz = clocks.empty() ? 0 : median(clocks);
    result.l2_state = l2_state;
    candidate.result = result;
    candidate.program.reset();
  };
  auto sample = [&](std::size_t index, bool keep) {
    Candidate& candidate = candidates[index];
    const Clock::time_point start = Clock::now();
    const Result<Sample> taken =
        sampler->take(*candidate.program, *memory, timing.cold_l2, options.kernel_seconds_limit);
    candidate.spent_seconds += keep ? seconds_since(start) : 0;
    if (!taken) {
      candidate.result = in_candidate(noted(taken.error()), executables[index]);
      return;
    }
    if (!keep) return;
    const double hertz = taken.value().sm_clock_hertz;
    if (clock_too_low(hertz, clocks) && candidate.discarded < timing.maximum_samples / 2) {
      ++candidate.discarded;
      return;
    }
    if (hertz > 0) clocks.push_back(hertz);
    candidate.samples.push_back(taken.value().seconds);
    fastest = fastest == 0 ? taken.value().seconds : std::min(fastest, taken.value().seconds);
  };

  std::vector<Executable> ready;
  for (std::size_t i = 0; i < executables.size(); ++i) {
    if (Status status = ready_for(executables[i]); status) {
      ready.push_back(executables[i]);
    } else {
      candidates[i].result = status.error();
    }
  }
  const Status fitted = ready.empty() ? ok_status() : fit(ready);
  for (std::size_t i = 0; i < executables.size(); ++i) {
    if (candidates[i].result) continue;
    if (!fitted) {
      candidates[i].result = in_candidate(fitted.error(), executables[i]);
      continue;
    }
    Result<LoadedProgram> program = load(executables[i]);
    if (program) {
      candidates[i].program.emplace(std::move(program).value());
    } else {
      candidates[i].result = program.error();
    }
  }
  if (!lost) (void)sampler->warm_up(kWarmUpSeconds);  // a failure shows in the samples
  for (std::size_t i = 0; i < executables.size() && !lost; ++i) {
    if (!candidates[i].result) sample(i, false);
  }
  for (std::uint64_t round = 0; !lost; ++round) {
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (!candidates[i].result) active.push_back(i);
    }
    if (active.empty()) break;
    for (const std::size_t position : round_order(active.size(), timing.seed, round)) {
      if (lost) break;
      sample(active[position], true);
    }
    for (const std::size_t index : active) {
      Candidate& candidate = candidates[index];
      if (candidate.result || candidate.samples.empty()) continue;
      const Timing now = summarize(candidate.samples, kEventTickSeconds);
      if (enough_samples(now, timing, candidate.spent_seconds) || hopeless(now, fastest, timing))
        finish(candidate);
    }
  }

  std::vector<Result<Timing>> results;
  for (Candidate& candidate : candidates) {
    if (!candidate.result) {
      candidate.result =
          Error{ErrorKind::interrupted, "another candidate broke the GPU context", "Time it again."};
    }
    results.push_back(std::move(*candidate.result));
  }
  return results;
}

Result<Counters> CudaBackend::Impl::count(const Executable& executable, const CountOptions& count) {
  if (Status s = ready_for(executable); !s) return s.error();
  if (tier != Tier::counters) return Error{ErrorKind::counters_denied, tier_reason, ""};
  if (!profiler) {
    Result<std::unique_ptr<RangeProfiler>> opened = RangeProfiler::open(context, options.ordinal);
    if (!opened) return opened.error();
    profiler = std::move(opened).value();
  }
  if (Status s = fit({&executable, 1}); !s) return in_candidate(s.error(), executable);
  Result<LoadedProgram> program = load(executable);
  if (!program) return program.error();
  const auto clean = [&]() -> Status {
    if (Status s = memory->restore(*kernels); !s) return s;
    if (Status s = sampler->clean_l2(); !s) return s;
    return wait_idle(*driver, stream.get(), options.kernel_seconds_limit);
  };
  std::vector<std::string> names;
  std::vector<std::function<Status()>> parts;
  for (std::size_t i = 0; i < program->launches(); ++i) {
    names.push_back(executable.launches[i].name);
    parts.push_back([&, i]() -> Status {
      if (Status s = program->launch(i, stream.get()); !s) return s;
      return wait_idle(*driver, stream.get(), options.kernel_seconds_limit);
    });
  }
  // Code that is loaded on its first run is not this kernel's traffic.
  for (const auto& part : parts) {
    if (Status s = part(); !s) return in_candidate(noted(s.error()), executable);
  }

  std::vector<std::vector<MetricValues>> repeats(
      static_cast<std::size_t>(std::max<std::int64_t>(count.repeats, 1)),
      std::vector<MetricValues>(parts.size()));
  for (std::vector<MetricValues>& repeat : repeats) {
    for (const MetricSet& set : profiler->plan().sets) {
      Result<std::vector<MetricValues>> measured = profiler->measure(set, clean, parts);
      if (!measured) return in_candidate(noted(measured.error()), executable);
      for (std::size_t i = 0; i < parts.size(); ++i) repeat[i].merge((*measured)[i]);
    }
  }
  Result<Counters> counters = counters_of(names, repeats);
  if (!counters) return in_candidate(counters.error(), executable);
  return counters;
}

CudaBackend::CudaBackend(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CudaBackend::~CudaBackend() {
  // After a hang CUPTI and the driver would wait for ever.
  if (leaking_driver_objects()) (void)impl_.release();
}

Result<std::unique_ptr<CudaBackend>> CudaBackend::open(const CudaBackendOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  if (Status started = impl->start(); !started) return started.error();
  return std::unique_ptr<CudaBackend>(new CudaBackend(std::move(impl)));
}

const DeviceFacts& CudaBackend::facts() const {
  return impl_->facts;
}
Tier CudaBackend::tier() const {
  return impl_->tier;
}
std::string CudaBackend::tier_reason() const {
  return impl_->tier_reason;
}
bool CudaBackend::lost() const {
  return impl_->lost;
}

Provenance CudaBackend::provenance() const {
  const DeviceFacts& facts = impl_->facts;
  const Result<const Cupti*> cupti = Cupti::open();
  return {.gpu_name = facts.name,
          .gpu_uuid = facts.uuid,
          .compute_capability = facts.limits.compute_capability,
          .sm_count = facts.limits.sm_count,
          .l2_bytes = facts.limits.l2_bytes,
          .driver_version = facts.driver_version,
          .compiler_version = impl_->compiler->version(),
          .cupti_version = cupti && impl_->tier == Tier::counters ? cupti.value()->version() : "",
          .weir_version = WEIR_VERSION};
}

Result<Executable> CudaBackend::build(const Candidate& candidate) {
  return build_candidate(*impl_->compiler, candidate, impl_->options.include_folder,
                         impl_->facts.limits.compute_capability);
}
Status CudaBackend::prepare(const Candidate& candidate) {
  return impl_->prepare(candidate);
}
Result<Verification> CudaBackend::verify(const Executable& executable) {
  return impl_->verify(executable);
}
std::vector<Result<Timing>> CudaBackend::time(std::span<const Executable> executables,
                                              const TimingOptions& options) {
  return impl_->time(executables, options);
}
Result<Counters> CudaBackend::count(const Executable& executable, const CountOptions& options) {
  return impl_->count(executable, options);
}

}  // namespace weir
