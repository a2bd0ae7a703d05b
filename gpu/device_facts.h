// What the driver reports of one GPU.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "kernels/candidate.h"

namespace weir {

struct Driver;

struct DeviceFacts {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::string uuid;  // "GPU-8-4-4-4-12 hex digits", as nvidia-smi prints it
  int ordinal = 0;
  DeviceLimits limits;
  std::int64_t max_blocks_per_sm = 0;
  std::int64_t shared_reserved_bytes_per_block = 0;
  std::int64_t dram_bytes = 0;
  std::int64_t sm_clock_hertz = 0;      // maximum
  std::int64_t memory_clock_hertz = 0;  // maximum
  std::int64_t memory_bus_bits = 0;
  std::string driver_version;

  bool operator==(const DeviceFacts&) const = default;
};

// Asks the driver; needs no context.
Result<DeviceFacts> query_device(const Driver& driver, int ordinal);

}  // namespace weir
