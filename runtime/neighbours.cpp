#include "runtime/neighbours.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>

namespace weir {
namespace {

// Beyond, a problem has another number of waves, another pipeline depth: the safe default is as good a guess.
constexpr double kMostDoublings = 3;

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_size(const KernelDefinition& definition, const NamedValue& value) {
  for (const ParameterInfo& parameter : definition.parameters()) {
    if (parameter.name == value.name)
      return parameter.type == ParameterInfo::Type::integer && !parameter.compile_time && value.value > 0;
  }
  return false;
}

std::optional<double> doublings_between(const KernelDefinition& definition, const Problem& asked,
                                        const std::string& tuned) {
  std::vector<std::string_view> parts = split_values(tuned);
  constexpr std::string_view kTables = "tables=";
  const bool has_tables = !parts.empty() && parts.back().starts_with(kTables);
  if (has_tables != has_table_entries(asked)) return std::nullopt;
  if (has_tables) parts.pop_back();
  if (parts.size() != asked.values.size()) return std::nullopt;
  double squares = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const NamedValue& value = asked.values[i];
    const std::string_view part = parts[i];
    if (!part.starts_with(value.name + "=")) return std::nullopt;
    const std::string_view text = part.substr(value.name.size() + 1);
    if (text == value.text) continue;
    const std::optional<std::int64_t> size = integer_of(text);
    if (!size || *size <= 0 || !is_size(definition, value)) return std::nullopt;
    const double log = std::log2(static_cast<double>(value.value) / static_cast<double>(*size));
    squares += log * log;
  }
  return std::sqrt(squares);
}

}  // namespace

std::vector<Neighbour> neighbours(const KernelDefinition& definition, const Problem& asked,
                                  const std::vector<StoredPick>& picks) {
  std::vector<Neighbour> near;
  for (const StoredPick& pick : picks) {
    const std::optional<double> doublings = doublings_between(definition, asked, pick.problem);
    if (doublings && *doublings <= kMostDoublings) near.push_back({&pick, *doublings});
  }
  std::sort(near.begin(), near.end(), [](const Neighbour& a, const Neighbour& b) {
    return std::tie(a.doublings, a.pick->predicted_dram_bytes, a.pick->problem, a.pick->gpu_name) <
           std::tie(b.doublings, b.pick->predicted_dram_bytes, b.pick->problem, b.pick->gpu_name);
  });
  return near;
}

}  // namespace weir
