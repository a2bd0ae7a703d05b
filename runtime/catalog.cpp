#include "runtime/catalog.h"

#include <algorithm>
#include <exception>

namespace weir {
namespace {

bool same_model(const StoredPick& pick, const StoredDevice& device) {
  return pick.gpu_name == device.gpu_name && pick.compute_capability == device.limits.compute_capability &&
         pick.sm_count == device.limits.sm_count && pick.l2_bytes == device.limits.l2_bytes;
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
      if (pick.kernel != stored.kernel || pick.source_hash != stored.source_hash || !same_model(pick, device))
        continue;
      kernel.tuned_here = true;
      kernel.picks.emplace(pick.problem, pick);
    }
    catalog.kernels_[stored.kernel].push_back(std::move(kernel));
  }
  for (auto& [name, kernels] : catalog.kernels_) {
    std::stable_sort(kernels.begin(), kernels.end(),
                     [](const Kernel& a, const Kernel& b) { return a.tuned_here > b.tuned_here; });
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
  std::string why_not_exact = "This problem was not tuned on " + device_.gpu_name;
  std::string why_not_default;
  for (const Kernel& candidate_kernel : found->second) {
    Result<Problem> problem = candidate_kernel.definition.problem(problem_text, tables);
    if (!problem) {
      why_not_default = problem.error().message;
      continue;
    }
    Pick pick{.kernel = kernel, .problem = to_string(*problem)};
    miss.problem = pick.problem;
    const auto take = [&](const Config& config, std::pair<Candidate, Cubin> fitted) {
      pick.config = to_string(config);
      pick.candidate = std::move(fitted.first);
      pick.cubin = std::move(fitted.second);
      return pick;
    };

    if (const auto tuned = candidate_kernel.picks.find(pick.problem); tuned != candidate_kernel.picks.end()) {
      // The best of the tie set that fits: the others are as fast within the noise.
      for (const std::string& text : tuned->second.configs) {
        Result<Config> config = candidate_kernel.definition.config(text, false);
        Result<std::pair<Candidate, Cubin>> fitted =
            config ? fit(candidate_kernel, *problem, *config)
                   : Result<std::pair<Candidate, Cubin>>(config.error());
        if (!fitted) {
          why_not_exact = "The tuned configuration " + text + " does not fit: " + fitted.error().message;
          continue;
        }
        pick.match = Match::exact;
        pick.median_seconds = tuned->second.median_seconds;
        pick.predicted_dram_bytes = tuned->second.predicted_dram_bytes;
        pick.uncalibrated = tuned->second.uncalibrated;
        pick.reason = "Measured and verified on " + device_.gpu_name + " for this problem.";
        return take(*config, std::move(*fitted));
      }
    }

    Result<Config> config = candidate_kernel.definition.default_config(*problem, device_.limits);
    Result<std::pair<Candidate, Cubin>> fitted = config ? fit(candidate_kernel, *problem, *config)
                                                        : Result<std::pair<Candidate, Cubin>>(config.error());
    if (fitted) {
      pick.match = Match::safe_default;
      pick.reason = why_not_exact + "; this is the kernel's safe default, verified on other problems.";
      return take(*config, std::move(*fitted));
    }
    why_not_default = "the safe default does not fit: " + fitted.error().message;
  }
  miss.reason = why_not_exact + "; " + why_not_default + ".";
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
