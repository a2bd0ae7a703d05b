#include "runtime/catalog.h"

#include <algorithm>
#include <cstdio>
#include <exception>

#include "runtime/neighbours.h"

namespace weir {
namespace {

bool same_model(const StoredPick& pick, const StoredDevice& device) {
  return pick.gpu_name == device.gpu_name && pick.compute_capability == device.limits.compute_capability &&
         pick.sm_count == device.limits.sm_count && pick.l2_bytes == device.limits.l2_bytes;
}

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// The definition says what it asks of shared memory and registers by restrictions; this is what holds for
// every launch.
std::optional<std::string> exceeds(const Candidate& candidate, const DeviceLimits& device) {
  for (const Launch& launch : candidate.launches) {
    const std::int64_t threads = launch.threads[0] * launch.threads[1] * launch.threads[2];
    if (launch.shared_bytes > device.shared_bytes_per_block) {
      return launch.name + " needs " + std::to_string(launch.shared_bytes) +
             " bytes of shared memory, the device has " + std::to_string(device.shared_bytes_per_block);
    }
    if (threads < 1 || threads > std::min<std::int64_t>(1024, device.max_threads_per_sm)) {
      return launch.name + " needs blocks of " + std::to_string(threads) + " threads";
    }
    for (int i = 0; i < 3; ++i) {
      constexpr std::int64_t kLargest[3] = {2147483647, 65535, 65535};
      if (launch.grid[i] < 1 || launch.grid[i] > kLargest[i]) {
        return launch.name + " needs a grid of " + std::to_string(launch.grid[i]) + " blocks in dimension " +
               std::to_string(i);
      }
    }
    if (launch.entry.empty()) return launch.name + " can be predicted, not launched";
  }
  return std::nullopt;
}

}  // namespace

const char* to_string(Match match) {
  switch (match) {
    case Match::exact:
      return "exact";
    case Match::near_problem:
      return "near_problem";
    case Match::near_device:
      return "near_device";
    case Match::safe_default:
      return "default";
    case Match::none:
      return "none";
  }
  return "unknown";
}

Result<Catalog> Catalog::open(const std::filesystem::path& ship_file, const StoredDevice& device) {
  Result<Store> store = Store::open(ship_file, Store::Mode::read_only);
  if (!store) return store.error();
  if (!store->published()) {
    return Error{ErrorKind::usage, ship_file.string() + ": a work file, not a published one",
                 "publish it with: weir ship --db " + ship_file.string() + " --out FILE"};
  }
  Result<std::vector<StoredDefinition>> definitions = store->definitions();
  if (!definitions) return definitions.error();
  Result<std::vector<StoredPick>> picks = store->picks();
  if (!picks) return picks.error();
  Result<std::vector<StoredModule>> modules = store->modules(device.limits.compute_capability);
  if (!modules) return modules.error();

  Catalog catalog;
  catalog.device_ = device;
  catalog.file_ = ship_file;
  for (const StoredDefinition& stored : *definitions) {
    Result<KernelDefinition> definition =
        KernelDefinition::parse(stored.yaml, std::filesystem::path(stored.kernel) / "kernel.yaml");
    if (!definition) {
      catalog.broken_[stored.kernel] = definition.error().message;
      continue;
    }
    Kernel kernel{.source_hash = stored.source_hash, .definition = std::move(*definition)};
    for (const StoredPick& pick : *picks) {
      if (pick.kernel != stored.kernel || pick.source_hash != stored.source_hash) continue;
      if (same_model(pick, device)) {
        kernel.here.push_back(pick);
      } else if (pick.compute_capability == device.limits.compute_capability) {
        kernel.elsewhere.push_back(pick);
      }
    }
    catalog.kernels_[stored.kernel].push_back(std::move(kernel));
  }
  for (auto& [name, kernels] : catalog.kernels_) {
    std::stable_sort(kernels.begin(), kernels.end(),
                     [](const Kernel& a, const Kernel& b) { return a.here.empty() < b.here.empty(); });
  }
  for (StoredModule& module : *modules) {
    catalog.modules_.emplace(std::pair(module.source_hash, module.header_hash),
                             std::make_shared<const std::vector<std::uint8_t>>(std::move(module.cubin)));
  }
  return catalog;
}

std::vector<std::string> Catalog::kernels() const {
  std::vector<std::string> names;
  for (const auto& [name, kernels] : kernels_) names.push_back(name);
  return names;
}

Result<std::pair<Candidate, Catalog::Cubin>> Catalog::fit(const Kernel& kernel, const Problem& problem,
                                                          const Config& config) const {
  Result<Candidate> candidate = kernel.definition.resolve(problem, config, device_.limits);
  if (!candidate) return candidate.error();
  if (const std::optional<std::string> reason = exceeds(*candidate, device_.limits)) {
    return Error{ErrorKind::rejected, *reason, ""};
  }
  const auto module = modules_.find({kernel.source_hash, header_hash(candidate->config_header)});
  if (module == modules_.end()) {
    return Error{
        ErrorKind::missing,
        "the file has no compiled module for " + to_string(config) + " with these compile-time parameters",
        ""};
  }
  return std::pair(std::move(*candidate), module->second);
}

bool Catalog::take_tuned(const Kernel& kernel, const Problem& problem, const StoredPick& tuned, Pick& pick,
                         std::string& why_not) const {
  for (const std::string& text : tuned.configs) {
    Result<Config> config = kernel.definition.config(text, false);
    Result<std::pair<Candidate, Cubin>> fitted =
        config ? fit(kernel, problem, *config) : Result<std::pair<Candidate, Cubin>>(config.error());
    if (!fitted) {
      why_not = "The tuned configuration " + text + " does not fit: " + fitted.error().message;
      continue;
    }
    pick.config = to_string(*config);
    pick.candidate = std::move(fitted->first);
    pick.cubin = std::move(fitted->second);
    return true;
  }
  return false;
}

bool Catalog::choose_from(const Kernel& kernel, const Problem& problem, Pick& pick) const {
  std::string why_not = "This problem was not tuned on " + device_.gpu_name;
  for (const StoredPick& tuned : kernel.here) {
    if (tuned.problem != pick.problem || !take_tuned(kernel, problem, tuned, pick, why_not)) continue;
    pick.match = Match::exact;
    pick.median_seconds = tuned.median_seconds;
    pick.predicted_dram_bytes = tuned.predicted_dram_bytes;
    pick.uncalibrated = tuned.uncalibrated;
    pick.reason = "Measured and verified on " + device_.gpu_name + " for this problem.";
    return true;
  }
  for (const bool here : {true, false}) {
    std::string ignored;  // why a neighbour does not fit says nothing about what was asked for
    for (const Neighbour& near :
         neighbours(kernel.definition, problem, here ? kernel.here : kernel.elsewhere)) {
      if (near.pick->problem == pick.problem && here) continue;  // tried above
      if (!take_tuned(kernel, problem, *near.pick, pick, ignored)) continue;
      pick.match = here ? Match::near_problem : Match::near_device;
      pick.reason = why_not + "; measured and verified on " + near.pick->gpu_name + " for " +
                    (near.pick->problem == pick.problem
                         ? "it."
                         : near.pick->problem + ", " + decimal(near.doublings) + " doublings away.");
      return true;
    }
  }
  Result<Config> config = kernel.definition.default_config(problem, device_.limits);
  Result<std::pair<Candidate, Cubin>> fitted =
      config ? fit(kernel, problem, *config) : Result<std::pair<Candidate, Cubin>>(config.error());
  if (!fitted) {
    pick.reason = why_not + "; the safe default does not fit: " + fitted.error().message;
    return false;
  }
  pick.match = Match::safe_default;
  pick.reason = why_not + "; this is the kernel's safe default, verified on other problems.";
  pick.config = to_string(*config);
  pick.candidate = std::move(fitted->first);
  pick.cubin = std::move(fitted->second);
  return true;
}

Pick Catalog::choose_for(const std::string& kernel, const std::string& problem_text,
                         const std::map<std::string, std::vector<std::int64_t>>& tables) const {
  Pick miss{.kernel = kernel, .problem = problem_text};
  const auto found = kernels_.find(kernel);
  if (found == kernels_.end()) {
    const auto broken = broken_.find(kernel);
    miss.reason = broken == broken_.end()
                      ? file_.string() + " has no kernel '" + kernel + "'."
                      : "The definition of " + kernel + " cannot be read: " + broken->second;
    return miss;
  }
  std::string why_not;
  for (const Kernel& candidate_kernel : found->second) {
    Result<Problem> problem = candidate_kernel.definition.problem(problem_text, tables);
    if (!problem) {
      why_not = problem.error().message;
      continue;
    }
    Pick pick{.kernel = kernel, .problem = to_string(*problem)};
    if (choose_from(candidate_kernel, *problem, pick)) return pick;
    miss.problem = pick.problem;
    why_not = pick.reason;
  }
  miss.reason = why_not + ".";
  return miss;
}

Pick Catalog::pick(const std::string& kernel, const std::string& problem,
                   const std::map<std::string, std::vector<std::int64_t>>& tables) const {
  try {
    return choose_for(kernel, problem, tables);
  } catch (const std::exception& exception) {
    return {.reason = std::string("Resolving the kernel failed: ") + exception.what(),
            .kernel = kernel,
            .problem = problem};
  }
}

Result<StoredDevice> only_device(const std::filesystem::path& ship_file) {
  Result<Store> store = Store::open(ship_file, Store::Mode::read_only);
  if (!store) return store.error();
  Result<std::vector<StoredDevice>> devices = store->devices();
  if (!devices) return devices.error();
  if (devices->size() == 1) return devices->front();
  std::string names;
  for (const StoredDevice& device : *devices) names += (names.empty() ? "" : ", ") + device.gpu_name;
  if (devices->empty()) {
    return Error{ErrorKind::missing, ship_file.string() + ": it does not say what GPU it was made on",
                 "name one with --gpu"};
  }
  return Error{ErrorKind::usage, ship_file.string() + ": it was made on several GPU models: " + names,
               "name one with --gpu"};
}

}  // namespace weir
