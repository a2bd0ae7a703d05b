// XXH3-128 as the 32 hex digits that stores and ship files use.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace weir {

// Of the parts as one sequence of bytes.
std::string xxh3_hex(std::initializer_list<std::string_view> parts);

}  // namespace weir
