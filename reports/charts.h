// The pictures of how well the model predicts: one mark or step per counted row.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"

namespace weir::report {

// Which traffic a chart is about.
enum class Quantity { dram_reads, dram_writes };
const char* to_string(Quantity quantity);  // "DRAM reads"

// The kernels in the order of their colors; kernel i has the CSS classes "k<i % 8>" and, for hiding it,
// "kernel-<i>".
std::vector<std::string> kernel_names(const ReportData& data);

// Predicted over measured bytes, both logarithmic, with the line of equality and the band of 10% around it.
// Color: kernel; shape: regime.
std::string scatter(const std::vector<Record>& records, const std::vector<std::string>& kernels,
                    Quantity quantity);

// The ratio of predicted to measured bytes over measured bytes: what the scatter hides where the model is
// good. Measured values under 1 MB are left out.
std::string ratio_scatter(const std::vector<Record>& records, const std::vector<std::string>& kernels,
                          Quantity quantity);

// Per kernel: the share of counted rows whose relative error is at most x.
std::string error_distribution(const std::vector<Record>& records, const std::vector<std::string>& kernels,
                               Quantity quantity);

}  // namespace weir::report
