// The vocabulary that the analysis and the charts share: which rows count, what they are compared with, and
// how they group.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/report.h"

namespace weir::report {

bool is_counted(const Record& record);
bool is_timed(const Record& record);

// See report.h. Infinite where either side is not finite.
double traffic_error(double predicted_bytes, double measured_bytes, double compulsory_bytes);
// The errors of a counted row.
double read_error(const Record& record);
double write_error(const Record& record);

// Names the device of every row: the GPU's name, or for rows that no device was involved in (rejected,
// predicted) the GPU that the same profile stands for elsewhere in the set, or the profile itself.
class DeviceNames {
 public:
  explicit DeviceNames(const std::vector<Record>& records);
  std::string of(const Record& record) const;

 private:
  std::map<std::string, std::string> gpu_of_profile_;  // only profiles that stand for one GPU name
};

// Timed rows whose times may be compared: one kernel source, problem, device, driver, compiler and policy.
struct ProblemRows {
  std::string kernel;
  std::string source_hash;
  std::string problem;
  std::string device;
  std::string driver_version;
  std::string compiler_version;
  std::string policy;
  std::vector<std::size_t> rows;  // indices into the records

  bool operator==(const ProblemRows&) const = default;
};
// In the order of ReportData::picks, one for one.
std::vector<ProblemRows> timed_problems(const std::vector<Record>& records, const DeviceNames& names);

// Like text order, but runs of digits compare as numbers: "m=512" before "m=4096".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace weir::report
