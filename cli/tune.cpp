// weir tune: sweep kernels on the GPU, or against a recorded sweep, into a store.
#include <fmt/format.h>

#include "cli/backend.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "masks/problem_mask.h"
#include "tuner/calibration_file.h"
#include "tuner/replay.h"
#include "tuner/stored_problem.h"
#include "tuner/tune.h"
#include "tuner/workload.h"

namespace weir::cli {
namespace {

struct Options {
  std::vector<std::string> kernels;
  TableOptions tables;
  std::string problem, config, workload, strategy = "model", time_budget;
  std::filesystem::path db = "tuned.weir";
  BackendOptions backend;
  std::int64_t budget = 0, batch = 8, finalists = 4;
  std::uint64_t seed = 1;
  double seconds_per_candidate = 0.5;
  bool no_counters = false, warm = false, fresh = false, no_calibration = false, json = false,
       dry_run = false;
};

// "90", "90s", "10m" or "1h" in seconds.
Result<double> parse_duration(const std::string& text) {
  if (text.empty()) return 0.0;
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  const std::string unit = text.substr(std::min(used, text.size()));
  const double scale = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (value < 0 || scale == 0) {
    return Error{ErrorKind::usage, "'" + text + "' is no duration", "write for instance 90s, 10m or 1h"};
  }
  return value * scale;
}

class Progress : public TuneObserver {
 public:
  void start(const std::string& title) { title_ = title; }
  void predicting(std::size_t done, std::size_t total) override {
    if (!predicting_) predicting_ = std::make_unique<ProgressLine>(title_ + ": predicting");
    predicting_->update(done, total);
  }
  void explored(std::size_t legal, std::size_t rejected, std::size_t resumed) override {
    predicting_.reset();
    say(fmt::format("{}: {} legal candidates, {} rejected{}", title_, legal, rejected,
                    resumed ? fmt::format(", {} already in the store", resumed) : ""));
    total_ = legal;
    done_ = resumed;
    measuring_ = std::make_unique<ProgressLine>("  measuring");
  }
  void finished(const Record& record, std::size_t) override {
    ++done_;
    if (record.outcome == Outcome::failed) {
      measuring_->finish();
      say("  failed: " + record.config + ": " + record.reason.substr(0, record.reason.find('\n')));
      return;
    }
    const double seconds = record.measurement->timing.median_seconds;
    if (best_ == 0 || seconds < best_) best_ = seconds;
    measuring_->update(done_, total_, "best " + microseconds(best_));
  }
  void note(const std::string& message) override {
    if (measuring_) measuring_->finish();
    say("  note: " + message);
  }
  void end() {
    measuring_.reset();
    predicting_.reset();
    best_ = 0;
  }

 private:
  std::string title_;
  std::unique_ptr<ProgressLine> predicting_, measuring_;
  std::size_t done_ = 0, total_ = 0;
  double best_ = 0;
};

void print_result(const TuneResult& r) {
  say(fmt::format("  {} measured{}, {} failed, {} rejected; {}", r.measured,
                  r.resumed ? fmt::format(" ({} resumed)", r.resumed) : "", r.failed, r.rejected,
                  r.stopped_because));
  if (!r.choice) return;
  const Record& best = r.choice->best;
  const Measurement& m = *best.measurement;
  fmt::print("{} {}\n  best {}: {} ({} to {}), tie set of {}\n", r.kernel, r.problem, best.config,
             microseconds(m.timing.median_seconds), microseconds(m.timing.low_seconds),
             microseconds(m.timing.high_seconds), r.choice->tie_set.size());
  if (m.tier == Tier::counters && best.prediction) {
    fmt::print("  DRAM read {} measured, {} predicted; write {} measured, {} predicted\n",
               megabytes(m.counters.dram_read_bytes), megabytes(best.prediction->traffic.dram_read_bytes),
               megabytes(m.counters.dram_write_bytes), megabytes(best.prediction->traffic.dram_write_bytes));
    if (const std::string note = calibration_note(best.prediction->uncalibrated); !note.empty())
      fmt::print("  {}\n", note);
  } else {
    fmt::print("  tier {}: {}\n", letter(m.tier), m.tier_reason);
  }
}

Json result_to_json(const TuneResult& r) {
  Json json{{"kernel", r.kernel},           {"problem", text_to_json(r.problem)},
            {"measured", r.measured},       {"resumed", r.resumed},
            {"rejected", r.rejected},       {"failed", r.failed},
            {"interrupted", r.interrupted}, {"stopped_because", r.stopped_because}};
  json["best"] = r.choice ? summary(r.choice->best) : Json(nullptr);
  Json ties = Json::array();
  if (r.choice) {
    for (const Record& tied : r.choice->tie_set) ties.push_back(text_to_json(tied.config));
  }
  json["tie_set"] = ties;
  return json;
}

struct Task {
  KernelDefinition definition;
  Problem problem;
  StrategyOptions strategy;
  std::vector<Config> only;
};

// A problem that names its tables by their hash alone finds them in the recording that is replayed.
Result<Problem> problem_of(const KernelDefinition& definition, const std::string& text, const Tables& tables,
                           const std::string& mask, const Options& options) {
  const std::string hash = tables_hash_of(text);
  if (!tables.empty() || !mask.empty() || hash.empty() || options.backend.replay.empty())
    return masked_problem(definition, text, tables, mask);
  Result<Tables> recorded = recorded_tables(options.backend.replay, definition.name(), hash);
  if (!recorded) return recorded.error();
  return definition.problem(without_tables(text), std::move(*recorded));
}

Result<std::vector<Task>> plan(const Options& options) {
  const StrategyOptions strategy{options.strategy, options.budget, options.batch, options.seed};
  std::vector<Task> tasks;
  if (options.workload.empty()) {
    auto tables = parse_tables(options.tables);
    if (!tables) return tables.error();
    for (const std::string& kernel : options.kernels) {
      Result<KernelDefinition> definition = find_kernel(kernels_folder(), kernel);
      if (!definition) return definition.error();
      Result<Problem> problem =
          problem_of(*definition, options.problem, *tables, options.tables.mask, options);
      if (!problem) return problem.error();
      std::vector<std::string> configs;
      if (!options.config.empty()) configs.push_back(options.config);
      Result<std::vector<Config>> only = parse_configs(*definition, configs);
      if (!only) return only.error();
      tasks.push_back({*definition, *problem, strategy, std::move(only).value()});
    }
    return tasks;
  }
  Result<Workload> workload = load_workload(options.workload);
  if (!workload) return workload.error();
  for (const WorkloadProblem& item : workload->problems) {
    if (!options.kernels.empty() &&
        std::find(options.kernels.begin(), options.kernels.end(), item.kernel) == options.kernels.end()) {
      continue;
    }
    Result<KernelDefinition> definition = find_kernel(kernels_folder(), item.kernel);
    if (!definition) return definition.error();
    Result<Problem> problem = problem_of(*definition, item.problem, item.tables, item.mask, options);
    if (!problem) return problem.error();
    StrategyOptions own = strategy;
    if (!item.strategy.empty()) own.name = item.strategy;
    if (item.budget > 0 && options.budget == 0) own.budget = item.budget;
    Result<std::vector<Config>> only = parse_configs(*definition, item.configs);
    if (!only) return only.error();
    if (!only->empty()) own.name = "exhaustive";
    tasks.push_back({*definition, *problem, own, std::move(only).value()});
  }
  return tasks;
}

int run(const Options& options) {
  catch_interrupts();
  if (options.kernels.empty() && options.workload.empty()) {
    return complain(
        Error{ErrorKind::usage, "nothing to tune", "name a kernel and --problem, or give --workload FILE"});
  }
  Result<double> time_budget = parse_duration(options.time_budget);
  if (!time_budget) return complain(time_budget.error());
  Result<std::vector<Task>> tasks = plan(options);
  if (!tasks) return complain(tasks.error());
  for (const Task& task : *tasks) {
    if (auto strategy = make_strategy(task.strategy); !strategy) return complain(strategy.error());
  }
  if (options.dry_run) {
    for (const Task& task : *tasks) {
      fmt::print("would tune {} for {} with strategy {}{}\n", task.definition.name(), to_string(task.problem),
                 task.strategy.name,
                 task.strategy.budget ? fmt::format(", at most {} candidates", task.strategy.budget) : "");
    }
    return kOk;
  }

  Result<OpenBackend> opened = open_backend(options.backend);
  if (!opened) return complain(opened.error());
  for (const std::string& note : opened->notes) say("note: " + note);
  Result<Store> store = Store::open(options.db, Store::Mode::create_or_open);
  if (!store) return complain(store.error());

  TuneOptions tune_options;
  tune_options.timing.cold_l2 = !options.warm;
  tune_options.timing.seed = options.seed;
  tune_options.timing.maximum_seconds = options.seconds_per_candidate;
  tune_options.timing.abandon_factor = 0;
  tune_options.counters = !options.no_counters;
  tune_options.resume = !options.fresh;
  tune_options.finalists = options.finalists;
  tune_options.time_budget_seconds = *time_budget;
  if (!options.no_calibration) {
    Result<FoundCalibration> found = find_calibration(calibrations_folder(), opened->profile);
    if (!found) return complain(found.error());
    if (!found->note.empty()) say("note: " + found->note);
    tune_options.calibration = std::move(found->calibration);
  }

  Progress progress;
  Json results = Json::array();
  bool interrupted = false;
  for (Task& task : *tasks) {
    tune_options.strategy = task.strategy;
    if (!options.backend.replay.empty() && task.only.empty()) {
      const auto recorded = opened->recorded_configs.find({task.definition.name(), to_string(task.problem)});
      if (recorded == opened->recorded_configs.end()) {
        return complain(
            Error{ErrorKind::missing,
                  "the recording has no " + task.definition.name() + " " + to_string(task.problem),
                  "weir db ls --db " + options.backend.replay.string() + " lists what it has"});
      }
      Result<std::vector<Config>> only = parse_configs(task.definition, recorded->second);
      if (!only) return complain(only.error());
      task.only = std::move(only).value();
    }
    progress.start(task.definition.name() + " " + to_string(task.problem));
    TuneRequest request{task.definition, task.problem, opened->profile, kernels_folder(),
                        tune_options,    task.only,    stop_requested};
    Result<TuneResult> result = tune(request, *opened->backend, *store, progress);
    progress.end();
    if (!result && result.error().kind == ErrorKind::interrupted) {
      interrupted = true;
      break;
    }
    if (!result) return complain(result.error());
    interrupted = interrupted || result->interrupted;
    if (options.json) {
      results.push_back(result_to_json(*result));
    } else {
      print_result(*result);
    }
    if (interrupted) break;
  }
  if (options.json) {
    const Json out{{"db", options.db.string()},
                   {"gpu", opened->backend->facts().name},
                   {"profile", opened->profile.name},
                   {"tier", std::string(1, letter(opened->backend->tier()))},
                   {"tier_reason", opened->backend->tier_reason()},
                   {"time_calibrated", tune_options.calibration.has_value()},
                   {"problems", results}};
    fmt::print("{}\n", out.dump(2));
  }
  if (!interrupted) return kOk;
  say("interrupted; what was measured is in " + options.db.string() + ", and the same command resumes");
  return kInterrupted;
}

}  // namespace

void register_tune(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("tune", "Sweep kernels on the GPU and store what was predicted and measured");
  command->add_option("kernel", options->kernels,
                      "Shipped kernels or paths to kernel.yaml; with --workload a filter");
  command->add_option("--problem", options->problem, "Problem parameters, k=v,k=v");
  command->add_option("--config", options->config, "Only this configuration, k=v,k=v");
  add_table_options(*command, options->tables);
  command->add_option("--workload", options->workload, "YAML file with problems");
  command->add_option("--db", options->db, "The store, created if missing")->capture_default_str();
  command->add_option("--strategy", options->strategy, "model, exhaustive or random")->capture_default_str();
  command->add_option("--budget", options->budget,
                      "Candidates to measure per problem at most (default: no limit)");
  command->add_option("--time-budget", options->time_budget,
                      "Time per problem: 90s, 10m, 1h (default: no limit)");
  command
      ->add_option("--seconds-per-candidate", options->seconds_per_candidate,
                   "Timing samples stop after this")
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Candidates that are timed interleaved")
      ->capture_default_str();
  command
      ->add_option("--finalists", options->finalists,
                   "Fastest candidates that are re-timed together at the end")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of everything random")->capture_default_str();
  add_backend_options(*command, options->backend);
  command->add_flag("--no-counters", options->no_counters, "Time only");
  command->add_flag("--warm", options->warm, "Time with a warm L2 (default: cold)");
  command->add_flag("--fresh", options->fresh, "Measure again what the store already holds");
  command->add_flag("--no-calibration", options->no_calibration,
                    "Rank by times as the model says, without profiles/calibrations");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--dry-run", options->dry_run, "Say what would be tuned");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
