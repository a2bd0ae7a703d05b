#include "tuner/build_batch.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace weir {
namespace {

BuiltCandidate build_one(const KernelDefinition& definition, const Problem& problem, const Config& config,
                         Backend& backend) {
  BuiltCandidate built;
  Result<Candidate> candidate = definition.resolve(problem, config, backend.facts().limits);
  if (!candidate) {
    built.error = candidate.error();
    return built;
  }
  Result<Executable> executable = backend.build(*candidate);
  if (executable) {
    built.executable = std::move(executable).value();
  } else {
    built.error = executable.error();
  }
  built.candidate = std::move(candidate).value();
  return built;
}

}  // namespace

std::vector<BuiltCandidate> build_batch(const KernelDefinition& definition, const Problem& problem,
                                        const std::vector<Config>& configs, Backend& backend,
                                        unsigned threads, const std::function<bool()>& stop) {
  std::vector<BuiltCandidate> built(configs.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < configs.size(); i = next++) {
      if (stop && stop()) {
        built[i].error = Error{ErrorKind::interrupted, "stopped while compiling", ""};
      } else {
        built[i] = build_one(definition, problem, configs[i], backend);
      }
    }
  };
  const std::size_t wanted = threads ? threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::jthread> pool;
  for (std::size_t t = 1; t < std::min(wanted, configs.size()); ++t) pool.emplace_back(work);
  work();
  pool.clear();  // joins
  return built;
}

}  // namespace weir
