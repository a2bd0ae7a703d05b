// The SQLite schema and the numbers that identify a Weir file. FORMAT.md explains it.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr std::int32_t kApplicationId = 0x57454952;  // "WEIR" in the header of the file
inline constexpr std::int32_t kSchemaVersion = 1;           // user_version

extern const char* const kSchema;

}  // namespace weir
