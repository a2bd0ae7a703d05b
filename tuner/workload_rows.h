// Rows of a workload: problems that are compared as one, such as a forward pass and its backward pass.
//
//   workload: attention against the length of the sequence
//   rows:
//     - series: flash
//       group: forward and backward
//       each: [{n: 1024, b: 16}, {n: 2048, b: 8}]       one row for each of these
//       x: "{n}"
//       per: "{b}"
//       parts:
//         - {kernel: attention_forward, problem: "batch={b},heads_q=8,seq_q={n},head_dim=64"}
//         - {kernel: attention_backward, problem: "batch={b},heads_q=8,seq_q={n},head_dim=64"}
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tuner/workload.h"

namespace weir {

struct RowPart {
  WorkloadProblem problem;
  // Names of the kernel's tensors in this row: parts that share a tensor hold it once. A tensor that is not
  // named here is shared with those parts that have one of its name.
  std::map<std::string, std::string> tensor_names;
};

struct WorkloadRow {
  std::string series;       // rows of one method
  std::string group;        // rows that belong in one table; may be empty
  std::optional<double> x;  // where on the axis
  double per = 1;           // quantities are divided by it
  bool measure = true;      // false: predicted only
  std::vector<RowPart> parts;
};

// The rows of a workload file, those of `each` one after another; empty where it has problems instead. Errors
// name file and line.
Result<std::vector<WorkloadRow>> load_workload_rows(const std::filesystem::path& file);

// The problems of rows that are measured, each once.
std::vector<WorkloadProblem> problems_of(const std::vector<WorkloadRow>& rows);

}  // namespace weir
