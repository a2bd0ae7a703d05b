// One row of a store: a candidate, what was predicted, and what was measured.
#pragma once

#include <optional>
#include <string>

#include "base/measurement.h"
#include "base/prediction.h"

namespace weir {

// What happened to a candidate. Rejected ones never ran; failed ones were tried.
enum class Outcome { predicted, measured, rejected, failed };
const char* to_string(Outcome outcome);

struct Record {
  std::string kernel;
  std::string source_hash;  // KernelDefinition::source_hash
  std::string problem;      // to_string(Problem)
  std::string config;       // to_string(Config)
  Outcome outcome = Outcome::predicted;
  std::string reason;       // of a rejection or failure; empty otherwise
  bool is_default = false;  // the kernel's safe default for this device
  std::string profile;      // the device profile that the prediction used
  std::optional<Prediction> prediction;
  std::optional<Measurement>
      measurement;  // provenance is set whenever a device was involved, for failures too

  bool operator==(const Record&) const = default;
};

}  // namespace weir
