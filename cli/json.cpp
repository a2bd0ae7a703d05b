#include "cli/json.h"

#include <charconv>

#include "kernels/formula.h"

namespace weir::cli {
namespace {

Json value(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  if (const auto real = parse_real(text)) return *real;
  if (text == "true") return true;
  if (text == "false") return false;
  return text;
}

Json object(const std::vector<NamedValue>& values) {
  Json json = Json::object();
  for (const NamedValue& v : values) json[v.name] = value(v.text);
  return json;
}

}  // namespace

Json to_json(const Problem& problem) {
  Json json = object(problem.values);
  for (const auto& [name, table] : problem.tables) json[name] = table;
  return json;
}

Json to_json(const Config& config) {
  Json json = object(config.values);
  if (!config.variant.empty()) json["variant"] = config.variant;
  return json;
}

Json to_json(const Bounds& bounds) {
  return Json{{"compulsory_bytes", bounds.compulsory_bytes},
              {"sram_level_bytes", bounds.sram_level_bytes},
              {"lower_bound_bytes", bounds.lower_bound_bytes},
              {"lower_bound_source", bounds.lower_bound_source}};
}

Json to_json(const Uncalibrated& uncalibrated) {
  return Json{{"calibrated", is_calibrated(uncalibrated)},
              {"calibration_note", calibration_note(uncalibrated)}};
}

Json to_json(const RankedConfig& ranked) {
  const Prediction& p = ranked.prediction;
  Json tensors = Json::object();
  for (const TensorTraffic& t : p.tensors) {
    tensors[t.tensor] = Json{{"dram_read_bytes", t.traffic.dram_read_bytes},
                             {"dram_write_bytes", t.traffic.dram_write_bytes},
                             {"l2_read_bytes", t.traffic.l2_read_bytes},
                             {"l2_write_bytes", t.traffic.l2_write_bytes}};
  }
  Json launches = Json::array();
  for (const LaunchPrediction& l : p.launches) {
    Json resources = Json::object();
    for (std::size_t i = 0; i < l.resource_seconds.size(); ++i)
      resources[to_string(static_cast<Bottleneck>(i))] = l.resource_seconds[i];
    launches.push_back(Json{{"launch", l.launch},
                            {"dram_read_bytes", l.traffic.dram_read_bytes},
                            {"dram_write_bytes", l.traffic.dram_write_bytes},
                            {"l2_read_bytes", l.traffic.l2_read_bytes},
                            {"l2_write_bytes", l.traffic.l2_write_bytes},
                            {"l2_hit_rate", l.l2_hit_rate},
                            {"dirty_bytes", l.dirty_bytes},
                            {"time_seconds", l.time_seconds},
                            {"bound_by", to_string(l.bound_by)},
                            {"resource_seconds", resources},
                            {"blocks_per_sm", l.blocks_per_sm},
                            {"waves", l.waves}});
  }
  const auto ratio = [](double value) { return value > 0 ? Json(value) : Json(nullptr); };
  Json json{{"config", to_json(ranked.config)},
            {"dram_read_bytes", p.traffic.dram_read_bytes},
            {"dram_write_bytes", p.traffic.dram_write_bytes},
            {"l2_read_bytes", p.traffic.l2_read_bytes},
            {"l2_write_bytes", p.traffic.l2_write_bytes},
            {"l2_hit_rate", p.l2_hit_rate},
            {"time_seconds", p.time_seconds},
            {"bound_by", to_string(p.bound_by)},
            {"regime", to_string(p.regime)},
            {"dirty_bytes", p.dirty_bytes},
            {"dram_read_interval_bytes", {p.dram_read_low_bytes, p.dram_read_high_bytes}},
            {"dram_write_interval_bytes", {p.dram_write_low_bytes, p.dram_write_high_bytes}},
            {"fidelity", p.fidelity},
            {"sampled_share", p.sampled_share},
            {"sram_level_bytes", p.bounds.sram_level_bytes},
            {"sram_over_lower_bound", ratio(sram_over_lower_bound(p.bounds))},
            {"dram_over_compulsory", ratio(dram_over_compulsory(p))},
            {"is_default", ranked.is_default},
            {"tensors", tensors},
            {"launches", launches}};
  json.update(to_json(p.uncalibrated));
  return json;
}

Json to_json(const RejectedConfig& rejected) {
  return Json{{"config", to_json(rejected.config)}, {"reason", rejected.reason}};
}

Json text_to_json(const std::string& key_values) {
  Json json = Json::object();
  if (key_values.empty()) return json;
  for (const std::string_view pair : split_values(key_values)) {
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      json[std::string(pair.substr(0, equals))] = value(std::string(pair.substr(equals + 1)));
  }
  return json;
}

Json summary(const Record& record) {
  Json json{{"config", text_to_json(record.config)}, {"outcome", to_string(record.outcome)}};
  if (!record.reason.empty()) json["reason"] = record.reason;
  if (record.prediction) {
    json["predicted"] = Json{{"dram_read_bytes", record.prediction->traffic.dram_read_bytes},
                             {"dram_write_bytes", record.prediction->traffic.dram_write_bytes},
                             {"time_seconds", record.prediction->time_seconds},
                             {"regime", to_string(record.prediction->regime)}};
    json["predicted"].update(to_json(record.prediction->uncalibrated));
  }
  if (record.outcome == Outcome::measured && record.measurement) {
    const Measurement& m = *record.measurement;
    json["measured"] = Json{{"tier", std::string(1, letter(m.tier))},
                            {"time_seconds", m.timing.median_seconds},
                            {"time_interval_seconds", {m.timing.low_seconds, m.timing.high_seconds}},
                            {"dram_read_bytes", m.counters.dram_read_bytes},
                            {"dram_write_bytes", m.counters.dram_write_bytes},
                            {"l2_read_bytes", m.counters.l2_read_bytes},
                            {"l2_write_bytes", m.counters.l2_write_bytes},
                            {"verified", m.verification.passed},
                            {"error", m.verification.error},
                            {"allowed_error", m.verification.allowed_error}};
  }
  return json;
}

}  // namespace weir::cli
