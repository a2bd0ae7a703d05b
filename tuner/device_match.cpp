#include "tuner/device_match.h"

#include <algorithm>

#include "simulator/predict.h"

namespace weir {

Result<DeviceProfile> profile_for(const std::vector<DeviceProfile>& profiles, const std::string& gpu_name) {
  std::string known;
  for (const DeviceProfile& profile : profiles) {
    if (std::find(profile.device_names.begin(), profile.device_names.end(), gpu_name) !=
        profile.device_names.end()) {
      return profile;
    }
    known += (known.empty() ? "" : ", ") + profile.name;
  }
  return Error{ErrorKind::missing, "no device profile for '" + gpu_name + "'",
               "choose the nearest with --gpu (" + known + ") or add a file to profiles/gpus"};
}

std::vector<std::string> differences(const DeviceProfile& profile, const DeviceFacts& facts) {
  std::vector<std::string> out;
  const auto compare = [&](const char* what, std::int64_t expected, std::int64_t found) {
    if (expected != found) {
      out.push_back(std::string(what) + " is " + std::to_string(found) + " on this device and " +
                    std::to_string(expected) + " in the profile " + profile.name);
    }
  };
  compare("compute capability", profile.compute_capability, facts.limits.compute_capability);
  compare("SM count", profile.sm_count, facts.limits.sm_count);
  compare("L2 size in bytes", profile.l2_bytes, facts.limits.l2_bytes);
  compare("threads per SM", profile.max_threads_per_sm, facts.limits.max_threads_per_sm);
  compare("registers per SM", profile.registers_per_sm, facts.limits.registers_per_sm);
  compare("shared memory per SM in bytes", profile.shared_bytes_per_sm, facts.limits.shared_bytes_per_sm);
  compare("shared memory per block in bytes", profile.shared_bytes_per_block,
          facts.limits.shared_bytes_per_block);
  return out;
}

DeviceFacts facts_of(const DeviceProfile& profile) {
  DeviceFacts facts;
  facts.name = profile.device_names.empty() ? profile.title : profile.device_names.front();
  facts.limits = limits_of(profile);
  facts.max_blocks_per_sm = profile.max_blocks_per_sm;
  facts.shared_reserved_bytes_per_block = profile.shared_reserved_bytes_per_block;
  facts.dram_bytes = profile.dram_bytes;
  facts.sm_clock_hertz = static_cast<std::int64_t>(profile.sm_clock_hertz);
  return facts;
}

}  // namespace weir
