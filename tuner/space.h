// The candidates of one problem on one device: every configuration either predicted, in order of predicted
// time, or rejected with its reason.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/prediction.h"
#include "base/result.h"
#include "kernels/definition.h"
#include "profiles/device_profile.h"
#include "simulator/predict.h"
#include "tuner/calibration.h"

namespace weir {

struct RankedConfig {
  Config config;
  Prediction prediction;
  bool is_default = false;
};

struct RejectedConfig {
  Config config;
  std::string reason;
};

struct Space {
  std::vector<RankedConfig> ranked;  // fastest predicted first; ties: fewer predicted DRAM bytes, then text
  std::vector<RejectedConfig> rejected;  // in enumeration order
};

// The first `per_reason` configurations of each reason, in order; the last of them says in its reason how
// many more there are. A space of many tunables has tens of thousands, which a store has no use for.
std::vector<RejectedConfig> sample_rejections(const std::vector<RejectedConfig>& rejected,
                                              std::size_t per_reason);

struct ExploreOptions {
  PredictOptions predict;
  // At fidelity `cache`: walk only the candidates that the fast mode leaves a chance of being among so many
  // fastest, and take the fast mode's figures for the others (Prediction::fidelity says which). 0: walk all.
  std::size_t contenders = 0;
  std::optional<Calibration> calibration;  // applied to every prediction
  // Evaluate configurations in random order, the default first, until so many are legal. 0: evaluate all.
  std::size_t sample = 0;
  std::uint64_t seed = 1;    // of that order
  unsigned threads = 0;      // 0: all cores
  std::vector<Config> only;  // evaluate just these; empty: the whole space
  std::function<void(std::size_t done, std::size_t total)> progress;  // called from one thread at a time
  std::function<bool()> stop;  // polled; true ends the exploration with ErrorKind::interrupted
};

// Errors: usage, for a definition that breaks while it is evaluated; interrupted. A space without a legal
// candidate is not an error.
Result<Space> explore(const KernelDefinition& definition, const Problem& problem,
                      const DeviceProfile& profile, const DeviceLimits& limits,
                      const ExploreOptions& options);

}  // namespace weir
