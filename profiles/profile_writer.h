// A profile's file with some of its values replaced by measured ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profiles/device_profile.h"

namespace weir {

struct ProfileValue {
  std::string key;    // "l2_private_weight"
  std::string value;  // as in the file, with its unit: "1.18", "8.8 TB/s"
  std::string source;
  CalibrationRun run;
};

// `yaml` with the entry of each key replaced, marked as calibrated; everything else stays as it is, comments
// included. Error (usage): a key has no entry, or one of several lines.
Result<std::string> with_values(std::string_view yaml, const std::vector<ProfileValue>& values);

}  // namespace weir
