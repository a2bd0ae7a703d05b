// Records that look like a sweep's: shapes and sizes as on an H100, values from a few formulas and seeded
// noise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/record.h"

namespace weir::report::testing {

// At most `rows` records over three kernels: measured, rejected, failed and predicted-only ones, one problem
// at tier B.
std::vector<Record> synthetic_sweep(std::size_t rows, std::uint64_t seed = 1);

// A measured tier A row of kernel "gemm", problem "m=1", to be changed by a test.
Record measured_row(const std::string& config, double predicted_read_bytes, double measured_read_bytes,
                    double predicted_seconds, double measured_seconds);
Record rejected_row(const std::string& config, const std::string& reason);

}  // namespace weir::report::testing
