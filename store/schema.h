// The SQLite schema and the numbers that identify a Weir file. FORMAT.md explains it.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr std::int32_t kApplicationId = 0x57454952;  // "WEIR" in the header of the file
// user_version. Version 1 has no table launch_counters: it is read as it is, and a work file of it becomes
// version 2 when it is opened to write.
inline constexpr std::int32_t kSchemaVersion = 2;

extern const char* const kSchema;
extern const char* const kLaunchCountersTable;  // a part of it

}  // namespace weir
