#include "comparisons/evaluate.h"

#include <algorithm>

#include "comparisons/executed_flops.h"
#include "kernels/definition.h"
#include "masks/problem_mask.h"
#include "simulator/predict.h"
#include "tuner/calibration_file.h"
#include "tuner/device_match.h"
#include "tuner/space.h"
#include "tuner/stored_texts.h"

namespace weir::comparison {
namespace {

// A part as its definition reads it.
struct Part {
  KernelDefinition definition;
  Problem problem;
  std::vector<Config> configs;  // empty: the whole space
  std::map<std::string, std::string> tensor_names;
  std::string identity;  // of the three, on any device
};

// A part on one device.
struct PartResult {
  Amounts predicted;
  Amounts measured;
  std::map<std::string, double> tensor_bytes;
  std::string reason;
};

Result<Part> read_part(const RowPart& part, const std::filesystem::path& kernels_folder) {
  const WorkloadProblem& asked = part.problem;
  Result<KernelDefinition> definition = find_kernel(kernels_folder, asked.kernel);
  if (!definition) return definition.error();
  Result<Problem> problem = masked_problem(*definition, asked.problem, asked.tables, asked.mask);
  if (!problem) return problem.error();
  std::string identity = definition->name() + " " + to_string(*problem);
  std::vector<Config> configs;
  for (const std::string& text : asked.configs) {
    Result<Config> config = definition->config(text);
    if (!config) return config.error();
    identity += " " + to_string(*config);
    configs.push_back(std::move(*config));
  }
  return Part{std::move(*definition), std::move(*problem), std::move(configs), part.tensor_names,
              std::move(identity)};
}

// Measured rows by GPU, kernel and problem.
using Measured = std::map<std::string, std::map<std::string, std::vector<Record>>>;

Result<Measured> read_stores(const std::vector<Store>& stores, const std::filesystem::path& kernels_folder) {
  Measured measured;
  for (const Store& store : stores) {
    Result<std::vector<StoredTables>> tables = store.tables();
    if (!tables) return tables.error();
    RecordFilter filter;
    filter.outcome = Outcome::measured;
    Result<std::vector<Record>> records = store.records(filter);
    if (!records) return records.error();
    StoredTexts texts(kernels_folder, std::move(*tables));
    for (Record& record : *records) {
      if (!record.measurement || !record.measurement->verification.passed) continue;
      texts.read(record);
      measured[record.measurement->provenance.gpu_name][record.kernel + " " + record.problem].push_back(
          std::move(record));
    }
  }
  return measured;
}

// The fastest of the configurations that the part names; of a configuration the latest row.
const Record* best_of(const std::vector<Record>& records, const Part& part) {
  std::map<std::string, const Record*> latest;
  for (const Record& record : records) {
    const bool is_named =
        part.configs.empty() || std::any_of(part.configs.begin(), part.configs.end(),
                                            [&](const Config& c) { return to_string(c) == record.config; });
    if (!is_named) continue;
    const Record*& known = latest[record.config];
    if (known == nullptr || known->measurement->provenance.date < record.measurement->provenance.date)
      known = &record;
  }
  const Record* best = nullptr;
  for (const auto& [config, record] : latest) {
    if (best == nullptr ||
        record->measurement->timing.median_seconds < best->measurement->timing.median_seconds)
      best = record;
  }
  return best;
}

const Record* find_best(const std::map<std::string, std::vector<Record>>& of_problems, const Part& part) {
  const auto records = of_problems.find(part.definition.name() + " " + to_string(part.problem));
  return records == of_problems.end() ? nullptr : best_of(records->second, part);
}

void add_prediction(Amounts& amounts, const Prediction& prediction) {
  amounts[Quantity::sram] = prediction.bounds.sram_level_bytes;
  if (prediction.fidelity == "bounds") return;
  const Traffic& traffic = prediction.traffic;
  amounts[Quantity::l2] = traffic.l2_read_bytes + traffic.l2_write_bytes;
  amounts[Quantity::dram] = traffic.dram_read_bytes + traffic.dram_write_bytes;
  amounts[Quantity::time] = prediction.time_seconds;
}

void add_measurement(Amounts& amounts, const Measurement& measurement) {
  amounts[Quantity::time] = measurement.timing.median_seconds;
  if (measurement.tier != Tier::counters) return;
  const Counters& counters = measurement.counters;
  if (const std::optional<double> asked = requested_l2_read_bytes(counters))
    amounts[Quantity::sram] = *asked + counters.l2_write_bytes;
  amounts[Quantity::l2] = counters.l2_read_bytes + counters.l2_write_bytes;
  amounts[Quantity::dram] = counters.dram_read_bytes + counters.dram_write_bytes;
}

// Traffic does not depend on the instructions: a GPU too old for every variant is predicted as if it had
// those of the oldest.
DeviceLimits limits_to_predict(const KernelDefinition& definition, const DeviceProfile& profile) {
  DeviceLimits limits = limits_of(profile);
  std::int64_t least = definition.variants().front().min_compute_capability;
  for (const VariantInfo& variant : definition.variants())
    least = std::min(least, variant.min_compute_capability);
  limits.compute_capability = std::max(limits.compute_capability, least);
  return limits;
}

// What follows from the definition alone: FLOPs, and the tensors' bytes.
void add_problem(PartResult& result, const Part& part, const Config& config, const DeviceLimits& limits,
                 bool count_flops) {
  const Result<Candidate> candidate = part.definition.resolve(part.problem, config, limits);
  if (!candidate) return;
  result.predicted[Quantity::flops] = candidate->useful_flops;
  if (count_flops) result.predicted[Quantity::executed] = executed_flops(*candidate);
  for (const TensorLayout& tensor : candidate->tensors) {
    const auto renamed = part.tensor_names.find(tensor.name);
    const std::string& name = renamed == part.tensor_names.end() ? tensor.name : renamed->second;
    double& bytes = result.tensor_bytes[name];
    bytes = std::max(bytes, static_cast<double>(extent_bytes(tensor)));
  }
}

// What the tables that show a row ask of its parts beyond the cheap counts.
struct Needs {
  bool walk = false;   // through the cache
  bool flops = false;  // that are executed

  auto operator<=>(const Needs&) const = default;
};

Needs needs_of(const Comparison& comparison, const WorkloadRow& row) {
  Needs needs;
  for (const Table& table : comparison.tables) {
    if (!shows(table, row)) continue;
    for (const std::vector<Quantity>* quantities : {&table.columns, &table.charts}) {
      for (const Quantity quantity : *quantities) {
        needs.walk |= quantity == Quantity::l2 || quantity == Quantity::dram || quantity == Quantity::time;
        needs.flops |= quantity == Quantity::executed;
      }
    }
  }
  return needs;
}

class Evaluation {
 public:
  Evaluation(const DeviceProfile& profile, std::optional<Calibration> calibration,
             const std::map<std::string, std::vector<Record>>* measured)
      : profile_(profile), calibration_(std::move(calibration)), measured_(measured) {}

  Result<PartResult> part(const Part& part, const Needs& needs) {
    const auto known = results_.find({part.identity, needs});
    if (known != results_.end()) return known->second;
    Result<PartResult> result = evaluate(part, needs);
    if (result) results_.emplace(std::pair{part.identity, needs}, *result);
    return result;
  }

 private:
  Result<PartResult> evaluate(const Part& part, const Needs& needs) const {
    PartResult result;
    const DeviceLimits limits = limits_to_predict(part.definition, profile_);
    if (const Record* record = measured_ == nullptr ? nullptr : find_best(*measured_, part)) {
      const Result<Config> config = part.definition.config(record->config);
      if (config) add_problem(result, part, *config, limits, needs.flops);
      if (record->prediction) add_prediction(result.predicted, *record->prediction);
      add_measurement(result.measured, *record->measurement);
      return result;
    }
    ExploreOptions options;
    options.predict.fidelity = needs.walk ? Fidelity::cache : Fidelity::bounds;
    options.contenders = 1;
    options.calibration = calibration_;
    options.only = part.configs;
    const Result<Space> space = explore(part.definition, part.problem, profile_, limits, options);
    if (!space) return space.error();
    if (space->ranked.empty()) {
      result.reason = part.definition.name() + ": " +
                      (space->rejected.empty() ? "no configuration" : space->rejected.front().reason);
      return result;
    }
    const RankedConfig& best = space->ranked.front();
    add_problem(result, part, best.config, limits, needs.flops);
    add_prediction(result.predicted, best.prediction);
    return result;
  }

  const DeviceProfile& profile_;
  std::optional<Calibration> calibration_;
  const std::map<std::string, std::vector<Record>>* measured_;  // of this GPU; null: none
  std::map<std::pair<std::string, Needs>, PartResult> results_;
};

// Sums what every part has.
Amounts sum(const std::vector<PartResult>& parts, Amounts PartResult::*amounts, double per) {
  Amounts total;
  for (const auto& [quantity, value] : parts.front().*amounts) total[quantity] = 0;
  for (const PartResult& part : parts) {
    std::erase_if(total, [&](const auto& entry) { return !(part.*amounts).contains(entry.first); });
    for (auto& [quantity, value] : total) value += (part.*amounts).at(quantity) / per;
  }
  return total;
}

RowResult row_of(const std::vector<PartResult>& parts, double per) {
  RowResult row;
  for (const PartResult& part : parts) {
    if (!part.reason.empty()) {
      row.reason = part.reason;
      return row;
    }
  }
  row.predicted = sum(parts, &PartResult::predicted, per);
  row.measured = sum(parts, &PartResult::measured, per);
  std::map<std::string, double> tensors;
  for (const PartResult& part : parts) {
    for (const auto& [name, bytes] : part.tensor_bytes) tensors[name] = std::max(tensors[name], bytes);
  }
  double& memory = row.predicted[Quantity::memory];
  for (const auto& [name, bytes] : tensors) memory += bytes / per;
  return row;
}

Result<const DeviceProfile*> profile_named(const std::vector<DeviceProfile>& profiles,
                                           const std::string& name) {
  for (const DeviceProfile& profile : profiles) {
    if (profile.name == name) return &profile;
  }
  return Error{ErrorKind::usage, "no device profile '" + name + "'", "profiles/FORMAT.md lists them"};
}

}  // namespace

bool DeviceResult::has_measurements() const {
  return std::any_of(rows.begin(), rows.end(), [](const RowResult& row) { return !row.measured.empty(); });
}

Result<std::vector<DeviceResult>> evaluate(const Comparison& comparison, const Sources& sources) {
  std::vector<std::vector<Part>> rows;
  for (const WorkloadRow& row : comparison.rows) {
    std::vector<Part>& parts = rows.emplace_back();
    for (const RowPart& asked : row.parts) {
      Result<Part> part = read_part(asked, sources.kernels_folder);
      if (!part) return part.error();
      parts.push_back(std::move(*part));
    }
  }
  const Result<Measured> measured = read_stores(sources.stores, sources.kernels_folder);
  if (!measured) return measured.error();

  std::vector<std::pair<const DeviceProfile*, const std::map<std::string, std::vector<Record>>*>> devices;
  for (const auto& [gpu, records] : *measured) {
    const bool has_row = std::any_of(rows.begin(), rows.end(), [&](const std::vector<Part>& parts) {
      return std::all_of(parts.begin(), parts.end(),
                         [&](const Part& part) { return find_best(records, part) != nullptr; });
    });
    if (!has_row) continue;
    const Result<DeviceProfile> profile = profile_for(sources.profiles, gpu);
    if (!profile) return profile.error();
    devices.emplace_back(*profile_named(sources.profiles, profile->name), &records);
  }
  for (const std::string& name : sources.predict_for) {
    const Result<const DeviceProfile*> profile = profile_named(sources.profiles, name);
    if (!profile) return profile.error();
    const bool is_known = std::any_of(devices.begin(), devices.end(),
                                      [&](const auto& device) { return device.first == *profile; });
    if (!is_known) devices.emplace_back(*profile, nullptr);
  }

  std::vector<DeviceResult> results;
  for (const auto& [profile, records] : devices) {
    Result<FoundCalibration> found = find_calibration(sources.calibrations_folder, *profile);
    if (!found) return found.error();
    Evaluation evaluation(*profile, std::move(found->calibration), records);
    const Uncalibrated status = uncalibrated(*profile);
    DeviceResult device{profile->name,         profile->title,
                        is_calibrated(status), calibration_note(status),
                        profile->dram_bytes,   {}};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_shown = std::any_of(comparison.tables.begin(), comparison.tables.end(),
                                        [&](const Table& table) { return shows(table, comparison.rows[i]); });
      if (!is_shown) {
        device.rows.emplace_back();
        continue;
      }
      const Needs needs = needs_of(comparison, comparison.rows[i]);
      std::vector<PartResult> parts;
      for (const Part& part : rows[i]) {
        Result<PartResult> result = evaluation.part(part, needs);
        if (!result) return result.error();
        parts.push_back(std::move(*result));
      }
      device.rows.push_back(row_of(parts, comparison.rows[i].per));
      if (sources.progress)
        sources.progress(results.size() * rows.size() + i + 1, devices.size() * rows.size());
    }
    results.push_back(std::move(device));
  }
  return results;
}

}  // namespace weir::comparison
