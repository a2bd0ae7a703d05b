// What the runtime costs an application: opening a published file, and picking from it. Device facts are
// described, so no GPU is needed.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "runtime/catalog.h"

namespace weir {
namespace {

constexpr const char* kYaml = R"(
format: 1
kernel: scale
summary: y = 2 x
problem:
  n: {type: int, min: 1}
tensors:
  x: {role: in, element: f32, shape: [n]}
  y: {role: out, element: f32, shape: [n]}
tunables:
  tile: [128, 256, 512, 1024]
default: {tile: 128}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: scale
    grid: ['ceil_div(n, tile)']
    threads: 128
    arguments: [x, y, {i32: n}]
    program:
      - {load: x, at: [item * tile], extent: [tile]}
      - {store: y, at: [item * tile], extent: [tile]}
)";

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(to_string(result.error()));
  return std::move(result).value();
}

const StoredDevice& device() {
  static const StoredDevice kDevice{"NVIDIA H100 80GB HBM3",
                                    {.compute_capability = 90,
                                     .sm_count = 132,
                                     .max_threads_per_sm = 2048,
                                     .registers_per_sm = 65536,
                                     .shared_bytes_per_sm = 233472,
                                     .shared_bytes_per_block = 232448,
                                     .l2_bytes = 52428800}};
  return kDevice;
}

Record row(std::int64_t n, int tile) {
  Measurement measurement;
  measurement.verification.passed = true;
  const double median = tile == 512 ? 1e-6 : 2e-6;
  measurement.timing = {median, median, median, median, 10, 0, 0, "cold"};
  measurement.provenance = {
      .gpu_name = device().gpu_name, .compute_capability = 90, .sm_count = 132, .l2_bytes = 52428800};
  return {.kernel = "scale",
          .source_hash = "hash",
          .problem = "n=" + std::to_string(n),
          .config = "tile=" + std::to_string(tile) + ",variant=plain",
          .outcome = Outcome::measured,
          .is_default = tile == 128,
          .prediction = Prediction{},
          .measurement = measurement};
}

// A file with this many tuned problems and one module of 40 kB for each of the configurations.
std::filesystem::path ship_file(std::int64_t problems) {
  std::string pattern = (std::filesystem::temp_directory_path() / "weir-benchmark-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  Store work = must(Store::open(folder / "work.weir", Store::Mode::create_or_open));
  must(work.write(StoredDefinition{"scale", "hash", kYaml}));
  const KernelDefinition definition = must(KernelDefinition::parse(kYaml, "scale/kernel.yaml"));
  std::vector<Record> rows;
  for (std::int64_t i = 1; i <= problems; ++i) {
    for (int tile : {128, 512}) rows.push_back(row(i * 1000, tile));
  }
  must(work.write(rows));
  for (int tile : {128, 512}) {
    const Candidate candidate =
        must(definition.resolve(must(definition.problem("n=1000")),
                                must(definition.config("tile=" + std::to_string(tile))), device().limits));
    must(work.write(StoredModule{"hash", header_hash(candidate.config_header), 90, "13.0",
                                 std::vector<std::uint8_t>(40'000, 1)}));
  }
  must(ship(work, folder / "ship.weir"));
  return folder / "ship.weir";
}

void open_file(benchmark::State& state) {
  const std::filesystem::path file = ship_file(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(must(Catalog::open(file, device())));
  state.counters["bytes"] = static_cast<double>(std::filesystem::file_size(file));
  std::filesystem::remove_all(file.parent_path());
}
BENCHMARK(open_file)->Arg(1)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

void pick(benchmark::State& state, const char* problem, Match expected) {
  const std::filesystem::path file = ship_file(100);
  const Catalog catalog = must(Catalog::open(file, device()));
  for (auto _ : state) {
    const Pick picked = catalog.pick("scale", problem);
    if (picked.match != expected) state.SkipWithError(picked.reason.c_str());
  }
  std::filesystem::remove_all(file.parent_path());
}
BENCHMARK_CAPTURE(pick, exact, "n=50000", Match::exact)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(pick, safe_default, "n=777", Match::safe_default)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(pick, miss, "n=0", Match::none)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
