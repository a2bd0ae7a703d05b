// weir verify: correctness of every candidate on this GPU.
#include <fmt/format.h>

#include "cli/backend.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "masks/problem_mask.h"
#include "tuner/tune.h"
#include "tuner/workload.h"

namespace weir::cli {
namespace {

struct Options {
  std::vector<std::string> kernels, problems;
  TableOptions tables;
  std::string workload, config, strategy = "exhaustive";
  BackendOptions backend;
  std::int64_t budget = 0;
  std::uint64_t seed = 1;
  bool json = false;
};

struct Quiet : TuneObserver {
  void explored(std::size_t legal, std::size_t rejected, std::size_t) override {
    say(fmt::format("  {} legal candidates, {} rejected", legal, rejected));
  }
};

int run(const Options& options) {
  std::vector<WorkloadProblem> items;
  if (!options.workload.empty()) {
    Result<Workload> workload = load_workload(options.workload);
    if (!workload) return complain(workload.error());
    for (const WorkloadProblem& item : workload->problems) {
      if (options.kernels.empty() ||
          std::find(options.kernels.begin(), options.kernels.end(), item.kernel) != options.kernels.end()) {
        items.push_back(item);
      }
    }
  } else {
    const auto tables = parse_tables(options.tables);
    if (!tables) return complain(tables.error());
    for (const std::string& kernel : options.kernels) {
      for (const std::string& problem : options.problems)
        items.push_back({kernel, problem, *tables, options.tables.mask, "", 0, {}});
    }
  }
  if (!options.config.empty()) {
    for (WorkloadProblem& item : items) item.configs = {options.config};
  }
  if (items.empty()) {
    return complain(Error{ErrorKind::usage, "nothing to verify",
                          "name a kernel with --problem k=v,…, or give --workload FILE"});
  }
  Result<OpenBackend> opened = open_backend(options.backend);
  if (!opened) return complain(opened.error());
  catch_interrupts();
  Json results = Json::array();
  std::int64_t failures = 0;
  Quiet observer;
  for (const WorkloadProblem& item : items) {
    Result<KernelDefinition> definition = find_kernel(kernels_folder(), item.kernel);
    if (!definition) return complain(definition.error());
    Result<Problem> problem = masked_problem(*definition, item.problem, item.tables, item.mask);
    if (!problem) return complain(problem.error());
    Result<std::vector<Config>> only = parse_configs(*definition, item.configs);
    if (!only) return complain(only.error());
    say(definition->name() + " " + to_string(*problem));
    TuneOptions tune_options;
    tune_options.strategy.name = item.strategy.empty() ? options.strategy : item.strategy;
    tune_options.strategy.budget = options.budget > 0 ? options.budget : item.budget;
    tune_options.strategy.batch = 16;
    tune_options.strategy.seed = options.seed;
    TuneRequest request{*definition,  *problem, opened->profile, kernels_folder(),
                        tune_options, *only,    stop_requested};
    Result<VerifyResult> result = verify_all(request, *opened->backend, observer);
    if (!result) return complain(result.error());
    failures += static_cast<std::int64_t>(result->failures.size());
    Json failed = Json::array();
    for (const auto& [config, reason] : result->failures) {
      failed.push_back(Json{{"config", text_to_json(config)}, {"reason", reason}});
      if (!options.json)
        fmt::print("FAILED {} {} {}: {}\n", definition->name(), to_string(*problem), config, reason);
    }
    if (!options.json) {
      fmt::print("{} {}: {} passed, {} failed, {} rejected\n", definition->name(), to_string(*problem),
                 result->passed, result->failures.size(), result->rejected);
    }
    results.push_back(Json{{"kernel", definition->name()},
                           {"problem", to_json(*problem)},
                           {"passed", result->passed},
                           {"failed", failed},
                           {"rejected", result->rejected}});
  }
  if (options.json) fmt::print("{}\n", results.dump(2));
  return failures ? kVerificationFailed : kOk;
}

}  // namespace

void register_verify(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("verify", "Check the result of every candidate on this GPU against the reference");
  command->add_option("kernel", options->kernels,
                      "Shipped kernels or paths to kernel.yaml; with --workload a filter");
  command->add_option("--problem", options->problems,
                      "Problem parameters, k=v,k=v; may be given several times");
  command->add_option("--config", options->config, "Only this configuration, k=v,k=v");
  command->add_option("--workload", options->workload, "YAML file with problems");
  add_table_options(*command, options->tables);
  command->add_option("--budget", options->budget,
                      "Candidates per problem at most (default: what the workload says, or all)");
  command
      ->add_option("--strategy", options->strategy, "Which of them: exhaustive (fastest predicted) or random")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of random")->capture_default_str();
  add_backend_options(*command, options->backend);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
