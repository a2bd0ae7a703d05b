#include "tests/kernels/gemm_definition.h"

#include <algorithm>
#include <stdexcept>

namespace weir::test {

const std::string& gemm_yaml() {
  static const std::string text = R"(format: 1
kernel: gemm
summary: C = A · transpose(B)

problem:
  m: {type: int, min: 1, summary: rows of A and C}
  n: {type: int, min: 1}
  k: {type: int, min: 8, multiple_of: 8}
  dtype: {type: enum, values: [bf16, f16], default: bf16}

tensors:
  a: {role: in, element: dtype, shape: [m, k]}
  b: {role: in, element: dtype, shape: [n, k]}
  c: {role: out, element: dtype, shape: [m, n]}

tunables:
  tile_m: [64, 128, 256]
  tile_n: [64, 128, 256]
  tile_k: [32, 64]
  stages: [2, 3, 4]
  group_m: [1, 4, 8, 16]
default: {tile_m: 128, tile_n: 128, tile_k: 32, stages: 3, group_m: 8}

let:
  tiles_m: ceil_div(m, tile_m)
  tiles_n: ceil_div(n, tile_n)
  shared: stages * (tile_m + tile_n) * tile_k * a.element_bytes

restrictions:
  - {require: shared <= device.shared_bytes_per_block, reason: the stages do not fit in shared memory}

launches:
  - name: main
    entry: gemm
    grid: [tiles_m * tiles_n]
    threads: 256
    shared_bytes: shared
    registers_per_thread: 128
    blocks_per_sm: 2
    arguments: [a, b, c, {i32: m}, {i64: n * k}]
    program:
      - let: {group: item / (group_m * tiles_n), first: group * group_m}
      - let: {height: 'min(tiles_m - first, group_m)'}
      - let: {row: first + item % (group_m * tiles_n) % height, column: item % (group_m * tiles_n) / height}
      - for: step
        in: [0, 'ceil_div(k, tile_k)']
        prefetch: stages - 1
        do:
          - {load: a, at: [row * tile_m, step * tile_k], extent: [tile_m, tile_k]}
          - {load: b, at: [column * tile_n, step * tile_k], extent: [tile_n, tile_k], hint: evict_last}
          - compute: {tensor_flops: 2 * tile_m * tile_n * tile_k}
      - {store: c, at: [row * tile_m, column * tile_n], extent: [tile_m, tile_n]}

useful_flops: 2 * m * n * k
bounds:
  lower_bound_bytes: 2 * m * n * k / isqrt(device.on_chip_bytes / a.element_bytes) * a.element_bytes
  source: Hong and Kung, 1981

verify:
  source: reference.cu
  exact: gemm_reference_exact
  low: gemm_reference_low
  grid: ['ceil_div(n, 16)', 'ceil_div(m, 16)']
  threads: [16, 16]
  arguments: [a, b, c, {i32: m}, {i32: n}, {i32: k}]
  rule: twice_low_precision
)";
  return text;
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t position = text.find(from);
  if (position == std::string::npos || text.find(from, position + 1) != std::string::npos) {
    throw std::logic_error("the test's text must contain once: " + from);
  }
  return text.substr(0, position) + to + text.substr(position + from.size());
}

int line_of(const std::string& text, const std::string& part) {
  const std::size_t position = text.find(part);
  if (position == std::string::npos) throw std::logic_error("the test's text lacks: " + part);
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

KernelDefinition parse_or_stop(const std::string& yaml) {
  auto definition = KernelDefinition::parse(yaml, "folder/kernel.yaml");
  if (!definition) throw std::runtime_error(to_string(definition.error()));
  return *definition;
}

Problem problem_or_stop(const KernelDefinition& definition, const std::string& text) {
  auto problem = definition.problem(text);
  if (!problem) throw std::runtime_error(to_string(problem.error()));
  return *problem;
}

Config config_or_stop(const KernelDefinition& definition, const std::string& text) {
  auto config = definition.config(text);
  if (!config) throw std::runtime_error(to_string(config.error()));
  return *config;
}

Candidate resolve_or_stop(const KernelDefinition& definition, const std::string& problem,
                          const std::string& config, const DeviceLimits& device) {
  auto candidate =
      definition.resolve(problem_or_stop(definition, problem), config_or_stop(definition, config), device);
  if (!candidate) throw std::runtime_error(to_string(candidate.error()));
  return *candidate;
}

DeviceLimits h100() {
  return {.compute_capability = 90,
          .sm_count = 132,
          .max_threads_per_sm = 2048,
          .registers_per_sm = 65536,
          .shared_bytes_per_sm = 233472,
          .shared_bytes_per_block = 232448,
          .l2_bytes = 52428800};
}

DeviceLimits a100() {
  return {.compute_capability = 80,
          .sm_count = 108,
          .max_threads_per_sm = 2048,
          .registers_per_sm = 65536,
          .shared_bytes_per_sm = 167936,
          .shared_bytes_per_block = 166912,
          .l2_bytes = 41943040};
}

}  // namespace weir::test
