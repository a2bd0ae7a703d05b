// NVML, opened at run time: what the GPU is doing now. Optional; its interface is declared here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/library.h"

namespace weir {

struct DeviceState {
  std::int64_t sm_clock_hertz = 0;
  std::int64_t memory_clock_hertz = 0;
  std::int64_t temperature_celsius = 0;
  double power_watts = 0;
  std::vector<std::string> throttle_reasons;  // "power cap", "thermal slowdown", …; empty: none
};

class Nvml {
 public:
  // Opens libnvidia-ml.so.1 and initialises it. Stays open until the process ends.
  static Result<Nvml> open();

  Result<std::string> driver_version() const;
  // `uuid` as DeviceFacts has it. Values that the GPU does not tell stay 0.
  Result<DeviceState> state(const std::string& uuid) const;

 private:
  using Code = int;
  using Device = struct NvmlDevice*;
  Error error(Code code, const char* call) const;

  SharedLibrary shared_object_;
  Code (*init_)() = nullptr;
  const char* (*error_string_)(Code) = nullptr;
  Code (*driver_version_)(char*, unsigned) = nullptr;
  Code (*device_by_uuid_)(const char*, Device*) = nullptr;
  Code (*clock_)(Device, int, unsigned*) = nullptr;
  Code (*temperature_)(Device, int, unsigned*) = nullptr;
  Code (*power_)(Device, unsigned*) = nullptr;
  Code (*throttle_)(Device, unsigned long long*) = nullptr;
};

}  // namespace weir
