// What `weir db` does with a file beyond reading and writing rows.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "store/store.h"

namespace weir {

// The rows of one kernel, source and problem on one device.
struct Summary {
  std::string kernel;
  std::string source_hash;
  std::string problem;
  std::string gpu_name;  // or, for rows without a device, the profile
  std::int64_t predicted = 0, measured = 0, rejected = 0, failed = 0;
  double best_seconds = 0;  // smallest median of a verified row; 0 without one
  std::string latest;       // when the last row was written, ISO 8601, UTC

  bool operator==(const Summary&) const = default;
};
Result<std::vector<Summary>> summaries(const Store& store);

// The view `results` as CSV (RFC 4180) with a header line; numbers in the shortest form that reads back
// exactly.
Status export_csv(const Store& store, std::ostream& out);

struct GarbageReport {
  std::int64_t rows = 0, modules = 0;
  std::int64_t bytes_before = 0, bytes_after = 0;
};
// Which compiled modules garbage collection keeps: those of every measured row, or only what ship() would
// publish.
enum class KeepModules { measured, picks };
// Removes rows of all but the latest source hash of each kernel, the other modules, and the space they took.
Result<GarbageReport> collect_garbage(Store& store, KeepModules keep = KeepModules::measured);

}  // namespace weir
