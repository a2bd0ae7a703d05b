// Compiles candidates of one problem in parallel.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "gpu/backend.h"
#include "kernels/definition.h"

namespace weir {

// Either executable or error is set. The candidate is missing where its configuration could not be resolved.
struct BuiltCandidate {
  std::optional<Candidate> candidate;
  std::optional<Executable> executable;
  std::optional<Error> error;
};

// One result for each configuration, in their order. threads 0: one for each core. Where `stop` became true,
// what was not begun has the error `interrupted`.
std::vector<BuiltCandidate> build_batch(const KernelDefinition& definition, const Problem& problem,
                                        const std::vector<Config>& configs, Backend& backend,
                                        unsigned threads, const std::function<bool()>& stop = {});

}  // namespace weir
