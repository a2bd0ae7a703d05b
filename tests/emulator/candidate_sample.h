// Which configurations of a kernel a test runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/definition.h"

namespace weir::emulator::test {

// Every legal candidate of the problem.
inline std::vector<Candidate> legal_candidates(const KernelDefinition& definition, const Problem& problem,
                                               const DeviceLimits& device) {
  std::vector<Candidate> legal;
  const Result<std::vector<Config>> configs = definition.enumerate(problem, device);
  if (!configs) throw std::runtime_error(to_string(configs.error()));
  for (const Config& config : *configs) {
    Result<Candidate> candidate = definition.resolve(problem, config, device);
    if (candidate) legal.push_back(std::move(*candidate));
  }
  return legal;
}

// Few of them, in which every value of every tunable occurs that occurs in any, for each variant. `first` is
// where the search begins, so that different problems get different samples.
inline std::vector<Candidate> covering_sample(const std::vector<Candidate>& legal, std::size_t first) {
  using Value = std::pair<std::string, std::int64_t>;
  const auto values_of = [](const Candidate& candidate) {
    std::vector<Value> values{{candidate.config.variant, 0}};
    for (const NamedValue& value : candidate.config.values)
      values.emplace_back(candidate.config.variant + "." + value.name, value.value);
    return values;
  };
  std::vector<std::vector<Value>> values;
  for (const Candidate& candidate : legal) values.push_back(values_of(candidate));
  std::set<Value> covered;
  std::vector<Candidate> sample;
  for (;;) {
    std::size_t best = 0, most = 0;
    for (std::size_t i = 0; i < legal.size(); ++i) {
      const std::size_t at = (first + i) % legal.size();
      const auto fresh = static_cast<std::size_t>(
          std::ranges::count_if(values[at], [&](const Value& value) { return covered.count(value) == 0; }));
      if (fresh > most) most = fresh, best = at;
    }
    if (most == 0) return sample;
    covered.insert(values[best].begin(), values[best].end());
    sample.push_back(legal[best]);
  }
}

}  // namespace weir::emulator::test
