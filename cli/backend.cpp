#include "cli/backend.h"

#include "cli/common.h"
#include "cli/locations.h"
#include "gpu/worker_backend.h"
#include "tuner/device_match.h"
#include "tuner/replay.h"

namespace weir::cli {

void add_backend_options(CLI::App& command, BackendOptions& options) {
  command.add_option("--device", options.ordinal, "Which GPU of this machine")->capture_default_str();
  command.add_option("--gpu", options.gpu,
                     "Device profile to predict with (default: found by the device's name)");
  command.add_option("--replay", options.replay, "Use this recorded sweep instead of a GPU");
  command.add_option("--device-name", options.device_name, "Which device of the recorded sweep");
  command.add_option("--replay-delay", options.replay_delay_seconds, "Seconds that each replayed call takes");
  command.add_flag("--require-counters", options.require_counters,
                   "Fail with exit code 4 if counters may not be read");
}

Result<OpenBackend> open_backend(const BackendOptions& options) {
  Result<std::vector<DeviceProfile>> profiles = load_all_profiles(profiles_folder());
  if (!profiles) return profiles.error();

  OpenBackend opened;
  if (!options.replay.empty()) {
    Result<ReplayDevice> replay =
        open_replay(options.replay, *profiles,
                    ReplayOptions{options.device_name, options.replay_delay_seconds, kernels_folder()});
    if (!replay) return replay.error();
    opened.backend = std::move(replay->backend);
    opened.profile = std::move(replay->profile);
    if (!options.gpu.empty()) {
      Result<DeviceProfile> named = find_profile(profiles_folder(), options.gpu);
      if (!named) return named.error();
      opened.profile = std::move(*named);
    }
    opened.recorded_configs = std::move(replay->configs);
    opened.notes.push_back("replaying what " + opened.backend->facts().name + " measured, from " +
                           options.replay.string());
  } else {
    WorkerOptions worker;
    worker.ordinal = options.ordinal;
    worker.include_folder = kernels_folder();
    worker.counters_required = options.require_counters;
    Result<std::unique_ptr<Backend>> backend = open_worker_backend(worker);
    if (!backend) return backend.error();
    opened.backend = std::move(*backend);
    Result<DeviceProfile> profile = options.gpu.empty() ? profile_for(*profiles, opened.backend->facts().name)
                                                        : find_profile(profiles_folder(), options.gpu);
    if (!profile) return profile.error();
    opened.profile = std::move(*profile);
    for (std::string& difference : differences(opened.profile, opened.backend->facts())) {
      opened.notes.push_back(std::move(difference));
    }
  }
  if (opened.backend->tier() != Tier::counters) {
    opened.notes.push_back(std::string("measurements are tier ") + letter(opened.backend->tier()) + ": " +
                           opened.backend->tier_reason());
  }
  return opened;
}

}  // namespace weir::cli
