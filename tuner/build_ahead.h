// Compiles the candidates that are probably next while the GPU measures the ones before them.
#pragma once

#include <functional>
#include <future>
#include <vector>

#include "tuner/build_batch.h"

namespace weir {

class BuildAhead {
 public:
  // All references must outlive this. threads 0: one for each core.
  BuildAhead(const KernelDefinition& definition, const Problem& problem, Backend& backend, unsigned threads,
             std::function<bool()> stop);

  // Begins to compile these in the background, on two cores fewer than build(): the GPU's process needs its
  // own, and a late launch would show in the times. A guess costs nothing but the cores' time.
  void start(std::vector<Config> configs);

  // One result for each configuration, in their order; waits for what was started.
  std::vector<BuiltCandidate> build(const std::vector<Config>& configs);

 private:
  const KernelDefinition& definition_;
  const Problem& problem_;
  Backend& backend_;
  unsigned threads_;
  std::function<bool()> stop_;
  std::vector<Config> ahead_;
  std::future<std::vector<BuiltCandidate>> pending_;  // of ahead_; its destructor waits
};

}  // namespace weir
