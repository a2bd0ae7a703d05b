#include "reports/analysis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "reports/statistics.h"
#include "store/store.h"

namespace weir::report {
namespace {

constexpr double kErrorFloorBytes = 1e6;
constexpr double kErrorFloorShareOfCompulsory = 0.01;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

ErrorSummary summarise(const std::vector<double>& errors) {
  if (errors.empty()) return {};
  return {.count = static_cast<std::int64_t>(errors.size()),
          .median = *median(errors),
          .p90 = *quantile(errors, 0.9),
          .worst = *std::max_element(errors.begin(), errors.end())};
}

void cover(Coverage& coverage, double low, double high, double measured) {
  if (!(high > 0) || !(low <= high)) return;  // no interval was predicted
  ++coverage.count;
  if (measured >= low && measured <= high) ++coverage.inside;
}

// What the model would launch: smallest predicted time, then the tie rule of choose().
const Record* first_choice_of_model(const std::vector<const Record*>& rows) {
  const auto key = [](const Record& row) {
    const Traffic& traffic = row.prediction->traffic;
    return std::make_tuple(row.prediction->time_seconds, traffic.dram_read_bytes + traffic.dram_write_bytes,
                           std::string_view(row.config));
  };
  const auto first = std::min_element(rows.begin(), rows.end(),
                                      [&](const Record* a, const Record* b) { return key(*a) < key(*b); });
  return first == rows.end() ? nullptr : *first;
}

double seconds(const Record& row) {
  return row.measurement->timing.median_seconds;
}

std::optional<Pick> pick(const ProblemRows& problem, const std::vector<Record>& records) {
  std::vector<Record> rows;
  for (const std::size_t index : problem.rows) rows.push_back(records[index]);
  const std::optional<Choice> choice = choose(rows);
  if (!choice) return std::nullopt;

  Pick result{.kernel = problem.kernel,
              .source_hash = problem.source_hash,
              .problem = problem.problem,
              .device = problem.device,
              .driver_version = problem.driver_version,
              .compiler_version = problem.compiler_version,
              .policy = problem.policy,
              .candidates = static_cast<std::int64_t>(rows.size()),
              .config = choice->best.config,
              .tier = choice->best.measurement->tier,
              .timing = choice->best.measurement->timing,
              .tie_set_size = static_cast<std::int64_t>(choice->tie_set.size())};
  if (choice->best.prediction) {
    result.predicted = choice->best.prediction->traffic;
    result.calibrated = is_calibrated(choice->best.prediction->uncalibrated);
  }
  if (choice->best.measurement->tier == Tier::counters) {
    const Counters& counters = choice->best.measurement->counters;
    result.measured = Traffic{.dram_read_bytes = counters.dram_read_bytes,
                              .dram_write_bytes = counters.dram_write_bytes,
                              .l2_read_bytes = counters.l2_read_bytes,
                              .l2_write_bytes = counters.l2_write_bytes};
  }

  std::vector<const Record*> ranked;
  std::vector<double> predicted_times, measured_times;
  double fastest = std::numeric_limits<double>::infinity();
  for (const Record& row : rows) {
    fastest = std::min(fastest, seconds(row));
    if (row.is_default) result.default_seconds = seconds(row);
    if (!row.prediction || !(row.prediction->time_seconds > 0)) continue;
    ranked.push_back(&row);
    predicted_times.push_back(row.prediction->time_seconds);
    measured_times.push_back(seconds(row));
  }
  result.rank_correlation = spearman(predicted_times, measured_times);
  if (const Record* model = first_choice_of_model(ranked); model && rows.size() >= 2) {
    result.model_config = model->config;
    result.model_seconds = seconds(*model);
    result.regret = seconds(*model) / fastest - 1;
    result.model_in_tie_set = std::any_of(choice->tie_set.begin(), choice->tie_set.end(),
                                          [&](const Record& row) { return row.config == model->config; });
  }
  return result;
}

struct KernelErrors {
  std::vector<double> dram_reads, dram_writes, l2_reads, time;
};

void add(KernelSummary& summary, KernelErrors& errors, const Record& record) {
  if (record.prediction && !is_calibrated(record.prediction->uncalibrated)) summary.calibrated = false;
  switch (record.outcome) {
    case Outcome::measured:
      ++summary.measured;
      break;
    case Outcome::rejected:
      ++summary.rejected;
      break;
    case Outcome::failed:
      ++summary.failed;
      break;
    case Outcome::predicted:
      ++summary.predicted;
      break;
  }
  if (is_counted(record)) {
    const Prediction& prediction = *record.prediction;
    const Counters& counters = record.measurement->counters;
    errors.dram_reads.push_back(read_error(record));
    errors.dram_writes.push_back(write_error(record));
    if (const std::optional<double> requested = requested_l2_read_bytes(counters)) {
      errors.l2_reads.push_back(
          traffic_error(prediction.traffic.l2_read_bytes, *requested, prediction.bounds.compulsory_bytes));
    }
    cover(summary.read_interval, prediction.dram_read_low_bytes, prediction.dram_read_high_bytes,
          counters.dram_read_bytes);
    cover(summary.write_interval, prediction.dram_write_low_bytes, prediction.dram_write_high_bytes,
          counters.dram_write_bytes);
  }
  if (is_timed(record) && record.prediction && record.prediction->time_seconds > 0) {
    errors.time.push_back(std::abs(record.prediction->time_seconds - seconds(record)) / seconds(record));
  }
}

std::vector<KernelSummary> summarise_kernels(const std::vector<Record>& records, const DeviceNames& names,
                                             const std::vector<Pick>& picks) {
  std::map<std::pair<std::string, std::string>, std::pair<KernelSummary, KernelErrors>> groups;
  for (const Record& record : records) {
    const std::string device = names.of(record);
    auto& [summary, errors] = groups[{record.kernel, device}];
    summary.kernel = record.kernel;
    summary.device = device;
    add(summary, errors, record);
  }
  std::vector<KernelSummary> result;
  for (auto& [key, group] : groups) {
    auto& [summary, errors] = group;
    summary.dram_reads = summarise(errors.dram_reads);
    summary.dram_writes = summarise(errors.dram_writes);
    summary.l2_reads = summarise(errors.l2_reads);
    summary.time = summarise(errors.time);
    std::vector<double> correlations, regrets;
    for (const Pick& pick : picks) {
      if (pick.kernel != summary.kernel || pick.device != summary.device) continue;
      ++summary.problems;
      if (pick.rank_correlation) correlations.push_back(*pick.rank_correlation);
      if (pick.regret) regrets.push_back(*pick.regret);
    }
    summary.rank_correlation = median(correlations);
    summary.regret_problems = static_cast<std::int64_t>(regrets.size());
    summary.regret_geometric_mean = geometric_mean_excess(regrets);
    if (!regrets.empty()) summary.regret_worst = *std::max_element(regrets.begin(), regrets.end());
    result.push_back(std::move(summary));
  }
  return result;
}

std::vector<UncalibratedGroup> group_uncalibrated(const std::vector<Record>& records) {
  std::map<std::pair<std::string, std::string>, std::int64_t> groups;
  for (const Record& record : records) {
    if (!record.prediction) continue;
    const std::string note = calibration_note(record.prediction->uncalibrated);
    if (!note.empty()) ++groups[{record.profile, note}];
  }
  std::vector<UncalibratedGroup> result;
  for (const auto& [key, rows] : groups) result.push_back({key.first, key.second, rows});
  return result;
}

std::vector<ReasonCount> count_reasons(const std::vector<Record>& records) {
  std::map<std::tuple<std::string, Outcome, std::string>, ReasonCount> groups;
  for (const Record& record : records) {
    if (record.outcome != Outcome::rejected && record.outcome != Outcome::failed) continue;
    ReasonCount& group = groups[{record.kernel, record.outcome, record.reason}];
    if (group.count++ > 0) continue;
    group.kernel = record.kernel;
    group.outcome = record.outcome;
    group.reason = record.reason;
    group.example_problem = record.problem;
    group.example_config = record.config;
  }
  std::vector<ReasonCount> result;
  for (auto& [key, group] : groups) result.push_back(std::move(group));
  std::stable_sort(result.begin(), result.end(),
                   [](const ReasonCount& a, const ReasonCount& b) { return a.count > b.count; });
  return result;
}

std::vector<ProvenanceGroup> group_provenance(const std::vector<Record>& records, const DeviceNames& names) {
  const auto key = [](const ProvenanceGroup& g) {
    return std::tie(g.tier, g.tier_reason, g.device, g.compute_capability, g.sm_count, g.l2_bytes, g.profile,
                    g.driver_version, g.compiler_version, g.cupti_version, g.weir_version, g.policy);
  };
  const auto less = [&](const ProvenanceGroup& a, const ProvenanceGroup& b) { return key(a) < key(b); };
  struct Extent {
    std::set<std::string> gpus;
    std::string first_date, last_date;
    std::int64_t rows = 0;
  };
  std::map<ProvenanceGroup, Extent, decltype(less)> groups(less);
  for (const Record& record : records) {
    ProvenanceGroup group{.device = names.of(record), .profile = record.profile};
    std::string uuid, date;
    if (record.measurement) {
      const Provenance& provenance = record.measurement->provenance;
      group.tier = record.measurement->tier;
      group.tier_reason = record.measurement->tier_reason;
      group.compute_capability = provenance.compute_capability;
      group.sm_count = provenance.sm_count;
      group.l2_bytes = provenance.l2_bytes;
      group.driver_version = provenance.driver_version;
      group.compiler_version = provenance.compiler_version;
      group.cupti_version = provenance.cupti_version;
      group.weir_version = provenance.weir_version;
      group.policy = provenance.policy;
      uuid = provenance.gpu_uuid;
      date = provenance.date;
    }
    Extent& extent = groups[group];
    ++extent.rows;
    if (!uuid.empty()) extent.gpus.insert(uuid);
    if (date.empty()) continue;
    if (extent.first_date.empty() || date < extent.first_date) extent.first_date = date;
    extent.last_date = std::max(extent.last_date, date);
  }
  std::vector<ProvenanceGroup> result;
  for (const auto& [group, extent] : groups) {
    result.push_back(group);
    result.back().gpus = static_cast<std::int64_t>(extent.gpus.size());
    result.back().first_date = extent.first_date;
    result.back().last_date = extent.last_date;
    result.back().rows = extent.rows;
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const ProvenanceGroup& a, const ProvenanceGroup& b) { return a.rows > b.rows; });
  return result;
}

}  // namespace

bool is_counted(const Record& record) {
  return record.outcome == Outcome::measured && record.prediction && record.measurement &&
         record.measurement->tier == Tier::counters;
}

bool is_timed(const Record& record) {
  return record.outcome == Outcome::measured && record.measurement &&
         record.measurement->verification.passed && record.measurement->timing.median_seconds > 0;
}

double traffic_error(double predicted_bytes, double measured_bytes, double compulsory_bytes) {
  const double floor = std::max(kErrorFloorBytes, kErrorFloorShareOfCompulsory * compulsory_bytes);
  const double error = std::abs(predicted_bytes - measured_bytes) / std::max(measured_bytes, floor);
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

double read_error(const Record& record) {
  return traffic_error(record.prediction->traffic.dram_read_bytes,
                       record.measurement->counters.dram_read_bytes,
                       record.prediction->bounds.compulsory_bytes);
}

double write_error(const Record& record) {
  return traffic_error(record.prediction->traffic.dram_write_bytes,
                       record.measurement->counters.dram_write_bytes,
                       record.prediction->bounds.compulsory_bytes);
}

DeviceNames::DeviceNames(const std::vector<Record>& records) {
  std::map<std::string, std::set<std::string>> gpus;
  for (const Record& record : records) {
    if (record.measurement && !record.measurement->provenance.gpu_name.empty()) {
      gpus[record.profile].insert(record.measurement->provenance.gpu_name);
    }
  }
  for (const auto& [profile, names] : gpus) {
    if (names.size() == 1) gpu_of_profile_[profile] = *names.begin();
  }
}

std::string DeviceNames::of(const Record& record) const {
  if (record.measurement && !record.measurement->provenance.gpu_name.empty()) {
    return record.measurement->provenance.gpu_name;
  }
  const auto known = gpu_of_profile_.find(record.profile);
  if (known != gpu_of_profile_.end()) return known->second;
  return record.profile.empty() ? "unknown device" : record.profile;
}

std::vector<ProblemRows> timed_problems(const std::vector<Record>& records, const DeviceNames& names) {
  std::vector<ProblemRows> result;
  std::map<
      std::tuple<std::string, std::string, std::string, std::string, std::string, std::string, std::string>,
      std::size_t>
      positions;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    if (!is_timed(record)) continue;
    const Provenance& from = record.measurement->provenance;
    ProblemRows rows{record.kernel,       record.source_hash,    record.problem, names.of(record),
                     from.driver_version, from.compiler_version, from.policy,    {}};
    const auto [position, is_first] =
        positions.try_emplace({rows.kernel, rows.source_hash, rows.problem, rows.device, rows.driver_version,
                               rows.compiler_version, rows.policy},
                              result.size());
    if (is_first) result.push_back(std::move(rows));
    result[position->second].rows.push_back(i);
  }
  std::stable_sort(result.begin(), result.end(), [](const ProblemRows& a, const ProblemRows& b) {
    if (a.kernel != b.kernel) return a.kernel < b.kernel;
    if (a.problem != b.problem) return natural_less(a.problem, b.problem);
    return std::tie(a.device, a.source_hash, a.driver_version, a.compiler_version, a.policy) <
           std::tie(b.device, b.source_hash, b.driver_version, b.compiler_version, b.policy);
  });
  return result;
}

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      while (i < a.size() && a[i] == '0') ++i;
      while (j < b.size() && b[j] == '0') ++j;
      std::size_t end_i = i, end_j = j;
      while (end_i < a.size() && is_digit(a[end_i])) ++end_i;
      while (end_j < b.size() && is_digit(b[end_j])) ++end_j;
      const std::string_view number_a = a.substr(i, end_i - i), number_b = b.substr(j, end_j - j);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
      i = end_i;
      j = end_j;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  if (i < a.size() || j < b.size()) return i == a.size();
  return a < b;  // equal but for leading zeros
}

ReportData analyse(const std::vector<Record>& records) {
  const DeviceNames names(records);
  ReportData data{.rows = static_cast<std::int64_t>(records.size())};
  for (const ProblemRows& problem : timed_problems(records, names)) {
    if (std::optional<Pick> best = pick(problem, records)) data.picks.push_back(std::move(*best));
  }
  data.uncalibrated = group_uncalibrated(records);
  data.kernels = summarise_kernels(records, names, data.picks);
  data.reasons = count_reasons(records);
  data.provenance = group_provenance(records, names);
  return data;
}

}  // namespace weir::report
