// A comparison: rows of a workload (tuner/workload_rows.h), and the tables and charts that show them. It is
// one file, so that what is swept and what is shown cannot drift apart:
//
//   workload: …
//   rows: …
//   tables:
//     - name: figure3-time              names the chart's files
//       title: Time against length
//       layout: series                  rows (default), series, crossings or slopes
//       group: forward                  only rows of this group; default: all
//       x: keys                         what x is
//       columns: [flops, executed, sram, l2, dram, time, memory]
//       relative_to: flash              quantities also as multiples of this series' in the same group
//       times: 128                      quantities are multiplied by it
//       charts: [time]                  quantities to draw over x
//       expected: {N: 2}                slopes: the exponent that theory gives, by group
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "tuner/workload_rows.h"

namespace weir::comparison {

enum class Quantity {
  flops,     // that a user counts (the definition's useful_flops)
  executed,  // that tensor cores execute, whole tiles
  sram,      // bytes that tiles ask for, each load and store counted: the count of IO-complexity theory
  l2,        // bytes that the L2 serves and takes, requests of neighbouring SMs merged
  dram,      // bytes between the L2 and DRAM, while the kernels run
  time,      // seconds
  memory,    // bytes that all tensors take, those that parts share once
};
const char* to_string(Quantity quantity);  // the column's title

enum class Layout {
  rows,       // a line for each row, a column for each quantity
  series,     // a line for each x, a column for each series
  crossings,  // at which x two series' curves cross
  slopes,     // the exponent of x in each series: of y = c · x^e, by least squares of the logarithms
};

struct Table {
  std::string name;
  std::string title;
  Layout layout = Layout::rows;
  std::string group;
  std::string x;
  std::vector<Quantity> columns;
  std::string relative_to;
  double times = 1;
  std::vector<Quantity> charts;
  std::map<std::string, double> expected;
};

struct Comparison {
  std::string title;
  std::vector<WorkloadRow> rows;
  std::vector<Table> tables;
};

// Errors name file and line.
Result<Comparison> load_comparison(const std::filesystem::path& file);

// Whether the row stands in the table.
bool shows(const Table& table, const WorkloadRow& row);

}  // namespace weir::comparison
