#include "gpu/sampler.h"

#include <algorithm>
#include <chrono>

namespace weir {
namespace {

constexpr std::uint64_t kFirstHiding = 50'000;  // nanoseconds
constexpr std::uint64_t kLongestHiding = 10'000'000;
constexpr double kSweepSecondsLimit = 10;

}  // namespace

Result<Sampler> Sampler::create(const Driver& driver, UtilityKernels& kernels, cuda::Stream stream,
                                std::int64_t l2_bytes) {
  constexpr std::int64_t kSmallest =
      32 << 20;  // long enough to queue a launch behind, also where the L2 is small
  Sampler sampler;
  sampler.driver_ = &driver;
  sampler.kernels_ = &kernels;
  sampler.stream_ = stream;
  sampler.sweep_bytes_ = std::max(2 * l2_bytes, kSmallest);
  for (BufferHandle* buffer : {&sampler.written_, &sampler.read_}) {
    Result<BufferHandle> memory = allocate(driver, static_cast<std::size_t>(sampler.sweep_bytes_));
    if (!memory) return memory.error();
    *buffer = std::move(memory).value();
  }
  for (EventHandle* event : {&sampler.start_, &sampler.stop_}) {
    Result<EventHandle> created = create_event(driver);
    if (!created) return created.error();
    *event = std::move(created).value();
  }
  if (Status s = kernels.sweep_write(sampler.read_.get(), sampler.sweep_bytes_); !s) return s.error();
  return sampler;
}

Status Sampler::clean_l2() {
  if (Status status = kernels_->sweep_write(written_.get(), sweep_bytes_); !status) return status;
  return kernels_->sweep_read(read_.get(), sweep_bytes_);
}

Status Sampler::warm_up(double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  do {
    if (Status status = clean_l2(); !status) return status;
    if (Status status = wait_idle(*driver_, stream_, kSweepSecondsLimit); !status) return status;
  } while (std::chrono::duration<double>(Clock::now() - start).count() < seconds);
  return ok_status();
}

Result<Sample> Sampler::take(LoadedProgram& program, ProblemMemory& memory, bool cold, double seconds_limit) {
  return take([&] { return memory.restore(*kernels_); }, [&] { return program.launch(stream_); }, cold,
              seconds_limit);
}

Result<Sample> Sampler::take(const Work& restore, const Work& launch, bool cold, double seconds_limit) {
  for (;;) {
    Sample sample;
    const Result<bool> hidden = try_take(restore, launch, cold, seconds_limit, sample);
    if (!hidden) return hidden.error();
    if (hidden.value() || hiding_nanoseconds_ >= kLongestHiding) return sample;
    hiding_nanoseconds_ = std::max(kFirstHiding, 2 * hiding_nanoseconds_);
  }
}

Result<bool> Sampler::try_take(const Work& restore, const Work& launch, bool cold, double seconds_limit,
                               Sample& sample) {
  Status status = restore();
  if (status) status = kernels_->stamp(0);
  if (status && cold && hiding_nanoseconds_ > 0) status = kernels_->spin(hiding_nanoseconds_);
  if (status) status = cold ? clean_l2() : launch();
  if (status && !cold) status = kernels_->spin(std::max(kFirstHiding, hiding_nanoseconds_));
  if (status) status = check(*driver_, driver_->event_record(start_.get(), stream_), "cuEventRecord");
  if (status) status = launch();
  if (status) status = check(*driver_, driver_->event_record(stop_.get(), stream_), "cuEventRecord");
  if (!status) return status.error();
  const bool hidden = driver_->event_query(start_.get()) == cuda::kNotReady;
  status = kernels_->stamp(1);
  if (status) status = wait_idle(*driver_, stream_, seconds_limit);
  if (!status) return status.error();

  float milliseconds = 0;
  status = check(*driver_, driver_->event_elapsed_time(&milliseconds, start_.get(), stop_.get()),
                 "cuEventElapsedTime");
  if (!status) return status.error();
  sample.seconds = static_cast<double>(milliseconds) * 1e-3;
  const auto stamps = kernels_->stamps();
  if (!stamps) return stamps.error();
  const auto& [first, last] = stamps.value();
  // Every multiprocessor has its own cycle counter.
  if (first.sm == last.sm && last.nanoseconds > first.nanoseconds) {
    sample.sm_clock_hertz = static_cast<double>(last.cycles - first.cycles) /
                            (static_cast<double>(last.nanoseconds - first.nanoseconds) * 1e-9);
  }
  return hidden;
}

}  // namespace weir
