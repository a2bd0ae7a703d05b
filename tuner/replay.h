// A recorded sweep as a device: strategies, reports and the whole pipeline run without a GPU on what a GPU
// measured.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "profiles/device_profile.h"

namespace weir {

struct ReplayOptions {
  std::string gpu_name;      // which of the file's devices; empty: its only one
  double delay_seconds = 0;  // of every call, so that tests can interrupt a sweep
  // Where the definitions are: a recorded row stands for the problem and configuration that its kernel's
  // definition reads from it now, with parameters that the kernel has gained since at their defaults. Empty:
  // rows stay as they were written.
  std::filesystem::path kernels_folder;
};

struct ReplayDevice {
  std::unique_ptr<Backend> backend;
  DeviceProfile profile;
  // The configurations that the file knows of a (kernel, problem), rejected ones included: the space of a
  // replayed sweep.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> configs;
};

// Every measured or failed row of the file. Errors: those of opening the store; usage if it holds several
// devices and none is named, or none at all; missing if no profile describes the device.
Result<ReplayDevice> open_replay(const std::filesystem::path& file,
                                 const std::vector<DeviceProfile>& profiles, const ReplayOptions& options);

// The tables with this hash that the file holds for a kernel's problem; missing if there are none.
Result<std::map<std::string, std::vector<std::int64_t>>> recorded_tables(const std::filesystem::path& file,
                                                                         const std::string& kernel,
                                                                         const std::string& hash);

}  // namespace weir
