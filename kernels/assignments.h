// "k=v,k=v" as people type it. Private to kernels/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir {

struct Assignment {
  std::string name;
  std::string value;
};

// Each name once. A value begins after the first '='.
Result<std::vector<Assignment>> split_assignments(std::string_view text);
// Null if the name is not assigned.
const Assignment* find_assignment(const std::vector<Assignment>& assignments, std::string_view name);

std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<std::int64_t> parse_boolean(std::string_view text);  // true, false, 1 or 0

inline Error usage_error(std::string message) {
  return {ErrorKind::usage, std::move(message)};
}

}  // namespace weir
