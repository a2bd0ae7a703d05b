// A tuned work file of a kernel whose problem has a real number, a mask and a table.
#pragma once

#include "kernels/definition.h"
#include "store/store.h"
#include "tests/store/sample_work.h"

namespace weir {

inline constexpr const char* kSegmentsYaml = R"(
format: 1
kernel: segments
problem:
  n: {type: int, min: 1}
  packed: {type: bool, default: false}
  slope: {type: real, default: 0.5}
  mask: {type: formula, variables: [row, key], gives: bool, default: 'true'}
tables:
  starts: {length: 'packed ? 3 : 0'}
tensors:
  x: {role: in, element: f32, shape: [n]}
  y: {role: out, element: f32, shape: [n]}
tunables:
  tile: [64, 128]
default: {tile: 64}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: segments
    grid: ceil_div(n, tile)
    threads: 128
    arguments: [x, y, {i32: n}, {f32: slope}, {table: starts}]
    program:
      - for: key
        in: [0, n, tile]
        do:
          - if: mask_some(item * tile, item * tile + tile - 1, key, key + tile - 1)
            then: [{load: x, at: [key], extent: [tile]}]
      - {store: y, at: [item * tile], extent: [tile]}
)";

inline constexpr const char* kPacked = "n=1000,packed=true,slope=0.25,mask=max(key, 0) <= row";
inline const std::map<std::string, std::vector<std::int64_t>> kStarts{{"starts", {0, 300, 1000}}};

inline KernelDefinition segments_definition() {
  return must(KernelDefinition::parse(kSegmentsYaml, "segments/kernel.yaml"));
}

// One problem, with its tables, and both tiles; 128 is faster.
inline Store segments_work(const std::filesystem::path& file) {
  Store store = must(Store::open(file, Store::Mode::create_or_open));
  const std::string hash = sample_record("").source_hash;
  must(store.write(StoredDefinition{"segments", hash, kSegmentsYaml}));
  must(store.write(sample_device()));
  const KernelDefinition definition = segments_definition();
  const Problem problem = must(definition.problem(kPacked, kStarts));
  must(store.write(StoredTables{"segments", hash, to_string(problem), kStarts}));
  for (const int tile : {64, 128}) {
    Record record =
        sample_record("tile=" + std::to_string(tile) + ",variant=plain", tile == 128 ? 1e-6 : 2e-6);
    record.kernel = "segments";
    record.problem = to_string(problem);
    record.is_default = tile == 64;
    must(store.write(record));
    const Candidate candidate = must(definition.resolve(
        problem, must(definition.config("tile=" + std::to_string(tile))), sample_device().limits));
    must(store.write(StoredModule{hash, header_hash(candidate.config_header), 90, "13.0",
                                  std::vector<std::uint8_t>(100, static_cast<std::uint8_t>(tile))}));
  }
  return store;
}

}  // namespace weir
