// Small kernel definitions for the simulator's tests; no source is ever compiled.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kernels/definition.h"
#include "profiles/device_profile.h"
#include "simulator/predict.h"

namespace weir::testing_definitions {

// `body`: from `problem:` on. A comment may follow.
inline std::string definition(const std::string& body) {
  return "format: 1\nkernel: test\nsummary: a definition for tests\n" + body;
}

inline const std::string kGemm = definition(R"(
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
    shared_bytes: 2 * (tile_m + tile_n) * tile_k * 2
    registers_per_thread: 128
    arguments: [a, b, c]
    program:
      - let: {first: item / (group_m * tiles_n) * group_m, within: item % (group_m * tiles_n)}
      - let: {height: 'min(tiles_m - first, group_m)'}
      - let: {row: first + within % height, column: within / height}
      - for: step
        in: [0, 'ceil_div(k, tile_k)']
        prefetch: 1
        do:
          - {load: a, at: [row * tile_m, step * tile_k], extent: [tile_m, tile_k]}
          - {load: b, at: [column * tile_n, step * tile_k], extent: [tile_n, tile_k]}
          - compute: {tensor_flops: 2 * tile_m * tile_n * tile_k}
      - {store: c, at: [row * tile_m, column * tile_n], extent: [tile_m, tile_n]}
useful_flops: 2 * m * n * k
)");

// One input `x` and one output `y` of `bytes`, and a program over them; `launches` is YAML.
inline std::string over_bytes(const std::string& launches) {
  return definition(R"(
problem:
  bytes: {type: int, min: 1}
tensors:
  x: {role: in, element: u8, shape: [bytes]}
  y: {role: out, element: u8, shape: [bytes]}
tunables:
  tile: [16384]
default: {tile: 16384}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
)" + launches + "useful_flops: 0\n");
}

inline DeviceProfile profile_of(const std::string& name) {
  return find_profile(std::string(WEIR_SOURCE_DIR) + "/profiles/gpus", name).value();
}

using Tables = std::map<std::string, std::vector<std::int64_t>>;

inline Candidate resolve(const std::string& yaml, const std::string& problem, const DeviceProfile& profile,
                         const std::string& config = "", const Tables& tables = {}) {
  const auto parsed = KernelDefinition::parse(yaml, "test/kernel.yaml");
  if (!parsed.ok()) throw std::runtime_error(to_string(parsed.error()));
  const auto values = parsed->problem(problem, tables);
  if (!values.ok()) throw std::runtime_error(to_string(values.error()));
  const auto chosen = parsed->config(config);
  if (!chosen.ok()) throw std::runtime_error(to_string(chosen.error()));
  const auto candidate = parsed->resolve(*values, *chosen, limits_of(profile));
  if (!candidate.ok()) throw std::runtime_error(to_string(candidate.error()));
  return *candidate;
}

inline Prediction predict_ok(const std::string& yaml, const std::string& problem,
                             const DeviceProfile& profile, const std::string& config = "",
                             const PredictOptions& options = {}, const Tables& tables = {}) {
  const auto prediction = predict(profile, resolve(yaml, problem, profile, config, tables), options);
  if (!prediction.ok()) throw std::runtime_error(to_string(prediction.error()));
  return *prediction;
}

}  // namespace weir::testing_definitions
