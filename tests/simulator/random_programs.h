// Random kernels of the usual kinds, each a pure function of a seed: what the fidelities are compared on.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "kernels/definition.h"
#include "profiles/device_profile.h"
#include "simulator/predict.h"

namespace weir::random_programs {

struct Program {
  std::string kind;
  std::string yaml;
  std::string problem;
  std::map<std::string, std::vector<std::int64_t>> tables;
  std::int64_t l2_bytes = 0;  // of the device it runs on
};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  Program make() {
    static constexpr const char* kKinds[] = {"gemm",      "attention", "causal",    "split_k", "persistent",
                                             "clustered", "sparse",    "reduction", "strided", "copy"};
    return make(kKinds[below(std::size(kKinds))]);
  }

  Program make(const std::string& kind) {
    Program program{.kind = kind, .l2_bytes = (std::int64_t{1} << 20) * pick({6, 12, 25, 50})};
    if (kind == "gemm") gemm(program, "");
    if (kind == "persistent")
      gemm(program, "    work_items: tiles_m * tiles_n\n    schedule: " +
                        std::string(below(2) ? "static" : "dynamic") + "\n");
    if (kind == "clustered") gemm(program, "    cluster: [2]\n");
    if (kind == "split_k") split_k(program);
    if (kind == "attention" || kind == "causal") attention(program, kind == "causal");
    if (kind == "sparse") sparse(program);
    if (kind == "reduction") reduction(program);
    if (kind == "strided") strided(program);
    if (kind == "copy") copy(program);
    return program;
  }

 private:
  std::uint64_t below(std::uint64_t end) {
    return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random_);
  }
  std::int64_t pick(std::vector<std::int64_t> values) { return values[below(values.size())]; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  static std::string text(std::int64_t value) { return std::to_string(value); }

  static std::string head(const std::string& problem, const std::string& tensors,
                          const std::string& tables = "") {
    return "format: 1\nkernel: random\nsummary: a random program\nproblem:\n" + problem + tables +
           "tensors:\n" + tensors + "tunables:\n  unused: [1]\ndefault: {unused: 1}\n";
  }
  static std::string launch(const std::string& grid, const std::string& arguments, const std::string& more) {
    return "variants:\n  - {name: plain, source: kernel.cu, min_compute_capability: 80}\nlaunches:\n"
           "  - name: main\n    entry: main\n    grid: [" +
           grid + "]\n    arguments: [" + arguments + "]\n" + more + "    program:\n";
  }
  std::string residency(std::int64_t threads) {
    return "    threads: " + text(threads) +
           "\n    registers_per_thread: 64\n    blocks_per_sm: " + text(between(1, 3)) + "\n";
  }

  // Rows of tiles in bands, as swizzled matrix products walk them.
  void gemm(Program& program, const std::string& more) {
    const std::int64_t tile_m = pick({64, 128, 256}), tile_n = pick({64, 128, 256}), tile_k = pick({32, 64});
    const std::int64_t m = between(8, 48) * 128 + pick({0, 0, 4}),
                       n = between(8, 48) * 128 + pick({0, 0, 72});
    const std::int64_t k = between(4, 48) * 64;
    program.problem = "m=" + text(m) + ",n=" + text(n) + ",k=" + text(k);
    const bool persistent = more.find("work_items") != std::string::npos;
    const bool clustered = more.find("cluster") != std::string::npos;
    program.yaml =
        head("  m: {type: int}\n  n: {type: int}\n  k: {type: int}\n",
             "  a: {role: in, element: bf16, shape: [m, k]}\n  b: {role: in, element: bf16, shape: [n, k]}\n"
             "  c: {role: out, element: bf16, shape: [m, n]}\n") +
        "let:\n  tiles_m: ceil_div(m, " + text(tile_m) + ")\n  tiles_n: ceil_div(n, " + text(tile_n) + ")\n" +
        launch(persistent  ? "device.sm_count"
               : clustered ? "'ceil_div(tiles_m * tiles_n, 2) * 2'"
                           : "tiles_m * tiles_n",
               "a, b, c", more + residency(256)) +
        "      - let: {group: " + text(pick({1, 4, 8, 16})) + "}\n" +
        "      - let: {first: item / (group * tiles_n) * group, within: item % (group * tiles_n)}\n"
        "      - let: {height: 'max(1, min(tiles_m - first, group))'}\n"
        "      - let: {row: first + within % height, column: within / height}\n"
        "      - for: step\n        in: [0, 'ceil_div(k, " +
        text(tile_k) + ")']\n        prefetch: " + text(between(0, 3)) +
        "\n        do:\n          - {load: a, at: [row * " + text(tile_m) + ", step * " + text(tile_k) +
        "], extent: [" + text(tile_m) + ", " + text(tile_k) + "]}\n          - {load: b, at: [column * " +
        text(tile_n) + ", step * " + text(tile_k) + "], extent: [" + text(tile_n) + ", " + text(tile_k) +
        "]" + (clustered ? ", multicast: 2" : "") +
        "}\n          - compute: {tensor_flops: " + text(2 * tile_m * tile_n * tile_k) +
        "}\n      - {store: c, at: [row * " + text(tile_m) + ", column * " + text(tile_n) + "], extent: [" +
        text(tile_m) + ", " + text(tile_n) + "]}\nuseful_flops: 0\n";
  }

  void split_k(Program& program) {
    const std::int64_t m = between(4, 24) * 128, n = between(4, 24) * 128, parts = between(2, 8);
    const std::int64_t k = parts * between(4, 24) * 64;
    program.problem = "m=" + text(m) + ",n=" + text(n) + ",k=" + text(k) + ",parts=" + text(parts);
    program.yaml =
        head("  m: {type: int}\n  n: {type: int}\n  k: {type: int}\n  parts: {type: int}\n",
             "  a: {role: in, element: bf16, shape: [m, k]}\n  b: {role: in, element: bf16, shape: [n, k]}\n"
             "  c: {role: inout, element: f32, shape: [m, n]}\n") +
        launch("n / 128, m / 128, parts", "a, b, c", residency(256)) +
        "      - for: step\n        in: ['block_z * (k / 64 / parts)', '(block_z + 1) * (k / 64 / parts)']\n"
        "        prefetch: 2\n        do:\n"
        "          - {load: a, at: [block_y * 128, step * 64], extent: [128, 64]}\n"
        "          - {load: b, at: [block_x * 128, step * 64], extent: [128, 64]}\n"
        "          - compute: {tensor_flops: 2 * 128 * 128 * 64}\n"
        "      - {reduce: c, at: [block_y * 128, block_x * 128], extent: [128, 128]}\nuseful_flops: 0\n";
  }

  void attention(Program& program, bool causal) {
    const std::int64_t tile_q = pick({64, 128}), tile_kv = pick({32, 64, 128});
    const std::int64_t heads = between(1, 24), seq = between(4, 64) * 128 / (heads > 8 ? 2 : 1);
    program.problem = "heads=" + text(heads) + ",seq=" + text(seq);
    const std::string steps =
        "'ceil_div(" + (causal ? "min(seq, (tiles - block_x) * " + text(tile_q) + ")" : std::string("seq")) +
        ", " + text(tile_kv) + ")'";
    const std::string row = (causal ? "(tiles - 1 - block_x) * " : "block_x * ") + text(tile_q);
    program.yaml =
        head("  heads: {type: int}\n  seq: {type: int}\n",
             "  q: {role: in, element: bf16, shape: [heads, seq, 128]}\n"
             "  k: {role: in, element: bf16, shape: [heads, seq, 128]}\n"
             "  v: {role: in, element: bf16, shape: [heads, seq, 128]}\n"
             "  o: {role: out, element: bf16, shape: [heads, seq, 128]}\n") +
        "let:\n  tiles: ceil_div(seq, " + text(tile_q) + ")\n" +
        launch("tiles, heads", "q, k, v, o", residency(256)) + "      - {load: q, at: [block_y, " + row +
        ", 0], extent: [1, " + text(tile_q) + ", 128]}\n      - for: step\n        in: [0, " + steps +
        "]\n        prefetch: " + text(between(0, 2)) +
        "\n        do:\n          - {load: k, at: [block_y, step * " + text(tile_kv) + ", 0], extent: [1, " +
        text(tile_kv) + ", 128]}\n          - {load: v, at: [block_y, step * " + text(tile_kv) +
        ", 0], extent: [1, " + text(tile_kv) +
        ", 128]}\n          - compute: {tensor_flops: " + text(4 * tile_q * tile_kv * 128) +
        ", special_ops: " + text(tile_q * tile_kv) + "}\n      - {store: o, at: [block_y, " + row +
        ", 0], extent: [1, " + text(tile_q) + ", 128]}\nuseful_flops: 0\n";
  }

  // Rows of blocks of A in a compressed list, against panels of B.
  void sparse(Program& program) {
    const std::int64_t rows = between(16, 64), columns = between(4, 24), panels = between(16, 96);
    program.problem = "rows=" + text(rows) + ",columns=" + text(columns) + ",panels=" + text(panels);
    std::vector<std::int64_t> begin{0}, where;
    const std::uint64_t density = 1 + below(8);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        if (below(8) < density) where.push_back(panel);
      }
      begin.push_back(static_cast<std::int64_t>(where.size()));
    }
    where.push_back(0);  // never empty
    program.tables = {{"begin", begin}, {"where", where}};
    program.yaml =
        head("  rows: {type: int}\n  columns: {type: int}\n  panels: {type: int}\n",
             "  a: {role: in, element: bf16, shape: [where.length * 128, 128]}\n"
             "  b: {role: in, element: bf16, shape: [panels * 128, columns * 128]}\n"
             "  c: {role: out, element: bf16, shape: [rows * 128, columns * 128]}\n",
             "tables:\n  begin: {summary: first kept block of each row}\n  where: {summary: panel of each "
             "kept block}\n") +
        launch("columns, rows", "a, b, c", residency(128)) +
        "      - for: kept\n        in: ['begin[block_y]', 'begin[block_y + 1]']\n        prefetch: 1\n      "
        "  do:\n"
        "          - {load: a, at: [kept * 128, 0], extent: [128, 128]}\n"
        "          - {load: b, at: ['where[kept] * 128', block_x * 128], extent: [128, 128]}\n"
        "          - compute: {tensor_flops: 2 * 128 * 128 * 128}\n"
        "      - {store: c, at: [block_y * 128, block_x * 128], extent: [128, 128]}\nuseful_flops: 0\n";
  }

  // Partial sums added in memory, in order or by a scattering table.
  void reduction(Program& program) {
    const std::int64_t tiles = between(200, 4000), bins = between(20, 1500);
    program.problem = "tiles=" + text(tiles) + ",bins=" + text(bins);
    std::vector<std::int64_t> bin;
    const bool scattered = below(2);
    for (std::int64_t tile = 0; tile < tiles; ++tile)
      bin.push_back(scattered ? static_cast<std::int64_t>(below(static_cast<std::uint64_t>(bins)))
                              : tile % bins);
    program.tables = {{"bin", bin}};
    program.yaml = head("  tiles: {type: int}\n  bins: {type: int}\n",
                        "  x: {role: in, element: f32, shape: [tiles * 8192]}\n"
                        "  y: {role: inout, element: f32, shape: [bins * 8192]}\n",
                        "tables:\n  bin: {summary: where each tile is added}\n") +
                   launch("tiles", "x, y", residency(256)) +
                   "      - {load: x, at: [item * 8192], extent: [8192]}\n"
                   "      - {reduce: y, at: ['bin[item] * 8192'], extent: [8192]}\nuseful_flops: 0\n";
  }

  // Columns of a padded matrix, several passes, and what was read written elsewhere.
  void strided(Program& program) {
    const std::int64_t width = pick({8, 16, 24, 48, 100}), rows = between(50, 400) * 100;
    const std::int64_t stride = width * pick({1, 2, 3}) + pick({0, 8});
    program.problem = "rows=" + text(rows) + ",width=" + text(width) + ",stride=" + text(stride) +
                      ",passes=" + text(between(1, 4));
    program.yaml =
        head("  rows: {type: int}\n  width: {type: int}\n  stride: {type: int}\n  passes: {type: int}\n",
             "  x: {role: in, element: f32, shape: [rows, width], strides: [stride, 1]}\n"
             "  y: {role: out, element: f32, shape: [rows, width], strides: [stride, 1]}\n") +
        launch("rows / 100", "x, y", residency(128)) +
        "      - for: pass\n        in: [0, passes]\n        do:\n"
        "          - {load: x, at: [(item * 7 + pass * 13) % (rows / 100) * 100, 0], extent: [100, width]}\n"
        "      - {store: y, at: [item * 100, 0], extent: [100, width]}\nuseful_flops: 0\n";
  }

  // A stream that each block goes over several times.
  void copy(Program& program) {
    const std::int64_t blocks = between(132, 528), tiles = between(1, 16);
    program.problem = "blocks=" + text(blocks) + ",tiles=" + text(tiles) + ",passes=" + text(between(1, 4));
    program.yaml =
        head("  blocks: {type: int}\n  tiles: {type: int}\n  passes: {type: int}\n",
             "  x: {role: in, element: u8, shape: [blocks * tiles * 16384]}\n"
             "  y: {role: out, element: u8, shape: [blocks * tiles * 16384]}\n") +
        launch("blocks", "x, y", residency(256)) +
        "      - for: pass\n        in: [0, passes]\n        do:\n          - for: tile\n"
        "            in: [0, tiles]\n            prefetch: 1\n            do:\n"
        "              - {load: x, at: [(item * tiles + tile) * 16384], extent: [16384]}\n"
        "              - {store: y, at: [(item * tiles + tile) * 16384], extent: [16384]}\nuseful_flops: 0\n";
  }

  std::mt19937_64 random_;
};

inline Program make(std::uint64_t seed) {
  return Maker(seed).make();
}

inline Result<Candidate> resolve(const Program& program, const DeviceProfile& profile) {
  const auto parsed = KernelDefinition::parse(program.yaml, program.kind + "/kernel.yaml");
  if (!parsed.ok()) return parsed.error();
  const auto problem = parsed->problem(program.problem, program.tables);
  if (!problem.ok()) return problem.error();
  return parsed->resolve(*problem, parsed->config("").value(), limits_of(profile));
}

}  // namespace weir::random_programs
