#include "reports/tunables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "reports/analysis.h"
#include "reports/statistics.h"

namespace weir::report {
namespace {

constexpr const char* kAbsent = "(none)";

double reads(const Record& record, bool is_measured) {
  if (is_measured) return record.measurement->counters.dram_read_bytes;
  return record.prediction ? record.prediction->traffic.dram_read_bytes : 0;
}

// Zero bytes are legal; the logarithm wants a floor far below anything that matters.
double logarithm(double value) {
  return std::isfinite(value) ? std::log(std::max(value, 1e-12)) : 0;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_config(std::string_view config) {
  std::vector<std::pair<std::string, std::string>> result;
  while (!config.empty()) {
    const std::size_t comma = config.find(',');
    const std::string_view part = config.substr(0, comma);
    const std::size_t equals = part.find('=');
    if (!part.empty()) {
      result.emplace_back(part.substr(0, equals),
                          equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    }
    config.remove_prefix(comma == std::string_view::npos ? config.size() : comma + 1);
  }
  return result;
}

std::string config_difference(std::string_view base, std::string_view other) {
  const auto base_parts = parse_config(base);
  const auto other_parts = parse_config(other);
  const std::map<std::string, std::string> base_values(base_parts.begin(), base_parts.end());
  const std::map<std::string, std::string> other_values(other_parts.begin(), other_parts.end());
  std::string result;
  const auto append = [&](const std::string& part) { result += (result.empty() ? "" : ",") + part; };
  for (const auto& [name, value] : other_parts) {
    const auto known = base_values.find(name);
    if (known == base_values.end() || known->second != value) append(name + "=" + value);
  }
  for (const auto& [name, value] : base_parts) {
    if (!other_values.contains(name)) append("(without " + name + ")");
  }
  return result;
}

std::vector<VariedTunable> varied_tunables(const std::vector<Record>& records,
                                           const std::vector<std::size_t>& rows) {
  std::vector<std::string> names;  // in the order in which configs first name them
  std::vector<std::map<std::string, std::string>> configs;
  bool is_measured = true;
  for (const std::size_t row : rows) {
    const auto parts = parse_config(records[row].config);
    configs.emplace_back(parts.begin(), parts.end());
    for (const auto& [name, value] : parts) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    is_measured = is_measured && records[row].measurement->tier == Tier::counters;
  }
  std::vector<double> log_reads, log_times;
  for (const std::size_t row : rows) {
    log_reads.push_back(logarithm(reads(records[row], is_measured)));
    log_times.push_back(logarithm(records[row].measurement->timing.median_seconds));
  }

  std::vector<VariedTunable> result;
  for (const std::string& name : names) {
    const auto value_in = [&](const std::map<std::string, std::string>& config) {
      const auto found = config.find(name);
      return found == config.end() ? std::string(kAbsent) : found->second;
    };
    std::set<std::string> distinct;
    for (const auto& config : configs) distinct.insert(value_in(config));
    if (distinct.size() < 2) continue;
    VariedTunable tunable{.name = name, .values = {distinct.begin(), distinct.end()}};
    std::sort(tunable.values.begin(), tunable.values.end(), natural_less);
    for (const auto& config : configs) {
      const auto at = std::find(tunable.values.begin(), tunable.values.end(), value_in(config));
      tunable.value_of_row.push_back(static_cast<int>(at - tunable.values.begin()));
    }
    tunable.reads_explained = variance_explained(tunable.value_of_row, log_reads).value_or(0);
    tunable.time_explained = variance_explained(tunable.value_of_row, log_times).value_or(0);
    result.push_back(std::move(tunable));
  }
  std::stable_sort(result.begin(), result.end(), [](const VariedTunable& a, const VariedTunable& b) {
    return a.influence() > b.influence();
  });
  return result;
}

}  // namespace weir::report
