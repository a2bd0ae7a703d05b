// weir predict: rank a kernel's tilings by predicted time and traffic, without a GPU.
#include <fmt/format.h>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "masks/problem_mask.h"
#include "tuner/calibration_file.h"
#include "tuner/space.h"

namespace weir::cli {
namespace {

struct Options {
  std::string kernel, gpu, problem, config, fidelity = "cache";
  TableOptions tables;
  std::size_t top = 20;
  unsigned threads = 0;
  std::uint64_t seed = 1;
  bool all_rejected = false, walk_all = false, warm = false, no_calibration = false, json = false,
       dry_run = false;
};

// A space of many tunables rejects hundreds of thousands for a few hundred reasons.
constexpr std::size_t kListedRejections = 10'000;
constexpr std::size_t kListedPerReason = 10;

std::vector<RejectedConfig> listed(const std::vector<RejectedConfig>& rejected, bool all) {
  return all || rejected.size() <= kListedRejections ? rejected
                                                     : sample_rejections(rejected, kListedPerReason);
}

Fidelity fidelity_of(const std::string& name) {
  if (name == "bounds") return Fidelity::bounds;
  if (name == "fast") return Fidelity::fast;
  return name == "line" ? Fidelity::line : Fidelity::cache;
}

std::int64_t least_capability(const KernelDefinition& definition) {
  std::int64_t least = definition.variants().front().min_compute_capability;
  for (const VariantInfo& variant : definition.variants())
    least = std::min(least, variant.min_compute_capability);
  return least;
}

bool can_run(const KernelDefinition& definition, const DeviceProfile& profile) {
  return profile.compute_capability >= least_capability(definition);
}

// Traffic does not depend on the instructions: a GPU that is too old for every variant is predicted as if it
// had those of the oldest.
DeviceLimits limits_to_predict(const KernelDefinition& definition, const DeviceProfile& profile) {
  DeviceLimits limits = limits_of(profile);
  limits.compute_capability = std::max(limits.compute_capability, least_capability(definition));
  return limits;
}

std::string ratio(double value) {
  return value > 0 ? fmt::format("{:.2f}", value) : "-";
}

void print_table(const KernelDefinition& definition, const Problem& problem, const DeviceProfile& profile,
                 const Space& space, std::size_t top) {
  fmt::print("{} on {}, {}\n", definition.name(), profile.title, to_string(problem));
  if (const std::string note = calibration_note(uncalibrated(profile)); !note.empty())
    fmt::print("{}: {}\n", profile.name, note);
  if (!can_run(definition, profile)) {
    const std::int64_t needed = least_capability(definition), has = profile.compute_capability;
    fmt::print("{} cannot run there: it needs compute capability {}.{}, the GPU has {}.{}\n",
               definition.name(), needed / 10, needed % 10, has / 10, has % 10);
  }
  if (space.ranked.empty()) {
    fmt::print("no legal candidate\n");
  } else {
    const Bounds& b = space.ranked.front().prediction.bounds;
    fmt::print("compulsory {}", megabytes(b.compulsory_bytes));
    if (b.lower_bound_bytes > 0)
      fmt::print(", lower bound {} ({})", megabytes(b.lower_bound_bytes), b.lower_bound_source);
    fmt::print("\n\n{:>10} {:>12} {:>12} {:>12} {:>7} {:>10} {:>10} {:<11} {:<16} config\n", "time",
               "DRAM read", "DRAM write", "L2 read", "L2 hit", "DRAM/comp", "SRAM/bound", "regime",
               "bound by");
    for (std::size_t i = 0; i < space.ranked.size() && i < top; ++i) {
      const RankedConfig& r = space.ranked[i];
      const Prediction& p = r.prediction;
      fmt::print("{:>10} {:>12} {:>12} {:>12} {:>6.1f}% {:>10} {:>10} {:<11} {:<16} {}{}\n",
                 microseconds(p.time_seconds), megabytes(p.traffic.dram_read_bytes),
                 megabytes(p.traffic.dram_write_bytes), megabytes(p.traffic.l2_read_bytes),
                 100 * p.l2_hit_rate, ratio(dram_over_compulsory(p)), ratio(sram_over_lower_bound(p.bounds)),
                 to_string(p.regime), to_string(p.bound_by), to_string(r.config),
                 r.is_default ? "  (default)" : "");
    }
    if (space.ranked.size() > top) fmt::print("… {} more (--top)\n", space.ranked.size() - top);
  }
  std::map<std::string, std::size_t> reasons;
  for (const RejectedConfig& r : space.rejected) ++reasons[r.reason.substr(0, r.reason.find(':'))];
  if (!reasons.empty()) fmt::print("\n{} rejected\n", space.rejected.size());
  for (const auto& [reason, count] : reasons) fmt::print("{:>7}  {}\n", count, reason);
}

int run(const Options& options) {
  Result<KernelDefinition> definition = find_kernel(kernels_folder(), options.kernel);
  if (!definition) return complain(definition.error());
  Result<DeviceProfile> profile = find_profile(profiles_folder(), options.gpu);
  if (!profile) return complain(profile.error());
  auto tables = parse_tables(options.tables);
  if (!tables) return complain(tables.error());
  Result<Problem> problem = masked_problem(*definition, options.problem, *tables, options.tables.mask);
  if (!problem) return complain(problem.error());

  ExploreOptions explore_options;
  if (!options.no_calibration) {
    Result<FoundCalibration> found = find_calibration(calibrations_folder(), *profile);
    if (!found) return complain(found.error());
    if (!found->note.empty()) say("note: " + found->note);
    explore_options.calibration = std::move(found->calibration);
  }
  explore_options.threads = options.threads;
  explore_options.predict.seed = options.seed;
  explore_options.predict.cold_l2 = !options.warm;
  explore_options.predict.fidelity = fidelity_of(options.fidelity);
  explore_options.contenders = options.walk_all ? 0 : options.top;
  explore_options.stop = stop_requested;
  ProgressLine progress("predicting");
  explore_options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  if (!options.config.empty()) {
    Result<Config> config = definition->config(options.config);
    if (!config) return complain(config.error());
    explore_options.only = {*config};
  }
  if (options.dry_run) {
    const std::size_t count = options.config.empty()
                                  ? definition->enumerate(limits_to_predict(*definition, *profile)).size()
                                  : explore_options.only.size();
    fmt::print("would predict {} configurations of {} for {} on {}\n", count, definition->name(),
               to_string(*problem), profile->name);
    return kOk;
  }
  Result<Space> space =
      explore(*definition, *problem, *profile, limits_to_predict(*definition, *profile), explore_options);
  progress.finish();
  if (!space) return complain(space.error());

  if (options.json) {
    Json candidates = Json::array(), rejected = Json::array();
    for (const RankedConfig& r : space->ranked) candidates.push_back(to_json(r));
    for (const RejectedConfig& r : listed(space->rejected, options.all_rejected))
      rejected.push_back(to_json(r));
    const Bounds bounds = space->ranked.empty() ? Bounds{} : space->ranked.front().prediction.bounds;
    const Json out{{"kernel", definition->name()},
                   {"gpu", profile->name},
                   {"calibrated", is_calibrated(uncalibrated(*profile))},
                   {"calibration_note", calibration_note(uncalibrated(*profile))},
                   {"can_run", can_run(*definition, *profile)},
                   {"time_calibrated", explore_options.calibration.has_value()},
                   {"problem", to_json(*problem)},
                   {"bounds", to_json(bounds)},
                   {"candidates", candidates},
                   {"rejected_count", space->rejected.size()},
                   {"rejected", rejected}};
    fmt::print("{}\n", out.dump(2));
  } else {
    print_table(*definition, *problem, *profile, *space, options.top);
  }
  if (!options.config.empty() && space->ranked.empty()) {
    return complain(
        Error{ErrorKind::rejected, "this configuration is rejected: " + space->rejected.front().reason, ""});
  }
  return kOk;
}

}  // namespace

void register_predict(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("predict", "Rank a kernel's tilings by predicted traffic and time; needs no GPU");
  command->add_option("kernel", options->kernel, "A shipped kernel or a path to a kernel.yaml")->required();
  command->add_option("--gpu", options->gpu, "Device profile: a name from profiles/gpus or a path")
      ->required();
  command->add_option("--problem", options->problem, "Problem parameters, k=v,k=v");
  command->add_option("--config", options->config, "Evaluate only this configuration, k=v,k=v");
  add_table_options(*command, options->tables);
  command->add_option("--top", options->top, "Lines to print")->capture_default_str();
  command->add_option("--fidelity", options->fidelity, "How to count")
      ->check(CLI::IsMember({"bounds", "fast", "cache", "line"}))
      ->capture_default_str();
  command->add_flag("--walk-all", options->walk_all,
                    "Walk every candidate; without it, those that cannot be among the first --top have the "
                    "fast mode's figures");
  command->add_option("--threads", options->threads, "Threads (default: all cores)");
  command->add_option("--seed", options->seed, "Seed of the jitter between blocks")->capture_default_str();
  command->add_flag(
      "--all-rejected", options->all_rejected,
      "In JSON, list every rejected configuration; without it, of more than 10000 the first ten "
      "of each reason");
  command->add_flag("--warm", options->warm, "Predict for an L2 that the tensors went through before");
  command->add_flag("--no-calibration", options->no_calibration,
                    "Times as the model says, without profiles/calibrations");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--dry-run", options->dry_run, "Say what would be predicted");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
