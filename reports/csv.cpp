#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/format.h"
#include "reports/report.h"

namespace weir::report {
namespace {

// Programs read this by name and by position: add at the end, never rename.
constexpr std::array kColumns = {"kernel",
                                 "source_hash",
                                 "problem",
                                 "config",
                                 "outcome",
                                 "reason",
                                 "is_default",
                                 "profile",
                                 "fidelity",
                                 "predicted_dram_read_bytes",
                                 "predicted_dram_read_low_bytes",
                                 "predicted_dram_read_high_bytes",
                                 "predicted_dram_write_bytes",
                                 "predicted_dram_write_low_bytes",
                                 "predicted_dram_write_high_bytes",
                                 "predicted_l2_read_bytes",
                                 "predicted_l2_write_bytes",
                                 "predicted_l2_hit_rate",
                                 "predicted_dirty_bytes",
                                 "predicted_time_seconds",
                                 "bound_by",
                                 "regime",
                                 "compulsory_bytes",
                                 "sram_level_bytes",
                                 "lower_bound_bytes",
                                 "tier",
                                 "tier_reason",
                                 "dram_read_bytes",
                                 "dram_write_bytes",
                                 "l2_read_bytes",
                                 "l2_write_bytes",
                                 "requested_l2_read_bytes",
                                 "counted_duration_seconds",
                                 "counter_repeats",
                                 "dram_read_spread",
                                 "median_seconds",
                                 "low_seconds",
                                 "high_seconds",
                                 "minimum_seconds",
                                 "samples",
                                 "discarded",
                                 "sm_clock_hertz",
                                 "l2_state",
                                 "registers_per_thread",
                                 "spill_bytes",
                                 "verified",
                                 "verification_error",
                                 "verification_allowed_error",
                                 "gpu_name",
                                 "gpu_uuid",
                                 "compute_capability",
                                 "driver_version",
                                 "compiler_version",
                                 "cupti_version",
                                 "weir_version",
                                 "date",
                                 "policy",
                                 "calibrated",
                                 "uncalibrated_traffic",
                                 "uncalibrated_time",
                                 "predicted_launches",
                                 "counted_launches"};

class Line {
 public:
  void text(std::string_view value) { append(csv_field(value)); }
  void number(double value) { append(std::isfinite(value) ? fmt::format("{}", value) : std::string()); }
  void number(std::int64_t value) { append(fmt::format("{}", value)); }
  void flag(bool value) { append(value ? "true" : "false"); }
  void unknown(int columns) {
    for (int i = 0; i < columns; ++i) append("");
  }
  std::string str() const { return line_ + "\r\n"; }

 private:
  void append(std::string_view field) {
    if (!is_first_) line_ += ',';
    is_first_ = false;
    line_ += field;
  }

  std::string line_;
  bool is_first_ = true;
};

void append_prediction(Line& line, const Prediction& prediction) {
  line.text(prediction.fidelity);
  for (const double value :
       {prediction.traffic.dram_read_bytes, prediction.dram_read_low_bytes, prediction.dram_read_high_bytes,
        prediction.traffic.dram_write_bytes, prediction.dram_write_low_bytes,
        prediction.dram_write_high_bytes, prediction.traffic.l2_read_bytes, prediction.traffic.l2_write_bytes,
        prediction.l2_hit_rate, prediction.dirty_bytes, prediction.time_seconds}) {
    line.number(value);
  }
  line.text(to_string(prediction.bound_by));
  line.text(to_string(prediction.regime));
  line.number(prediction.bounds.compulsory_bytes);
  line.number(prediction.bounds.sram_level_bytes);
  line.number(prediction.bounds.lower_bound_bytes);
}

void append_measurement(Line& line, const Measurement& measurement) {
  line.text(std::string(1, letter(measurement.tier)));
  line.text(measurement.tier_reason);
  if (measurement.tier == Tier::counters) {
    const Counters& counters = measurement.counters;
    line.number(counters.dram_read_bytes);
    line.number(counters.dram_write_bytes);
    line.number(counters.l2_read_bytes);
    line.number(counters.l2_write_bytes);
    if (const std::optional<double> requested = requested_l2_read_bytes(counters)) {
      line.number(*requested);
    } else {
      line.unknown(1);
    }
    line.number(counters.duration_seconds);
    line.number(counters.repeats);
    line.number(counters.dram_read_spread);
  } else {
    line.unknown(8);
  }
  const Timing& timing = measurement.timing;
  if (timing.samples > 0) {
    line.number(timing.median_seconds);
    line.number(timing.low_seconds);
    line.number(timing.high_seconds);
    line.number(timing.minimum_seconds);
    line.number(timing.samples);
    line.number(timing.discarded);
    line.number(timing.sm_clock_hertz);
    line.text(timing.l2_state);
  } else {
    line.unknown(8);
  }
  line.number(measurement.resources.registers_per_thread);
  line.number(measurement.resources.spill_bytes);
  line.flag(measurement.verification.passed);
  line.number(measurement.verification.error);
  line.number(measurement.verification.allowed_error);
  const Provenance& provenance = measurement.provenance;
  line.text(provenance.gpu_name);
  line.text(provenance.gpu_uuid);
  line.number(provenance.compute_capability);
  line.text(provenance.driver_version);
  line.text(provenance.compiler_version);
  line.text(provenance.cupti_version);
  line.text(provenance.weir_version);
  line.text(provenance.date);
  line.text(provenance.policy);
}

// Of a kernel with several launches a JSON list, else nothing: one launch is the whole row.
template <typename Launch, typename TrafficOf, typename SecondsOf>
void append_launches(Line& line, const std::vector<Launch>& launches, TrafficOf traffic_of,
                     SecondsOf seconds_of) {
  if (launches.size() < 2) return line.unknown(1);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Launch& launch : launches) {
    const auto& traffic = traffic_of(launch);
    list.push_back({{"launch", launch.launch},
                    {"dram_read_bytes", traffic.dram_read_bytes},
                    {"dram_write_bytes", traffic.dram_write_bytes},
                    {"l2_read_bytes", traffic.l2_read_bytes},
                    {"l2_write_bytes", traffic.l2_write_bytes},
                    {"seconds", seconds_of(launch)}});
  }
  line.text(list.dump());
}

void append_launches(Line& line, const Record& record) {
  static const Prediction kNoPrediction;
  static const Measurement kNoMeasurement;
  append_launches(
      line, (record.prediction ? *record.prediction : kNoPrediction).launches,
      [](const LaunchPrediction& launch) -> const Traffic& { return launch.traffic; },
      [](const LaunchPrediction& launch) { return launch.time_seconds; });
  append_launches(
      line, (record.measurement ? *record.measurement : kNoMeasurement).counters.launches,
      [](const LaunchCounters& launch) -> const LaunchCounters& { return launch; },
      [](const LaunchCounters& launch) { return launch.duration_seconds; });
}

constexpr int kPredictionColumns = 17;
constexpr int kMeasurementColumns = 32;
constexpr int kCalibrationColumns = 3;
static_assert(8 + kPredictionColumns + kMeasurementColumns + kCalibrationColumns + 2 == kColumns.size());

void append_calibration(Line& line, const Uncalibrated& uncalibrated) {
  line.flag(is_calibrated(uncalibrated));
  line.text(uncalibrated.traffic);
  line.text(uncalibrated.time);
}

}  // namespace

std::string csv(const std::vector<Record>& records) {
  Line header;
  for (const char* column : kColumns) header.text(column);
  std::string result = header.str();
  for (const Record& record : records) {
    Line line;
    line.text(record.kernel);
    line.text(record.source_hash);
    line.text(record.problem);
    line.text(record.config);
    line.text(to_string(record.outcome));
    line.text(record.reason);
    line.flag(record.is_default);
    line.text(record.profile);
    record.prediction ? append_prediction(line, *record.prediction) : line.unknown(kPredictionColumns);
    record.measurement ? append_measurement(line, *record.measurement) : line.unknown(kMeasurementColumns);
    record.prediction ? append_calibration(line, record.prediction->uncalibrated)
                      : line.unknown(kCalibrationColumns);
    append_launches(line, record);
    result += line.str();
  }
  return result;
}

}  // namespace weir::report
