// The SQLite schema and the numbers that identify a Weir file. FORMAT.md explains it.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr std::int32_t kApplicationId = 0x57454952;  // "WEIR" in the header of the file
// user_version. Version 1 does not say which predictions were calibrated; versions 1 and 2 have no
// launch_counters.
inline constexpr std::int32_t kSchemaVersion = 3;

extern const char* const kSchema;       // tables, and the view that reading goes through
extern const char* const kResultsView;  // the view for people; belongs to every file, like the tables
// What a file of version 1 lacks before kResultsView: whether a prediction was calibrated. Its rows say "not
// recorded".
extern const char* const kUpgradeFrom1;
extern const char* const kLaunchCounters;  // a table of every file; what version 2 lacks

}  // namespace weir
