// A tuned work file of a small kernel: two problems, three configurations, modules that are not machine code.
#pragma once

#include "kernels/definition.h"
#include "store/store.h"
#include "tests/store/sample_records.h"

namespace weir {

inline constexpr const char* kScaleYaml = R"(
format: 1
kernel: scale
summary: y = 2 x, one element after the other
problem:
  n: {type: int, min: 1}
  wide: {type: bool, default: false, compile_time: true}
tensors:
  x: {role: in, element: f32, shape: [n]}
  y: {role: out, element: f32, shape: [n], alignment_bytes: 64}
tunables:
  tile: [128, 256, 1024]
default: {tile: 128}
restrictions:
  - {require: tile * 8 <= device.shared_bytes_per_block, reason: the tile does not fit in shared memory}
variants:
  - name: plain
    source: kernel.cu
    min_compute_capability: 80
launches:
  - name: main
    entry: scale
    grid: ['ceil_div(n, tile)']
    threads: 128
    shared_bytes: tile * 8
    arguments: [x, y, {i32: n}]
    program:
      - {load: x, at: [item * tile], extent: [tile]}
      - {store: y, at: [item * tile], extent: [tile]}
)";

inline StoredDevice sample_device() {
  return {"NVIDIA H100 80GB HBM3",
          {.compute_capability = 90,
           .sm_count = 132,
           .max_threads_per_sm = 2048,
           .registers_per_sm = 65536,
           .shared_bytes_per_sm = 233472,
           .shared_bytes_per_block = 232448,
           .l2_bytes = 52428800}};
}

inline Record scale_record(const std::string& problem, int tile, double median) {
  Record record = sample_record("tile=" + std::to_string(tile) + ",variant=plain", median);
  record.kernel = "scale";
  record.problem = problem;
  record.is_default = tile == 128;
  return record;
}

inline void write_module(Store& store, const std::string& problem, int tile) {
  const KernelDefinition definition = must(KernelDefinition::parse(kScaleYaml, "scale/kernel.yaml"));
  const Candidate candidate = must(definition.resolve(must(definition.problem(problem)),
                                                      must(definition.config("tile=" + std::to_string(tile))),
                                                      sample_device().limits));
  must(store.write(StoredModule{sample_record("").source_hash, header_hash(candidate.config_header), 90,
                                "13.0",
                                std::vector<std::uint8_t>(5000, static_cast<std::uint8_t>(tile / 8))}));
}

inline constexpr const char* kSmall = "n=1000,wide=false";
inline constexpr const char* kLarge = "n=100000,wide=false";

// n=1000: tile 256 is fastest. n=100000: 1024 is. The safe default, 128, is slowest everywhere.
inline Store sample_work(const std::filesystem::path& file) {
  Store store = must(Store::open(file, Store::Mode::create_or_open));
  must(store.write(StoredDefinition{"scale", sample_record("").source_hash, kScaleYaml}));
  must(store.write(sample_device()));
  must(store.write(std::vector{scale_record(kSmall, 128, 3e-6), scale_record(kSmall, 256, 1e-6),
                               scale_record(kSmall, 1024, 2e-6), scale_record(kLarge, 128, 3e-5),
                               scale_record(kLarge, 256, 2e-5), scale_record(kLarge, 1024, 1e-5)}));
  for (int tile : {128, 256, 1024}) write_module(store, kSmall, tile);
  return store;
}

}  // namespace weir
