#include "tuner/build_ahead.h"

#include <algorithm>
#include <thread>

namespace weir {

BuildAhead::BuildAhead(const KernelDefinition& definition, const Problem& problem, Backend& backend,
                       unsigned threads, std::function<bool()> stop)
    : definition_(definition),
      problem_(problem),
      backend_(backend),
      threads_(threads),
      stop_(std::move(stop)) {}

void BuildAhead::start(std::vector<Config> configs) {
  if (pending_.valid()) pending_.wait();
  ahead_ = std::move(configs);
  const unsigned cores = threads_ ? threads_ : std::max(1u, std::thread::hardware_concurrency());
  const unsigned threads = std::max(3u, cores) - 2;
  pending_ = std::async(std::launch::async, [this, threads] {
    return build_batch(definition_, problem_, ahead_, backend_, threads, stop_);
  });
}

std::vector<BuiltCandidate> BuildAhead::build(const std::vector<Config>& configs) {
  std::vector<BuiltCandidate> ahead;
  if (pending_.valid()) ahead = pending_.get();
  std::vector<BuiltCandidate> built(configs.size());
  std::vector<Config> rest;
  std::vector<std::size_t> rest_places;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const auto found = std::ranges::find(ahead_, configs[i]);
    const auto place = static_cast<std::size_t>(found - ahead_.begin());
    const bool usable =
        place < ahead.size() && !(ahead[place].error && ahead[place].error->kind == ErrorKind::interrupted);
    if (usable) {
      built[i] = std::move(ahead[place]);
    } else {
      rest.push_back(configs[i]);
      rest_places.push_back(i);
    }
  }
  ahead_.clear();
  std::vector<BuiltCandidate> more = build_batch(definition_, problem_, rest, backend_, threads_);
  for (std::size_t i = 0; i < more.size(); ++i) built[rest_places[i]] = std::move(more[i]);
  return built;
}

}  // namespace weir
