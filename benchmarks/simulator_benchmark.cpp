// How long one prediction takes. The definitions are small copies of the usual ones, so that the figures do
// not move when a shipped kernel does.
#include <benchmark/benchmark.h>

#include "kernels/definition.h"
#include "profiles/device_profile.h"
#include "simulator/predict.h"

namespace weir {
namespace {

constexpr const char* kGemm = R"(
format: 1
kernel: gemm
summary: C = A B^T
problem:
  m: {type: int, min: 1}
  n: {type: int, min: 1}
  k: {type: int, min: 1}
tensors:
  a: {role: in, element: bf16, shape: [m, k]}
  b: {role: in, element: bf16, shape: [n, k]}
  c: {role: out, element: bf16, shape: [m, n]}
tunables:
  tile_m: [64, 128, 256]
  tile_n: [64, 128, 256]
  tile_k: [32, 64]
  group_m: [1, 4, 8, 16]
default: {tile_m: 128, tile_n: 128, tile_k: 64, group_m: 8}
let:
  tiles_m: ceil_div(m, tile_m)
  tiles_n: ceil_div(n, tile_n)
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: gemm
    grid: [tiles_m * tiles_n]
    threads: 256
    shared_bytes: 3 * (tile_m + tile_n) * tile_k * 2
    registers_per_thread: 128
    arguments: [a, b, c]
    program:
      - let: {first: item / (group_m * tiles_n) * group_m, within: item % (group_m * tiles_n)}
      - let: {height: 'min(tiles_m - first, group_m)'}
      - let: {row: first + within % height, column: within / height}
      - for: step
        in: [0, 'ceil_div(k, tile_k)']
        prefetch: 2
        do:
          - {load: a, at: [row * tile_m, step * tile_k], extent: [tile_m, tile_k]}
          - {load: b, at: [column * tile_n, step * tile_k], extent: [tile_n, tile_k]}
          - compute: {tensor_flops: 2 * tile_m * tile_n * tile_k}
      - {store: c, at: [row * tile_m, column * tile_n], extent: [tile_m, tile_n]}
useful_flops: 2 * m * n * k
)";

constexpr const char* kAttention = R"(
format: 1
kernel: attention_forward
summary: softmax(Q K^T) V
problem:
  heads: {type: int, min: 1}
  seq: {type: int, min: 1}
tensors:
  q: {role: in, element: bf16, shape: [heads, seq, 128]}
  k: {role: in, element: bf16, shape: [heads, seq, 128]}
  v: {role: in, element: bf16, shape: [heads, seq, 128]}
  o: {role: out, element: bf16, shape: [heads, seq, 128]}
tunables:
  tile_q: [64, 128]
  tile_kv: [64, 128]
default: {tile_q: 128, tile_kv: 128}
let:
  tiles: ceil_div(seq, tile_q)
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: attention
    grid: [tiles, heads]
    threads: 256
    shared_bytes: (tile_q + 4 * tile_kv) * 128 * 2
    registers_per_thread: 200
    arguments: [q, k, v, o]
    program:
      - {load: q, at: [block_y, block_x * tile_q, 0], extent: [1, tile_q, 128]}
      - for: step
        in: [0, 'ceil_div(seq, tile_kv)']
        prefetch: 1
        do:
          - {load: k, at: [block_y, step * tile_kv, 0], extent: [1, tile_kv, 128]}
          - {load: v, at: [block_y, step * tile_kv, 0], extent: [1, tile_kv, 128]}
          - compute: {tensor_flops: 4 * tile_q * tile_kv * 128, special_ops: tile_q * tile_kv}
      - {store: o, at: [block_y, block_x * tile_q, 0], extent: [1, tile_q, 128]}
useful_flops: 4 * heads * seq * seq * 128
)";

Candidate resolve(const char* yaml, const char* problem, const char* config, const DeviceProfile& profile) {
  const KernelDefinition definition = KernelDefinition::parse(yaml, "benchmark.yaml").value();
  return definition
      .resolve(definition.problem(problem).value(), definition.config(config).value(), limits_of(profile))
      .value();
}

void predict_one(benchmark::State& state, const char* yaml, const char* problem, const char* config,
                 Fidelity fidelity) {
  const DeviceProfile profile = find_profile(WEIR_SOURCE_DIR "/profiles/gpus", "h100-sxm5-80gb").value();
  const Candidate candidate = resolve(yaml, problem, config, profile);
  Prediction prediction;
  for (auto _ : state) prediction = predict(profile, candidate, {.fidelity = fidelity}).value();
  state.counters["dram_read_GB"] = prediction.traffic.dram_read_bytes / 1e9;
  state.counters["l2_read_GB"] = prediction.traffic.l2_read_bytes / 1e9;
  state.counters["compulsory_GB"] = prediction.bounds.compulsory_bytes / 1e9;
  state.counters["predicted_us"] = prediction.time_seconds * 1e6;
}

BENCHMARK_CAPTURE(predict_one, gemm_4096, kGemm, "m=4096,n=4096,k=4096", "", Fidelity::cache)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(predict_one, gemm_8192, kGemm, "m=8192,n=8192,k=8192", "", Fidelity::cache)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(predict_one, gemm_8192_ungrouped, kGemm, "m=8192,n=8192,k=8192", "group_m=1",
                  Fidelity::cache)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(predict_one, gemm_8192_fast, kGemm, "m=8192,n=8192,k=8192", "", Fidelity::fast)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(predict_one, attention_16384_fast, kAttention, "heads=32,seq=16384", "", Fidelity::fast)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(predict_one, gemm_8192_bounds, kGemm, "m=8192,n=8192,k=8192", "", Fidelity::bounds)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(predict_one, attention_16384, kAttention, "heads=32,seq=16384", "", Fidelity::cache)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(predict_one, attention_65536, kAttention, "heads=8,seq=65536", "", Fidelity::cache)
    ->Unit(benchmark::kMillisecond);

// Tile accesses per second: of the definition's loads and stores, one by one.
void accesses_per_second(benchmark::State& state) {
  const DeviceProfile profile = find_profile(WEIR_SOURCE_DIR "/profiles/gpus", "h100-sxm5-80gb").value();
  const std::int64_t k = state.range(0);
  const Candidate candidate = resolve(kGemm, ("m=8192,n=8192,k=" + std::to_string(k)).c_str(), "", profile);
  const std::int64_t accesses = 64 * 64 * (2 * k / 64 + 1);
  for (auto _ : state) benchmark::DoNotOptimize(predict(profile, candidate).value());
  state.SetItemsProcessed(state.iterations() * accesses);
  state.SetComplexityN(accesses);
}
BENCHMARK(accesses_per_second)
    ->RangeMultiplier(2)
    ->Range(8192, 65536)
    ->Unit(benchmark::kMillisecond)
    ->Complexity(benchmark::oN);

}  // namespace
}  // namespace weir
