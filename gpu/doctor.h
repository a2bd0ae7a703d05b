// What works on this machine, and what to do about what does not. Needs no GPU.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/measurement.h"
#include "gpu/device_facts.h"

namespace weir {

struct DoctorCheck {
  std::string name;  // "driver", "gpu 0", "compiler", "counter plan", "counters", "clocks", "compile cache",
                     // "working folder"
  bool ok = false;
  std::string detail;  // what was found
  std::string advice;  // for what is missing; may be empty
};

struct DoctorReport {
  std::vector<DoctorCheck> checks;
  std::vector<DeviceFacts> devices;
  // What `weir tune` could do on device 0: the tier of measurements and why not a higher one.
  Tier tier = Tier::none;
  std::string tier_reason;
};

struct DoctorOptions {
  std::filesystem::path cache_folder;          // empty: CompileCache::default_folder()
  std::filesystem::path working_folder = ".";  // where databases will be written
};

DoctorReport doctor(const DoctorOptions& options = {});

}  // namespace weir
