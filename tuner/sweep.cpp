#include "tuner/sweep.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>

namespace weir {
namespace {

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

std::string policy_text(const TuneOptions& options) {
  std::string text = options.timing.cold_l2 ? "cold L2" : "warm L2";
  text += ", median of interleaved samples, 95% interval within " +
          std::to_string(static_cast<int>(options.timing.target_relative_width * 1000 + 0.5)) + "/1000";
  return text;
}

Sweep::Sweep(const TuneRequest& request, Backend& backend, Store& store, TuneObserver& observer)
    : request_(request),
      backend_(backend),
      store_(store),
      observer_(observer),
      problem_text_(to_string(request.problem)),
      builder_(request.definition, request.problem, backend, request.options.threads, request.stop) {}

Status Sweep::identify() {
  Result<std::string> hash = request_.definition.source_hash(request_.include_folder);
  if (!hash) return hash.error();
  source_hash_ = *hash;
  provenance_ = backend_.provenance();
  provenance_.policy = policy_text(request_.options);
  std::ifstream file(request_.definition.file(), std::ios::binary);
  std::string yaml{std::istreambuf_iterator<char>(file), {}};
  if (Status s = store_.write(StoredDefinition{request_.definition.name(), source_hash_, std::move(yaml)});
      !s)
    return s;
  if (Status s = store_.write(StoredDevice{provenance_.gpu_name, backend_.facts().limits}); !s) return s;
  if (!has_table_entries(request_.problem)) return ok_status();
  return store_.write(
      StoredTables{request_.definition.name(), source_hash_, problem_text_, request_.problem.tables});
}

Status Sweep::explore() {
  ExploreOptions options;
  options.threads = request_.options.threads;
  options.only = request_.only;
  const StrategyOptions& strategy = request_.options.strategy;
  const auto budget = static_cast<std::size_t>(std::max<std::int64_t>(0, strategy.budget));
  if (budget > 0 && strategy.name == "random") {  // needs no more than it measures
    options.sample = budget;
    options.seed = strategy.seed;
  }
  options.calibration = request_.options.calibration;
  options.stop = request_.stop;
  options.progress = [&](std::size_t done, std::size_t total) { observer_.predicting(done, total); };
  Result<Space> space = weir::explore(request_.definition, request_.problem, request_.profile,
                                      backend_.facts().limits, options);
  if (!space) return space.error();
  space_ = std::move(space).value();
  for (const RankedConfig& ranked : space_.ranked) {
    trials_.push_back({ranked.prediction.time_seconds, ranked.is_default, Trial::State::open, 0});
  }
  std::vector<Record> rows;
  constexpr std::size_t kStoredPerReason = 20;
  for (const RejectedConfig& rejected : sample_rejections(space_.rejected, kStoredPerReason)) {
    rows.push_back(row(rejected.config, Outcome::rejected, rejected.reason));
  }
  return store_.write(rows);
}

Status Sweep::resume() {
  if (request_.options.resume) {
    RecordFilter filter;
    filter.kernel = request_.definition.name();
    filter.source_hash = source_hash_;
    filter.problem = problem_text_;
    filter.gpu_name = provenance_.gpu_name;
    Result<std::vector<Record>> rows = store_.records(filter);
    if (!rows) return rows.error();
    std::map<std::string, const Record*> by_config;
    for (const Record& r : *rows) {
      if (r.outcome != Outcome::measured && r.outcome != Outcome::failed) continue;
      if (!r.measurement) continue;
      const Provenance& p = r.measurement->provenance;
      if (p.driver_version != provenance_.driver_version ||
          p.compiler_version != provenance_.compiler_version || p.policy != provenance_.policy ||
          p.gpu_uuid != provenance_.gpu_uuid) {
        continue;
      }
      // A sweep that wants counters measures again what was only timed.
      if (request_.options.counters && backend_.tier() == Tier::counters && r.outcome == Outcome::measured &&
          r.measurement->tier != Tier::counters) {
        continue;
      }
      by_config[r.config] = &r;
    }
    for (std::size_t i = 0; i < space_.ranked.size(); ++i) {
      const auto found = by_config.find(to_string(space_.ranked[i].config));
      if (found == by_config.end()) continue;
      ++resumed_;
      if (found->second->outcome == Outcome::measured) {
        trials_[i].state = Trial::State::measured;
        trials_[i].measured_seconds = found->second->measurement->timing.median_seconds;
        measured_[i] = *found->second;
      } else {
        trials_[i].state = Trial::State::failed;
        ++failed_;
      }
    }
  }
  observer_.explored(space_.ranked.size(), space_.rejected.size(), static_cast<std::size_t>(resumed_));
  return ok_status();
}

bool Sweep::interrupted() const {
  return request_.stop && request_.stop();
}

bool Sweep::out_of_time() const {
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started_;
  return request_.options.time_budget_seconds > 0 && spent.count() >= request_.options.time_budget_seconds;
}

Status Sweep::prepare() {
  if (prepared_) return ok_status();
  for (const RankedConfig& ranked : space_.ranked) {
    Result<Candidate> candidate =
        request_.definition.resolve(request_.problem, ranked.config, backend_.facts().limits);
    if (!candidate) continue;
    if (candidate->source.empty() || candidate->verify.source.empty()) {
      return Error{ErrorKind::usage,
                   "kernel " + request_.definition.name() + " has no " +
                       (candidate->source.empty() ? "source" : "reference") +
                       ": it can be predicted, not tuned",
                   "add variants and verify sections to " + request_.definition.file().string()};
    }
    Status status = backend_.prepare(*candidate);
    if (!status) return status.error();
    prepared_ = true;
    return ok_status();
  }
  return Error{ErrorKind::usage,
               "no candidate of " + request_.definition.name() + " is legal for " + problem_text_,
               "see the rejections with weir predict"};
}

Status Sweep::measure(const std::vector<std::size_t>& batch, const std::vector<std::size_t>& probably_next) {
  Status status = ok_status();
  std::vector<Built> built = build(batch, status);
  if (status && !probably_next.empty()) builder_.start(configs_of(probably_next));
  if (status) verify(built, status);
  if (status) time(built, request_.options.timing, status);
  // A row is written as soon as its candidate is complete: what a kill can cost is the group that is being
  // timed.
  for (Built& b : built) {
    if (!status || interrupted()) break;
    status = count(b);
  }
  return status;
}

std::vector<Config> Sweep::configs_of(const std::vector<std::size_t>& batch) const {
  std::vector<Config> configs;
  for (const std::size_t index : batch) configs.push_back(space_.ranked[index].config);
  return configs;
}

std::vector<Sweep::Built> Sweep::build(const std::vector<std::size_t>& batch, Status& status) {
  std::vector<BuiltCandidate> slots = builder_.build(configs_of(batch));

  std::vector<Built> built;
  for (std::size_t i = 0; i < batch.size() && status; ++i) {
    Measurement measurement = blank_measurement();
    if (slots[i].executable) measurement.resources = slots[i].executable->resources;
    if (!slots[i].error && measurement.resources.spill_bytes > request_.options.spill_limit_bytes) {
      slots[i].error =
          Error{ErrorKind::failed,
                "spills " + std::to_string(measurement.resources.spill_bytes) + " bytes per thread at " +
                    std::to_string(measurement.resources.registers_per_thread) + " registers",
                ""};
    }
    if (slots[i].error) {
      status = fail(batch[i], *slots[i].error, measurement);
    } else if (Status stored = store_modules(*slots[i].candidate, *slots[i].executable); !stored) {
      status = stored;
    } else {
      built.push_back({batch[i], std::move(*slots[i].executable), measurement});
    }
  }
  return built;
}

Status Sweep::store_modules(const Candidate& candidate, const Executable& executable) {
  if (executable.cubin.empty()) return ok_status();
  std::ifstream file(executable.cubin, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) {
    return Error{ErrorKind::unexpected, "cannot read the compiled module " + executable.cubin.string(), ""};
  }
  return store_.write(StoredModule{source_hash_, header_hash(candidate.config_header),
                                   candidate.device.compute_capability, provenance_.compiler_version,
                                   std::move(bytes)});
}

void Sweep::verify(std::vector<Built>& built, Status& status) {
  std::vector<Built> passed;
  for (Built& b : built) {
    if (!status || interrupted()) break;
    Result<Verification> verification = backend_.verify(b.executable);
    if (!verification) {
      status = fail(b.index, verification.error(), b.measurement);
      continue;
    }
    b.measurement.verification = *verification;
    if (!verification->passed) {
      status = fail(b.index, Error{ErrorKind::verification, "wrong result: " + verification->detail, ""},
                    b.measurement);
      continue;
    }
    passed.push_back(std::move(b));
  }
  built = std::move(passed);
}

void Sweep::time(std::vector<Built>& built, const TimingOptions& options, Status& status) {
  if (built.empty()) return;
  // The incumbent is timed with every batch: what it reads then against what is stored shows drift.
  std::vector<Executable> group;
  for (const Built& b : built) group.push_back(b.executable);
  std::optional<std::size_t> incumbent;
  for (const auto& [index, r] : measured_) {
    if (!executables_.contains(index)) continue;
    if (!incumbent || trials_[index].measured_seconds < trials_[*incumbent].measured_seconds)
      incumbent = index;
  }
  if (incumbent) group.push_back(executables_.at(*incumbent));

  const std::vector<Result<Timing>> timings = backend_.time(group, options);
  std::vector<Built> timed;
  for (std::size_t i = 0; i < built.size() && status; ++i) {
    if (timings[i]) {
      built[i].measurement.timing = *timings[i];
      timed.push_back(std::move(built[i]));
    } else {
      status = fail(built[i].index, timings[i].error(), built[i].measurement);
    }
  }
  if (incumbent && timings.back()) {
    const double drift = timings.back()->median_seconds / trials_[*incumbent].measured_seconds - 1;
    if (drift > 0.03 || drift < -0.03) {
      observer_.note("the incumbent now takes " + std::to_string(static_cast<int>(drift * 1000) / 10.0) +
                     "% longer than when it was first timed: the device's clocks moved");
    }
  }
  built = std::move(timed);
}

Status Sweep::count(Built& built) {
  if (request_.options.counters && backend_.tier() == Tier::counters) {
    Result<Counters> counters = backend_.count(built.executable, request_.options.count);
    if (!counters) return fail(built.index, counters.error(), built.measurement);
    built.measurement.counters = *counters;
  }
  built.measurement.provenance.date = now_utc();
  executables_[built.index] = built.executable;
  return record(built.index, Outcome::measured, "", built.measurement);
}

Status Sweep::remeasure_finalists() {
  if (request_.options.finalists < 2 || interrupted()) return ok_status();
  std::vector<std::size_t> finalists;
  for (const auto& [index, executable] : executables_) finalists.push_back(index);
  std::sort(finalists.begin(), finalists.end(), [&](std::size_t a, std::size_t b) {
    return trials_[a].measured_seconds < trials_[b].measured_seconds;
  });
  if (finalists.size() < 2) return ok_status();
  finalists.resize(
      std::min<std::size_t>(finalists.size(), static_cast<std::size_t>(request_.options.finalists)));

  TimingOptions options = request_.options.timing;
  options.target_relative_width /= 3;
  options.maximum_seconds *= 2;
  options.abandon_factor = 0;
  std::vector<Executable> group;
  for (const std::size_t index : finalists) group.push_back(executables_.at(index));
  const std::vector<Result<Timing>> timings = backend_.time(group, options);
  for (std::size_t i = 0; i < finalists.size(); ++i) {
    if (!timings[i]) continue;
    Measurement measurement = *measured_.at(finalists[i]).measurement;
    measurement.timing = *timings[i];
    if (Status status = record(finalists[i], Outcome::measured, "", measurement); !status) return status;
  }
  return ok_status();
}

Result<TuneResult> Sweep::result(const Strategy& strategy) const {
  TuneResult result;
  result.kernel = request_.definition.name();
  result.problem = problem_text_;
  result.measured = static_cast<std::int64_t>(measured_.size());
  result.resumed = resumed_;
  result.rejected = static_cast<std::int64_t>(space_.rejected.size());
  result.failed = failed_;
  result.interrupted = interrupted();
  result.stopped_because = result.interrupted ? "interrupted"
                           : out_of_time()    ? "the time budget is spent"
                                              : strategy.stopped_because();
  std::vector<Record> rows;
  for (const auto& [index, record] : measured_) rows.push_back(record);
  result.choice = choose(rows);
  return result;
}

Measurement Sweep::blank_measurement() const {
  Measurement measurement;
  measurement.tier = request_.options.counters ? backend_.tier() : std::max(backend_.tier(), Tier::events);
  measurement.tier_reason = request_.options.counters ? backend_.tier_reason() : "counters were switched off";
  measurement.provenance = provenance_;
  measurement.provenance.date = now_utc();
  return measurement;
}

Record Sweep::row(const Config& config, Outcome outcome, const std::string& reason) const {
  Record record;
  record.kernel = request_.definition.name();
  record.source_hash = source_hash_;
  record.problem = problem_text_;
  record.config = to_string(config);
  record.outcome = outcome;
  record.reason = reason;
  record.profile = request_.profile.name;
  return record;
}

Status Sweep::record(std::size_t index, Outcome outcome, const std::string& reason,
                     const std::optional<Measurement>& measurement) {
  const RankedConfig& ranked = space_.ranked[index];
  Record r = row(ranked.config, outcome, reason);
  r.is_default = ranked.is_default;
  r.prediction = ranked.prediction;
  r.measurement = measurement;
  if (Status status = store_.write(r); !status) return status;
  if (outcome == Outcome::measured) {
    trials_[index].state = Trial::State::measured;
    trials_[index].measured_seconds = measurement->timing.median_seconds;
    measured_[index] = r;
  } else {
    trials_[index].state = Trial::State::failed;
    ++failed_;
  }
  observer_.finished(r, measured_.size());
  return ok_status();
}

Status Sweep::fail(std::size_t index, const Error& error, Measurement measurement) {
  if (!costs_only_the_candidate(error)) return error;
  measurement.provenance.date = now_utc();
  return record(index, Outcome::failed, error.message, measurement);
}

}  // namespace weir
