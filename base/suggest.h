// "did you mean" for names that people type.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

// The candidate that is a slip of the finger away from `name`; empty if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);
// ", did you mean 'nearest'?" or nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);
// "a, b and c"; "none" for an empty list.
std::string list_of(const std::vector<std::string>& names);

}  // namespace weir
