// How large the compile cache may become, and which entries go when it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace weir {

// $WEIR_CACHE_BYTES, a decimal number of bytes, 0 for no limit; 4 GB if it is not set. ErrorKind::usage for
// anything else.
Result<std::int64_t> cache_limit_bytes();

// Removes entries of the folder, those first whose last use lies furthest back, until a tenth of the limit is
// free, if it holds more than the limit; `keep` stays. An entry is all files that begin with one key, and was
// last used when the youngest of them was written. Returns the bytes that are left. Other processes may use
// the folder meanwhile: what they look for and no longer find they compile again.
std::int64_t evict_least_recently_used(const std::filesystem::path& folder, std::int64_t limit_bytes,
                                       const std::string& keep);

}  // namespace weir
