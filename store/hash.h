// XXH3-128 as the 32 hex digits that stores and ship files use.
#pragma once

#include <cstddef>
#include <string>

namespace weir {

std::string xxh3_hex(const void* data, std::size_t bytes);

}  // namespace weir
