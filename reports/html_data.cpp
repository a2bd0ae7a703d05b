#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "reports/analysis.h"
#include "reports/format.h"
#include "reports/html_parts.h"

namespace weir::report {
namespace {

// Most strings repeat in thousands of rows, so a row holds their index.
class Strings {
 public:
  std::size_t index(const std::string& text) {
    const auto [position, is_first] = positions_.try_emplace(text, list_.size());
    if (is_first) list_.push_back(printable(text));
    return position->second;
  }
  const std::vector<std::string>& list() const { return list_; }

 private:
  std::unordered_map<std::string, std::size_t> positions_;
  std::vector<std::string> list_;
};

nlohmann::json whole(double value) {
  return std::isfinite(value) && std::abs(value) < 1e18 ? nlohmann::json(std::llround(value))
                                                        : nlohmann::json(nullptr);
}

// Nanoseconds, rounded: a page shows hundredths of a microsecond.
nlohmann::json nanoseconds(double seconds) {
  return whole(seconds * 1e9);
}

nlohmann::json rounded_share(double share) {
  return std::isfinite(share) ? nlohmann::json(std::round(share * 1e5) / 1e5) : nlohmann::json(nullptr);
}

}  // namespace

std::string page_data(const std::vector<Record>& records) {
  static const nlohmann::json kColumns = {
      "kernel",         "problem",        "config",        "outcome",      "reason",
      "isDefault",      "device",         "tier",          "tierReason",   "driver",
      "compiler",       "policy",         "date",          "regime",       "boundBy",
      "calibration",    "readsPredicted", "readsMeasured", "readsError",   "writesPredicted",
      "writesMeasured", "writesError",    "timePredicted", "timeMeasured", "timeLow",
      "timeHigh"};
  static const nlohmann::json kTextColumns = {"kernel", "problem", "config",     "outcome", "reason",
                                              "device", "tier",    "tierReason", "driver",  "compiler",
                                              "policy", "date",    "regime",     "boundBy", "calibration"};
  const DeviceNames names(records);
  Strings strings;
  nlohmann::json rows = nlohmann::json::array();
  for (const Record& record : records) {
    const Measurement none;
    const Measurement& measurement = record.measurement ? *record.measurement : none;
    const bool counted = record.outcome == Outcome::measured && measurement.tier == Tier::counters;
    const bool timed = measurement.timing.median_seconds > 0;
    nlohmann::json row = {strings.index(record.kernel),
                          strings.index(record.problem),
                          strings.index(record.config),
                          strings.index(to_string(record.outcome)),
                          strings.index(record.reason),
                          record.is_default ? 1 : 0,
                          strings.index(names.of(record)),
                          strings.index(std::string(1, letter(measurement.tier))),
                          strings.index(measurement.tier_reason),
                          strings.index(measurement.provenance.driver_version),
                          strings.index(measurement.provenance.compiler_version),
                          strings.index(measurement.provenance.policy),
                          strings.index(measurement.provenance.date)};
    const auto append = [&](bool is_known, auto value) {
      is_known ? row.push_back(value()) : row.push_back(nullptr);
    };
    const bool predicted = record.prediction.has_value();
    const Counters& counters = measurement.counters;
    row.push_back(strings.index(predicted ? to_string(record.prediction->regime) : ""));
    row.push_back(strings.index(predicted ? to_string(record.prediction->bound_by) : ""));
    row.push_back(strings.index(predicted ? calibration_note(record.prediction->uncalibrated) : ""));
    append(predicted, [&] { return whole(record.prediction->traffic.dram_read_bytes); });
    append(counted, [&] { return whole(counters.dram_read_bytes); });
    append(counted && predicted, [&] { return rounded_share(read_error(record)); });
    append(predicted, [&] { return whole(record.prediction->traffic.dram_write_bytes); });
    append(counted, [&] { return whole(counters.dram_write_bytes); });
    append(counted && predicted, [&] { return rounded_share(write_error(record)); });
    append(predicted, [&] { return nanoseconds(record.prediction->time_seconds); });
    append(timed, [&] { return nanoseconds(measurement.timing.median_seconds); });
    append(timed, [&] { return nanoseconds(measurement.timing.low_seconds); });
    append(timed, [&] { return nanoseconds(measurement.timing.high_seconds); });
    rows.push_back(std::move(row));
  }
  const nlohmann::json document = {
      {"columns", kColumns}, {"text", kTextColumns}, {"strings", strings.list()}, {"rows", std::move(rows)}};
  std::string result;
  for (const char c : document.dump()) {
    // Nothing in a script element can then look like its end or a comment, and the page stays well-formed
    // XML.
    switch (c) {
      case '<':
        result += "\\u003c";
        break;
      case '>':
        result += "\\u003e";
        break;
      case '&':
        result += "\\u0026";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace weir::report
