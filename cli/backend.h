// The device that tune and verify work on: a GPU through its worker process, or a recorded sweep.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "profiles/device_profile.h"

namespace weir::cli {

struct BackendOptions {
  int ordinal = 0;
  std::string gpu;               // profile; empty: found by the device's name
  std::string device_name;       // of a recorded sweep with several
  std::filesystem::path replay;  // a store to replay instead of a GPU
  double replay_delay_seconds = 0;
  bool require_counters = false;
};

struct OpenBackend {
  std::unique_ptr<Backend> backend;
  DeviceProfile profile;
  // Of a recorded sweep: the configurations it knows, by kernel and problem. Empty for a GPU.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> recorded_configs;
  std::vector<std::string>
      notes;  // for people: where the device differs from the profile, why there are no counters
};

void add_backend_options(CLI::App& command, BackendOptions& options);
Result<OpenBackend> open_backend(const BackendOptions& options);

}  // namespace weir::cli
