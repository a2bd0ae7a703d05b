// Facts of one GPU model, each with its source. Derived values are the named functions below, never extra
// fields.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prediction.h"
#include "base/result.h"

namespace weir {

// Where and when a microbenchmark measured a value.
struct CalibrationRun {
  std::string gpu;     // as the driver names it: one of the profile's device_names
  std::string driver;  // version
  std::string date;    // year-month-day on which the value was recorded

  bool operator==(const CalibrationRun&) const = default;
};

// Where a value comes from: a datasheet, a device query, a publication, a derivation, or a measurement.
struct Source {
  std::string text;
  std::optional<CalibrationRun> calibrated;  // measured on this GPU model
  std::string carried_over_from;  // the profile whose calibrated value this is; empty for other values

  bool operator==(const Source&) const = default;
};

struct DeviceProfile {
  std::string name;                       // "h100-sxm5-80gb"
  std::string title;                      // "NVIDIA H100 SXM5 80 GB"
  std::vector<std::string> device_names;  // what the driver calls it: "NVIDIA H100 80GB HBM3"
  std::int64_t compute_capability = 0;    // major * 10 + minor

  std::int64_t sm_count = 0;
  std::int64_t max_threads_per_sm = 0;
  std::int64_t max_blocks_per_sm = 0;
  std::int64_t registers_per_sm = 0;
  std::int64_t shared_bytes_per_sm = 0;
  std::int64_t shared_bytes_per_block = 0;           // the opt-in maximum
  std::int64_t shared_reserved_bytes_per_block = 0;  // taken by the system for every block

  double sm_clock_hertz = 0;           // sustained boost
  double tensor_flops_per_second = 0;  // dense, 16-bit inputs, fp32 accumulation, all SMs
  double mma_sync_fraction = 1;  // of that, reachable through mma.sync (Hopper needs wgmma for all of it)
  double fp32_flops_per_second = 0;
  double special_ops_per_second = 0;   // exp2, reciprocal, all SMs
  double shared_bytes_per_second = 0;  // shared memory, all SMs

  std::int64_t l2_bytes = 0;
  std::int64_t l2_partitions = 1;
  std::int64_t l2_line_bytes = 128;
  std::int64_t sector_bytes = 32;
  double l2_bytes_per_second = 0;  // reads that hit, all SMs; each SM has its share of it
  // Space that a byte of data takes in the L2, in bytes: data read from one partition's SMs only, and from
  // both sides'. A part with one partition has 1 and 1.
  double l2_private_weight = 1;
  double l2_shared_weight = 1;
  // Scale, as a share of the capacity, of the Gumbel law by which hits turn into misses around the capacity
  // (docs/model.md).
  double l2_survival_width = 0.05;
  double l2_dirty_fraction = 0.5;  // of l2_bytes, how much may be dirty before write-back begins
  // What is dirty in an L2 that was cleaned before a kernel starts, of the driver and of a profiler. The
  // kernel writes it back as it displaces the L2.
  std::int64_t l2_foreign_dirty_bytes = 0;

  std::int64_t dram_bytes = 0;
  double dram_bytes_per_second = 0;  // peak: bus width x data rate
  double dram_efficiency = 0.92;     // reachable share of the peak
  std::int64_t dram_read_granule_bytes = 64;
  std::int64_t dram_write_granule_bytes = 32;
  double dram_latency_seconds = 0;  // under load, from an SM's request
  double l2_latency_seconds = 0;
  double launch_latency_seconds = 0;  // start and drain of a kernel, seen in its duration
  double block_overhead_seconds = 0;  // start and end of a block, while others on its SM go on
  double step_overhead_seconds = 0;   // of a block's step: barrier, addresses, the loop

  std::map<std::string, Source> sources;  // by YAML key

  bool operator==(const DeviceProfile&) const = default;
};

// Loads profiles/gpus/<name>.yaml or a path to a profile. Errors name file, line and key: an unknown key, a
// missing value, a wrong or missing unit, a value without a source, a value out of range.
Result<DeviceProfile> load_profile(const std::filesystem::path& file);

// Finds a profile by name ("h100-sxm5-80gb") in `folder`, or takes a path. The error lists the names that
// exist.
Result<DeviceProfile> find_profile(const std::filesystem::path& folder, const std::string& name_or_path);

// All profiles of a folder, sorted by name; the first broken file is the error.
Result<std::vector<DeviceProfile>> load_all_profiles(const std::filesystem::path& folder);

// One message for each broken rule; empty if the profile is consistent.
std::vector<std::string> validate(const DeviceProfile& profile);

// Which parameters of the memory model and of the time model are not calibrated on this GPU model, and where
// their values come from instead. A parameter is calibrated if its source names the run that measured it.
Uncalibrated uncalibrated(const DeviceProfile& profile);

}  // namespace weir
