// predict(profile, candidate, options) -> Prediction. Pure: no CUDA, no clock, no I/O, no global state; safe
// to call from many threads at once. docs/model.md has the equations.
#pragma once

#include <cstdint>

#include "base/prediction.h"
#include "base/result.h"
#include "kernels/candidate.h"
#include "profiles/device_profile.h"

namespace weir {

enum class Fidelity {
  bounds,  // what is touched and asked for; no cache
  cache,   // the walk through the cell model of the L2
  fast,    // some waves, as whole streams, through the cell model
  line,    // the same walk, its accesses through an L2 of lines and sectors: slow, for checking `cache`
};

struct PredictOptions {
  Fidelity fidelity = Fidelity::cache;
  bool cold_l2 = true;  // false: the tensors were touched once before, in order
  std::int64_t registers_per_thread =
      0;                   // the compiler's figure, the largest of the launches; replaces the estimate
  std::uint64_t seed = 1;  // of the jitter between blocks; the result is a pure function of it
};

// Errors: usage (a block program that divides by zero or leaves a table), rejected (a block does not fit on
// an SM).
Result<Prediction> predict(const DeviceProfile& profile, const Candidate& candidate,
                           const PredictOptions& options = {});

// What definitions may know of the device.
DeviceLimits limits_of(const DeviceProfile& profile);

}  // namespace weir
