// The shipped pick of every problem of a published file on the GPU in this machine, launched through the
// runtime and timed as the tuner times: cold L2, events on the GPU's own clock, hidden launches. Beside gemm,
// cuBLAS where it is installed.
//
//   kernel_benchmark ship.weir [--benchmark_filter=gemm] [other flags of Google Benchmark]
#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>

#include "benchmarks/cublas.h"
#include "benchmarks/gpu_session.h"
#include "benchmarks/kernel_cases.h"
#include "tuner/device_match.h"

namespace weir {
namespace {

constexpr int kSamples = 31;  // of each, one a repetition: their median is what the tuner compares

// What is shown of one sample: rates, and the bytes over what a copy moves in the same time.
void count(benchmark::State& state, const KernelCase& shown, double copy_bytes_per_second) {
  using benchmark::Counter;
  const auto rate = [](double amount) { return Counter(amount, Counter::kIsIterationInvariantRate); };
  if (shown.flops > 0) state.counters["FLOP/s"] = rate(shown.flops);  // not every definition knows them
  state.counters["bytes/s"] = rate(shown.bytes);
  state.counters["of_copy"] = rate(shown.bytes / copy_bytes_per_second);
  state.SetLabel(shown.pick.config);
}

// What repetitions of one benchmark share: only the one that runs holds memory on the GPU.
struct Running {
  const KernelCase* of = nullptr;
  std::unique_ptr<RunningPick> pick;
  std::optional<CublasProduct> product;
};

class Benchmarks {
 public:
  Benchmarks(GpuSession& session, std::vector<KernelCase> cases, std::optional<Cublas> cublas,
             double copy_bytes_per_second)
      : session_(session),
        cases_(std::move(cases)),
        cublas_(std::move(cublas)),
        copy_bytes_per_second_(copy_bytes_per_second) {}

  void add_all() {
    for (const KernelCase& each : cases_) {
      add(each.name, [this, &each](benchmark::State& state) { run_pick(state, each); });
      if (cublas_ && each.pick.kernel == "gemm")
        add("cublas_" + each.name, [this, &each](benchmark::State& state) { run_cublas(state, each); });
    }
  }

 private:
  template <class Function>
  void add(const std::string& name, Function function) {
    benchmark::RegisterBenchmark(name.c_str(), function)
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(kSamples)
        ->ReportAggregatesOnly()
        ->Unit(benchmark::kMicrosecond);
  }

  Status prepare(const KernelCase& wanted) {
    if (running_.of == &wanted) return ok_status();
    running_ = {};
    Result<std::unique_ptr<RunningPick>> pick = RunningPick::create(session_, wanted.pick);
    if (!pick) return pick.error();
    running_.pick = std::move(*pick);
    running_.of = &wanted;
    return ok_status();
  }

  Result<double> sample_product(const KernelCase& wanted) {
    if (!running_.product) {
      Result<CublasProduct> product = CublasProduct::create(session_, *cublas_, wanted.pick, *running_.pick);
      if (!product) return product.error();
      running_.product = std::move(*product);
    }
    return running_.product->sample();
  }

  template <class Sample>
  void run(benchmark::State& state, const KernelCase& wanted, Sample sample) {
    const Status ready = prepare(wanted);
    for (auto _ : state) {
      const Result<double> seconds = ready ? sample() : Result<double>(ready.error());
      if (!seconds) {
        state.SkipWithError(to_string(seconds.error()).c_str());
        break;
      }
      state.SetIterationTime(*seconds);
    }
    count(state, wanted, copy_bytes_per_second_);
  }

  void run_pick(benchmark::State& state, const KernelCase& wanted) {
    run(state, wanted, [&] { return running_.pick->sample(); });
  }

  void run_cublas(benchmark::State& state, const KernelCase& wanted) {
    run(state, wanted, [&] { return sample_product(wanted); });
    state.SetLabel("cuBLAS " + cublas_->version());
  }

  GpuSession& session_;
  const std::vector<KernelCase> cases_;
  const std::optional<Cublas> cublas_;
  const double copy_bytes_per_second_;
  Running running_;
};

int fail(const Error& error) {
  std::fprintf(stderr, "kernel_benchmark: %s\n", to_string(error).c_str());
  switch (error.kind) {
    case ErrorKind::usage:
    case ErrorKind::missing:
      return 2;
    case ErrorKind::no_device:
      return 3;
    default:
      return 1;
  }
}

int run(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored))
    return fail({ErrorKind::missing, "no such file: " + file.string(), "weir ship makes one."});
  const Result<std::unique_ptr<GpuSession>> session = GpuSession::open(0);
  if (!session) return fail(session.error());
  const DeviceFacts& facts = (*session)->facts();
  const Result<std::vector<DeviceProfile>> profiles = load_all_profiles(WEIR_SOURCE_DIR "/profiles/gpus");
  if (!profiles) return fail(profiles.error());
  const Result<DeviceProfile> profile = profile_for(*profiles, facts.name);
  if (!profile) return fail(profile.error());
  Result<std::vector<KernelCase>> cases = kernel_cases(file, {facts.name, facts.limits}, *profile);
  if (!cases) return fail(cases.error());
  const Result<double> copy = (*session)->copy_bytes_per_second();
  if (!copy) return fail(copy.error());
  Result<Cublas> cublas = Cublas::open(**session);

  benchmark::AddCustomContext("gpu", facts.name);
  benchmark::AddCustomContext("driver", facts.driver_version);
  benchmark::AddCustomContext("copy_bytes_per_second", std::to_string(*copy));
  benchmark::AddCustomContext("cublas", cublas ? cublas->version() : cublas.error().message);
  Benchmarks all(**session, std::move(*cases), cublas ? std::optional(std::move(*cublas)) : std::nullopt,
                 *copy);
  all.add_all();
  return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 2;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fputs(
        "usage: kernel_benchmark SHIP_FILE [flags of Google Benchmark]\n"
        "  SHIP_FILE  what `weir ship` made of problems that were tuned on this GPU\n",
        stderr);
    return 2;
  }
  return weir::run(argv[1]);
}
