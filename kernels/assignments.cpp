#include "kernels/assignments.h"

#include <algorithm>
#include <charconv>

#include "kernels/problem.h"

namespace weir {

Result<std::vector<Assignment>> split_assignments(std::string_view text) {
  std::vector<Assignment> assignments;
  if (trimmed(text).empty()) return assignments;
  for (const std::string_view part : split_values(text)) {
    const std::size_t equals = part.find('=');
    Assignment assignment{
        std::string(trimmed(part.substr(0, equals))),
        equals == std::string_view::npos ? "" : std::string(trimmed(part.substr(equals + 1)))};
    if (assignment.name.empty() || assignment.value.empty()) {
      return usage_error("found '" + std::string(part) + "'; expected name=value, separated by commas");
    }
    if (find_assignment(assignments, assignment.name) != nullptr)
      return usage_error("found '" + assignment.name + "' twice; expected each name once");
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

const Assignment* find_assignment(const std::vector<Assignment>& assignments, std::string_view name) {
  const auto found = std::find_if(assignments.begin(), assignments.end(),
                                  [&](const Assignment& assignment) { return assignment.name == name; });
  return found == assignments.end() ? nullptr : &*found;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_boolean(std::string_view text) {
  if (text == "true" || text == "1") return 1;
  if (text == "false" || text == "0") return 0;
  return std::nullopt;
}

}  // namespace weir
