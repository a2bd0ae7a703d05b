// The SQLite schema and the numbers that identify a Weir file. FORMAT.md explains it.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr std::int32_t kApplicationId = 0x57454952;  // "WEIR" in the header of the file
inline constexpr std::int32_t kSchemaVersion = 2;           // user_version

extern const char* const kSchema;       // tables, and the view that reading goes through
extern const char* const kResultsView;  // the view for people; belongs to every file, like the tables
// What a file of version 1 lacks before kResultsView: whether a prediction was calibrated. Its rows say "not
// recorded".
extern const char* const kUpgradeFrom1;

}  // namespace weir
