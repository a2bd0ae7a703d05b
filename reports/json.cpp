#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"

namespace weir::report {
namespace {

using Object = nlohmann::ordered_json;

constexpr int kFormat = 1;

Object number(double value) {
  return std::isfinite(value) ? Object(value) : Object(nullptr);
}
Object number(const std::optional<double>& value) {
  return value ? number(*value) : Object(nullptr);
}
std::string text(Tier tier) {
  return std::string(1, letter(tier));
}

Object to_json(const ErrorSummary& errors) {
  if (errors.count == 0) return {{"count", 0}, {"median", nullptr}, {"p90", nullptr}, {"worst", nullptr}};
  return {{"count", errors.count},
          {"median", number(errors.median)},
          {"p90", number(errors.p90)},
          {"worst", number(errors.worst)}};
}

Object to_json(const Coverage& coverage) {
  return {{"inside", coverage.inside}, {"count", coverage.count}};
}

Object to_json(const Traffic& traffic) {
  return {{"dram_read_bytes", number(traffic.dram_read_bytes)},
          {"dram_write_bytes", number(traffic.dram_write_bytes)},
          {"l2_read_bytes", number(traffic.l2_read_bytes)},
          {"l2_write_bytes", number(traffic.l2_write_bytes)}};
}

Object to_json(const Timing& timing) {
  return {{"median_seconds", number(timing.median_seconds)},
          {"low_seconds", number(timing.low_seconds)},
          {"high_seconds", number(timing.high_seconds)},
          {"minimum_seconds", number(timing.minimum_seconds)},
          {"samples", timing.samples},
          {"discarded", timing.discarded},
          {"sm_clock_hertz", number(timing.sm_clock_hertz)},
          {"l2_state", timing.l2_state}};
}

Object to_json(const KernelSummary& kernel) {
  return {{"kernel", kernel.kernel},
          {"device", kernel.device},
          {"measured", kernel.measured},
          {"rejected", kernel.rejected},
          {"failed", kernel.failed},
          {"predicted", kernel.predicted},
          {"problems", kernel.problems},
          {"relative_error",
           {{"dram_reads", to_json(kernel.dram_reads)},
            {"dram_writes", to_json(kernel.dram_writes)},
            {"l2_reads", to_json(kernel.l2_reads)},
            {"time", to_json(kernel.time)}}},
          {"inside_90_percent_interval",
           {{"dram_reads", to_json(kernel.read_interval)}, {"dram_writes", to_json(kernel.write_interval)}}},
          {"rank_correlation", number(kernel.rank_correlation)},
          {"regret",
           {{"problems", kernel.regret_problems},
            {"geometric_mean", number(kernel.regret_geometric_mean)},
            {"worst", number(kernel.regret_worst)}}},
          {"calibrated", kernel.calibrated}};
}

Object to_json(const Pick& pick) {
  return {{"kernel", pick.kernel},
          {"source_hash", pick.source_hash},
          {"problem", pick.problem},
          {"device", pick.device},
          {"driver_version", pick.driver_version},
          {"compiler_version", pick.compiler_version},
          {"policy", pick.policy},
          {"candidates", pick.candidates},
          {"config", pick.config},
          {"tier", text(pick.tier)},
          {"timing", to_json(pick.timing)},
          {"tie_set_size", pick.tie_set_size},
          {"predicted", pick.predicted ? to_json(*pick.predicted) : Object(nullptr)},
          {"calibrated", pick.calibrated},
          {"measured", pick.measured ? to_json(*pick.measured) : Object(nullptr)},
          {"default_seconds", number(pick.default_seconds)},
          {"rank_correlation", number(pick.rank_correlation)},
          {"model_config", pick.model_config ? Object(*pick.model_config) : Object(nullptr)},
          {"model_seconds", number(pick.model_seconds)},
          {"regret", number(pick.regret)},
          {"model_in_tie_set", pick.model_in_tie_set}};
}

Object to_json(const UncalibratedGroup& group) {
  return {{"profile", group.profile}, {"calibration_note", group.note}, {"rows", group.rows}};
}

Object to_json(const ReasonCount& reason) {
  return {{"kernel", reason.kernel},
          {"outcome", to_string(reason.outcome)},
          {"reason", reason.reason},
          {"count", reason.count},
          {"example_problem", reason.example_problem},
          {"example_config", reason.example_config}};
}

Object to_json(const ProvenanceGroup& group) {
  return {{"rows", group.rows},
          {"tier", text(group.tier)},
          {"tier_reason", group.tier_reason},
          {"device", group.device},
          {"compute_capability", group.compute_capability},
          {"sm_count", group.sm_count},
          {"l2_bytes", group.l2_bytes},
          {"gpus", group.gpus},
          {"profile", group.profile},
          {"driver_version", group.driver_version},
          {"compiler_version", group.compiler_version},
          {"cupti_version", group.cupti_version},
          {"weir_version", group.weir_version},
          {"policy", group.policy},
          {"first_date", group.first_date},
          {"last_date", group.last_date}};
}

Object to_json(const Prediction& prediction) {
  Object tensors = Object::array(), launches = Object::array();
  for (const TensorTraffic& tensor : prediction.tensors) {
    tensors.push_back({{"tensor", tensor.tensor}, {"traffic", to_json(tensor.traffic)}});
  }
  for (const LaunchPrediction& launch : prediction.launches) {
    launches.push_back({{"launch", launch.launch},
                        {"traffic", to_json(launch.traffic)},
                        {"l2_hit_rate", number(launch.l2_hit_rate)},
                        {"dirty_bytes", number(launch.dirty_bytes)},
                        {"time_seconds", number(launch.time_seconds)},
                        {"bound_by", to_string(launch.bound_by)},
                        {"blocks_per_sm", number(launch.blocks_per_sm)},
                        {"waves", number(launch.waves)}});
  }
  return {{"fidelity", prediction.fidelity},
          {"calibrated", is_calibrated(prediction.uncalibrated)},
          {"calibration_note", calibration_note(prediction.uncalibrated)},
          {"traffic", to_json(prediction.traffic)},
          {"l2_hit_rate", number(prediction.l2_hit_rate)},
          {"dirty_bytes", number(prediction.dirty_bytes)},
          {"dram_read_low_bytes", number(prediction.dram_read_low_bytes)},
          {"dram_read_high_bytes", number(prediction.dram_read_high_bytes)},
          {"dram_write_low_bytes", number(prediction.dram_write_low_bytes)},
          {"dram_write_high_bytes", number(prediction.dram_write_high_bytes)},
          {"time_seconds", number(prediction.time_seconds)},
          {"bound_by", to_string(prediction.bound_by)},
          {"regime", to_string(prediction.regime)},
          {"bounds",
           {{"compulsory_bytes", number(prediction.bounds.compulsory_bytes)},
            {"sram_level_bytes", number(prediction.bounds.sram_level_bytes)},
            {"lower_bound_bytes", number(prediction.bounds.lower_bound_bytes)},
            {"lower_bound_source", prediction.bounds.lower_bound_source}}},
          {"tensors", tensors},
          {"launches", launches}};
}

Object to_json(const Counters& counters) {
  Object raw = Object::object();
  for (const auto& [metric, value] : counters.raw) raw[metric] = number(value);
  Object launches = Object::array();
  for (const LaunchCounters& launch : counters.launches) {
    launches.push_back({{"launch", launch.launch},
                        {"dram_read_bytes", number(launch.dram_read_bytes)},
                        {"dram_write_bytes", number(launch.dram_write_bytes)},
                        {"l2_read_bytes", number(launch.l2_read_bytes)},
                        {"l2_write_bytes", number(launch.l2_write_bytes)},
                        {"duration_seconds", number(launch.duration_seconds)}});
  }
  const std::optional<double> requested = requested_l2_read_bytes(counters);
  return {{"dram_read_bytes", number(counters.dram_read_bytes)},
          {"dram_write_bytes", number(counters.dram_write_bytes)},
          {"l2_read_bytes", number(counters.l2_read_bytes)},
          {"l2_write_bytes", number(counters.l2_write_bytes)},
          {"requested_l2_read_bytes", requested ? number(*requested) : Object()},
          {"duration_seconds", number(counters.duration_seconds)},
          {"repeats", counters.repeats},
          {"dram_read_spread", number(counters.dram_read_spread)},
          {"launches", launches},
          {"raw", raw}};
}

Object to_json(const Measurement& measurement) {
  const Resources& resources = measurement.resources;
  const Verification& verification = measurement.verification;
  const Provenance& provenance = measurement.provenance;
  return {{"tier", text(measurement.tier)},
          {"tier_reason", measurement.tier_reason},
          {"resources",
           {{"registers_per_thread", resources.registers_per_thread},
            {"spill_bytes", resources.spill_bytes},
            {"stack_bytes", resources.stack_bytes},
            {"static_shared_bytes", resources.static_shared_bytes}}},
          {"verification",
           {{"passed", verification.passed},
            {"error", number(verification.error)},
            {"allowed_error", number(verification.allowed_error)},
            {"detail", verification.detail}}},
          {"timing", measurement.timing.samples > 0 ? to_json(measurement.timing) : Object(nullptr)},
          {"counters", measurement.tier == Tier::counters ? to_json(measurement.counters) : Object(nullptr)},
          {"provenance",
           {{"gpu_name", provenance.gpu_name},
            {"gpu_uuid", provenance.gpu_uuid},
            {"compute_capability", provenance.compute_capability},
            {"sm_count", provenance.sm_count},
            {"l2_bytes", provenance.l2_bytes},
            {"driver_version", provenance.driver_version},
            {"compiler_version", provenance.compiler_version},
            {"cupti_version", provenance.cupti_version},
            {"weir_version", provenance.weir_version},
            {"date", provenance.date},
            {"policy", provenance.policy}}}};
}

Object to_json(const Record& record) {
  return {{"kernel", record.kernel},
          {"source_hash", record.source_hash},
          {"problem", record.problem},
          {"config", record.config},
          {"outcome", to_string(record.outcome)},
          {"reason", record.reason},
          {"is_default", record.is_default},
          {"profile", record.profile},
          {"prediction", record.prediction ? to_json(*record.prediction) : Object(nullptr)},
          {"measurement", record.measurement ? to_json(*record.measurement) : Object(nullptr)}};
}

template <typename T>
Object all(const std::vector<T>& values) {
  Object result = Object::array();
  for (const T& value : values) result.push_back(to_json(value));
  return result;
}

}  // namespace

std::string json(const ReportData& data, const std::vector<Record>& records) {
  const Object document = {{"format", kFormat},
                           {"rows", data.rows},
                           {"uncalibrated", all(data.uncalibrated)},
                           {"kernels", all(data.kernels)},
                           {"picks", all(data.picks)},
                           {"reasons", all(data.reasons)},
                           {"provenance", all(data.provenance)},
                           {"records", all(records)}};
  return document.dump(2, ' ', false, Object::error_handler_t::replace) + "\n";
}

}  // namespace weir::report
