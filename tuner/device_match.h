// Between what the driver reports and the profiles that describe GPU models.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "profiles/device_profile.h"

namespace weir {

// The profile whose device_names has the GPU's name, or a `missing` error that lists them.
Result<DeviceProfile> profile_for(const std::vector<DeviceProfile>& profiles, const std::string& gpu_name);

// One sentence for each fact in which the device differs from the profile; empty if they agree.
std::vector<std::string> differences(const DeviceProfile& profile, const DeviceFacts& facts);

// Facts as the profile tells them, for devices that are not here.
DeviceFacts facts_of(const DeviceProfile& profile);

}  // namespace weir
