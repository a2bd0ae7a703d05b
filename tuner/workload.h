// A workload: the problems that a sweep tunes.
//
//   workload: one line that says what it is
//   problems:
//     - {kernel: gemm, problem: "m=4096,n=4096,k=4096"}
//     - {kernel: attention_forward, problem: "heads_q=16,seq_q=2048,head_dim=128", strategy: random, budget:
//     20}
//     - {kernel: attention_forward, problem: "heads_q=16,seq_q=2048,head_dim=128",
//        configs: ["variant=mma_sync,tile_q=128,tile_kv=64", "variant=wgmma,tile_q=128"]}
//     - {kernel: attention_block_sparse, problem: "heads_q=16,seq_q=4096,head_dim=64", mask: butterfly}
//     - kernel: attention_forward
//       problem: "batch=2,heads_q=16,seq_q=512,head_dim=128,packed=true,score=score - 0.5 * abs(q_index -
//       k_index)" tables: {cu_seq_q: [0, 300, 812], cu_seq_kv: [0, 300, 812]}
//
// Instead of problems it may have rows, each of which is several problems that belong together
// (tuner/workload_rows.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir {

using Tables = std::map<std::string, std::vector<std::int64_t>>;

struct WorkloadProblem {
  std::string kernel;
  std::string problem;
  Tables tables;
  std::string mask;                  // of blocks, by its name (masks/mask_text.h); empty: none
  std::string strategy;              // empty: the command line's
  std::int64_t budget = 0;           // 0: the command line's
  std::vector<std::string> configs;  // just these, in any order; empty: the whole space

  bool operator==(const WorkloadProblem&) const = default;
};

struct Workload {
  std::string title;
  std::vector<WorkloadProblem> problems;
};

// Errors name file and line.
Result<Workload> load_workload(const std::filesystem::path& file);

// A file of a problem's tables: a map of names to lists of integers. Errors name file and line.
Result<Tables> load_tables(const std::filesystem::path& file);

}  // namespace weir
