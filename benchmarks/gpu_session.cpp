#include "benchmarks/gpu_session.h"

#include "gpu/statistics.h"

namespace weir {
namespace {

constexpr double kWarmUpSeconds = 0.025;
constexpr std::size_t kCopyBytes = std::size_t{1} << 30;
constexpr int kCopySamples = 15;

}  // namespace

Result<std::unique_ptr<GpuSession>> GpuSession::open(int ordinal) {
  Result<OpenGpu> gpu = open_gpu(ordinal);
  if (!gpu) return gpu.error();
  std::unique_ptr<GpuSession> session(new GpuSession(std::move(*gpu)));
  const DeviceLimits& limits = session->facts().limits;
  Result<UtilityKernels> kernels =
      UtilityKernels::load(session->driver(), *session->gpu_.compiler, limits.compute_capability,
                           limits.sm_count, session->stream());
  if (!kernels) return kernels.error();
  session->kernels_.emplace(std::move(*kernels));
  Result<Sampler> sampler =
      Sampler::create(session->driver(), *session->kernels_, session->stream(), limits.l2_bytes);
  if (!sampler) return sampler.error();
  session->sampler_.emplace(std::move(*sampler));
  if (Status warm = session->sampler_->warm_up(kWarmUpSeconds); !warm) return warm.error();
  return session;
}

Result<double> GpuSession::copy_bytes_per_second() {
  const Result<BufferHandle> from = allocate(driver(), kCopyBytes);
  if (!from) return from.error();
  const Result<BufferHandle> to = allocate(driver(), kCopyBytes);
  if (!to) return to.error();
  const auto copy = [&] {
    return check(driver(), driver().copy_on_device_async(to->get(), from->get(), kCopyBytes, stream()),
                 "cuMemcpyDtoDAsync");
  };
  std::vector<double> seconds;
  for (int i = 0; i < kCopySamples; ++i) {
    const Result<Sample> sample = sampler_->take(ok_status, copy, true, kSecondsLimit);
    if (!sample) return sample.error();
    seconds.push_back(sample->seconds);
  }
  return 2 * static_cast<double>(kCopyBytes) / median(seconds);
}

RunningPick::RunningPick(GpuSession& session, const Pick& pick, ProblemMemory memory)
    : session_(session), memory_(std::move(memory)), launcher_(*pick.candidate, pick.cubin) {
  const Addresses addresses = memory_.addresses();
  for (std::size_t i = 0; i < addresses.tensors.size(); ++i)
    pointers_.emplace_back(pick.candidate->tensors[i].name.c_str(), addresses.tensors[i]);
  for (std::size_t i = 0; i < addresses.tables.size(); ++i)
    pointers_.emplace_back(pick.candidate->table_names[i].c_str(), addresses.tables[i]);
}

Result<std::unique_ptr<RunningPick>> RunningPick::create(GpuSession& session, const Pick& pick) {
  Result<ProblemMemory> memory =
      ProblemMemory::create(session.driver(), session.kernels(), *pick.candidate, session.stream());
  if (!memory) return memory.error();
  std::unique_ptr<RunningPick> running(new RunningPick(session, pick, std::move(*memory)));
  // The first launch loads the module.
  Status status = running->restore();
  if (status) status = running->launch();
  if (status) status = wait_idle(session.driver(), session.stream(), kSecondsLimit);
  if (!status) return status.error();
  if (Status warm = session.sampler().warm_up(kWarmUpSeconds); !warm) return warm.error();
  return running;
}

Status RunningPick::launch() {
  return launcher_.launch(session_.stream(), pointers_);
}

Result<double> RunningPick::sample() {
  const Result<Sample> taken =
      session_.sampler().take([&] { return restore(); }, [&] { return launch(); }, true, kSecondsLimit);
  if (!taken) return taken.error();
  return taken->seconds;
}

}  // namespace weir
