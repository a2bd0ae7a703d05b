#include "store/row.h"

#include <array>
#include <cmath>
#include <concepts>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

namespace weir {
namespace {

using nlohmann::json;

constexpr std::array kRegimes{Regime::compulsory, Regime::fits, Regime::transition, Regime::thrash};
constexpr std::array kBottlenecks{Bottleneck::tensor,        Bottleneck::fp32, Bottleneck::special_function,
                                  Bottleneck::shared_memory, Bottleneck::l2,   Bottleneck::dram,
                                  Bottleneck::latency};
constexpr std::array kTiers{Tier::counters, Tier::activity, Tier::events, Tier::none};
constexpr std::array kOutcomes{Outcome::predicted, Outcome::measured, Outcome::rejected, Outcome::failed};

std::string name_of(Regime regime) {
  return to_string(regime);
}
std::string name_of(Bottleneck bottleneck) {
  return to_string(bottleneck);
}
std::string name_of(Tier tier) {
  return std::string(1, letter(tier));
}
std::string name_of(Outcome outcome) {
  return to_string(outcome);
}

template <typename Enum>
Enum parse_name(const std::string& name, std::span<const Enum> values) {
  for (Enum value : values) {
    if (name_of(value) == name) return value;
  }
  throw UnreadableRow("'" + name + "' is not a value this version knows");
}
void parse(const std::string& name, Regime& regime) {
  regime = parse_name<Regime>(name, kRegimes);
}
void parse(const std::string& name, Bottleneck& value) {
  value = parse_name<Bottleneck>(name, kBottlenecks);
}
void parse(const std::string& name, Tier& tier) {
  tier = parse_name<Tier>(name, kTiers);
}

// --- the fields, once each, in the order of the schema
// -------------------------------------------------------------

// Parts are visited to be written and, not const, to be read.
template <typename T, typename Part>
concept Is = std::same_as<std::remove_const_t<T>, Part>;

template <typename Visitor, typename T>
void visit_traffic(Visitor& visit, T& traffic) {
  visit("dram_read_bytes", traffic.dram_read_bytes);
  visit("dram_write_bytes", traffic.dram_write_bytes);
  visit("l2_read_bytes", traffic.l2_read_bytes);
  visit("l2_write_bytes", traffic.l2_write_bytes);
}

template <typename Visitor, Is<LaunchCounters> T>
void visit_fields(Visitor& visit, T& counters) {
  visit("launch", counters.launch);
  visit_traffic(visit, counters);
  visit("duration_seconds", counters.duration_seconds);
}

template <typename Visitor, typename T>
void visit_tensor(Visitor& visit, T& tensor) {
  visit("tensor", tensor.tensor);
  visit_traffic(visit, tensor.traffic);
}

template <typename Visitor, typename T>
void visit_launch(Visitor& visit, T& launch) {
  visit("launch", launch.launch);
  visit_traffic(visit, launch.traffic);
  visit("l2_hit_rate", launch.l2_hit_rate);
  visit("dirty_bytes", launch.dirty_bytes);
  visit("time_seconds", launch.time_seconds);
  visit("bound_by", launch.bound_by);
  visit("blocks_per_sm", launch.blocks_per_sm);
  visit("waves", launch.waves);
  visit("resource_seconds", launch.resource_seconds);
}

template <typename Visitor, Is<Prediction> T>
void visit_fields(Visitor& visit, T& prediction) {
  visit("fidelity", prediction.fidelity);
  visit_traffic(visit, prediction.traffic);
  visit("l2_hit_rate", prediction.l2_hit_rate);
  visit("dirty_bytes", prediction.dirty_bytes);
  visit("dram_read_low_bytes", prediction.dram_read_low_bytes);
  visit("dram_read_high_bytes", prediction.dram_read_high_bytes);
  visit("dram_write_low_bytes", prediction.dram_write_low_bytes);
  visit("dram_write_high_bytes", prediction.dram_write_high_bytes);
  visit("time_seconds", prediction.time_seconds);
  visit("bound_by", prediction.bound_by);
  visit("regime", prediction.regime);
  visit("compulsory_bytes", prediction.bounds.compulsory_bytes);
  visit("sram_level_bytes", prediction.bounds.sram_level_bytes);
  visit("lower_bound_bytes", prediction.bounds.lower_bound_bytes);
  visit("lower_bound_source", prediction.bounds.lower_bound_source);
  visit("tensors", prediction.tensors);
  visit("launches", prediction.launches);
  visit("uncalibrated_traffic", prediction.uncalibrated.traffic);
  visit("uncalibrated_time", prediction.uncalibrated.time);
}

template <typename Visitor, Is<Measurement> M>
void visit_fields(Visitor& visit, M& measurement) {
  visit("tier", measurement.tier);
  visit("tier_reason", measurement.tier_reason);
  visit("registers_per_thread", measurement.resources.registers_per_thread);
  visit("spill_bytes", measurement.resources.spill_bytes);
  visit("stack_bytes", measurement.resources.stack_bytes);
  visit("static_shared_bytes", measurement.resources.static_shared_bytes);
  visit("verified", measurement.verification.passed);
  visit("error", measurement.verification.error);
  visit("allowed_error", measurement.verification.allowed_error);
  visit("verification_detail", measurement.verification.detail);
  visit("median_seconds", measurement.timing.median_seconds);
  visit("low_seconds", measurement.timing.low_seconds);
  visit("high_seconds", measurement.timing.high_seconds);
  visit("minimum_seconds", measurement.timing.minimum_seconds);
  visit("samples", measurement.timing.samples);
  visit("discarded", measurement.timing.discarded);
  visit("sm_clock_hertz", measurement.timing.sm_clock_hertz);
  visit("l2_state", measurement.timing.l2_state);
  visit_traffic(visit, measurement.counters);
  visit("duration_seconds", measurement.counters.duration_seconds);
  visit("repeats", measurement.counters.repeats);
  visit("dram_read_spread", measurement.counters.dram_read_spread);
  visit("raw_counters", measurement.counters.raw);
  visit("gpu_uuid", measurement.provenance.gpu_uuid);
  visit("cupti_version", measurement.provenance.cupti_version);
  visit("weir_version", measurement.provenance.weir_version);
  visit("date", measurement.provenance.date);
}

double finite(const char* name, double value) {
  if (!std::isfinite(value)) throw UnstorableValue(std::string(name) + " is not a finite number");
  return value;
}

// --- nested lists as JSON
// ------------------------------------------------------------------------------------------

struct JsonWriter {
  json object = json::object();
  void operator()(const char* name, double value) { object[name] = finite(name, value); }
  void operator()(const char* name, const std::string& value) { object[name] = value; }
  void operator()(const char* name, Bottleneck value) { object[name] = name_of(value); }
  void operator()(const char* name, const ResourceSeconds& values) {
    for (const double value : values) object[name].push_back(finite(name, value));
  }
};

struct JsonReader {
  const json& object;
  void operator()(const char* name, double& value) { value = object.at(name).get<double>(); }
  void operator()(const char* name, std::string& value) { value = object.at(name).get<std::string>(); }
  void operator()(const char* name, Bottleneck& value) { parse(object.at(name).get<std::string>(), value); }
  // Rows written before 2026-11-23 do not have it.
  void operator()(const char* name, ResourceSeconds& values) {
    if (const auto found = object.find(name); found != object.end()) values = found->get<ResourceSeconds>();
  }
};

template <typename Visitor, typename T>
void visit_element(Visitor& visit, T& element) {
  if constexpr (requires { element.tensor; }) {
    visit_tensor(visit, element);
  } else {
    visit_launch(visit, element);
  }
}

// Text that is not UTF-8 must not cost a row: its broken bytes become U+FFFD.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <typename T>
std::string to_json_text(const std::vector<T>& elements) {
  json list = json::array();
  for (const T& element : elements) {
    JsonWriter writer;
    visit_element(writer, element);
    list.push_back(std::move(writer.object));
  }
  return dump(list);
}

std::string to_json_text(const std::map<std::string, double>& values) {
  JsonWriter writer;
  for (const auto& [name, value] : values) writer(name.c_str(), value);
  return dump(writer.object);
}

template <typename T>
void from_json_text(const std::string& text, std::vector<T>& elements) {
  for (const json& object : json::parse(text)) {
    JsonReader reader{object};
    visit_element(reader, elements.emplace_back());
  }
}

void from_json_text(const std::string& text, std::map<std::string, double>& values) {
  const json object = json::parse(text);
  for (const auto& [name, value] : object.items()) values[name] = value.get<double>();
}

// --- columns
// -------------------------------------------------------------------------------------------------------

struct Namer {
  std::string prefix;
  std::string columns;
  int count = 0;
  template <typename T>
  void operator()(const char* name, const T&) {
    columns += (count++ ? ", " : "") + (prefix.empty() ? "" : prefix + ".") + name;
  }
};

struct Binder {
  SQLite::Statement& statement;
  int index;
  void operator()(const char* name, double value) { statement.bind(index++, finite(name, value)); }
  void operator()(const char*, std::int64_t value) { statement.bind(index++, value); }
  void operator()(const char*, bool value) { statement.bind(index++, value ? 1 : 0); }
  void operator()(const char*, const std::string& value) { statement.bind(index++, value); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void operator()(const char*, Enum value) { statement.bind(index++, name_of(value)); }
  template <typename T>
  void operator()(const char*, const std::vector<T>& value) {
    statement.bind(index++, to_json_text(value));
  }
  void operator()(const char*, const std::map<std::string, double>& value) {
    statement.bind(index++, to_json_text(value));
  }
};

struct Reader {
  SQLite::Statement& statement;
  int index;
  void operator()(const char*, double& value) { value = statement.getColumn(index++).getDouble(); }
  void operator()(const char*, std::int64_t& value) { value = statement.getColumn(index++).getInt64(); }
  void operator()(const char*, bool& value) { value = statement.getColumn(index++).getInt() != 0; }
  void operator()(const char*, std::string& value) { value = statement.getColumn(index++).getString(); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void operator()(const char*, Enum& value) { parse(statement.getColumn(index++).getString(), value); }
  template <typename T>
  requires(!std::is_enum_v<T> && !std::is_arithmetic_v<T>) void operator()(const char* name, T& value) {
    try {
      from_json_text(statement.getColumn(index++).getString(), value);
    } catch (const json::exception& error) {
      throw UnreadableRow(std::string(name) + ": " + error.what());
    }
  }
};

template <typename Part>
Namer names_of(const std::string& prefix) {
  Namer namer{prefix, {}};
  const Part fields;
  visit_fields(namer, fields);
  return namer;
}

}  // namespace

template <typename Part>
std::string columns_of(const std::string& prefix) {
  return names_of<Part>(prefix).columns;
}

template <typename Part>
int column_count_of() {
  return names_of<Part>("").count;
}

template <typename Part>
void bind(SQLite::Statement& statement, int first, const Part& part) {
  Binder binder{statement, first};
  visit_fields(binder, part);
}

template <typename Part>
void read(SQLite::Statement& statement, int first, Part& part) {
  Reader reader{statement, first};
  visit_fields(reader, part);
}

#define WEIR_PART(Part)                                           \
  template std::string columns_of<Part>(const std::string&);      \
  template int column_count_of<Part>();                           \
  template void bind<Part>(SQLite::Statement&, int, const Part&); \
  template void read<Part>(SQLite::Statement&, int, Part&);
WEIR_PART(Prediction)
WEIR_PART(Measurement)
WEIR_PART(LaunchCounters)
#undef WEIR_PART

std::string tables_text(const Tables& tables) {
  return dump(json(tables));
}

Tables parse_tables(const std::string& text) {
  try {
    return json::parse(text).get<Tables>();
  } catch (const json::exception& error) {
    throw UnreadableRow(std::string("tables: ") + error.what());
  }
}

Outcome parse_outcome(const std::string& text) {
  return parse_name<Outcome>(text, kOutcomes);
}

}  // namespace weir
