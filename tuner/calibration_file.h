// A calibration as a file: profiles/calibrations/<profile>.yaml.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "tuner/calibration.h"

namespace weir {

// Numbers keep all their digits: what load_calibration reads of it is equal.
std::string to_yaml(const Calibration& calibration);

// Written beside its place and renamed, so that no reader sees half of it. Errors: unexpected, with the path.
Status save_calibration(const Calibration& calibration, const std::filesystem::path& file);

// Errors name file and line: an unknown or missing key, a value that is no number.
Result<Calibration> load_calibration(const std::filesystem::path& file);

struct FoundCalibration {
  std::optional<Calibration> calibration;
  std::string note;  // why there is none, where there is a file
};
// The profile's file in `folder`, if there is one and it was fitted to this time model and these values of
// the profile. Errors: those of load_calibration.
Result<FoundCalibration> find_calibration(const std::filesystem::path& folder, const DeviceProfile& profile);

}  // namespace weir
