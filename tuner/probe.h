// What `weir probe` measures, and the memory parameters that follow from it. The parameters are fitted to
// microbenchmarks alone, never to a sweep of real kernels.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/measurement.h"
#include "base/result.h"
#include "kernels/candidate.h"
#include "profiles/device_profile.h"

namespace weir {

struct ProbeProblem {
  std::string kernel;   // memory_probe or stream_copy, with its safe default configuration
  std::string problem;  // "pattern=private_reads,bytes=…,passes=4"

  bool operator==(const ProbeProblem&) const = default;
};

// Re-reads of private and of shared data and writes at sizes around the L2's, strided reads, re-reads of data
// that fits, and one large copy.
std::vector<ProbeProblem> probe_plan(const DeviceProfile& profile);

struct ProbeSample {
  Candidate candidate;
  Counters counters;
  double seconds = 0;  // median of its time with a cold L2
};

// A profile value that the probe decides.
struct ProbedValue {
  std::string key;  // as in a profile's YAML
  double before = 0;
  double value = 0;
  std::string unit;      // as in a profile's YAML; empty for plain numbers
  double unit_size = 1;  // of `unit`, in SI base units
  std::string evidence;  // of which measurements, in a few words
};

// How a fitted pattern is met: root mean square and largest deviation of the predicted DRAM bytes, as a share
// of the bytes that the kernel asks for.
struct ProbeResidual {
  std::string pattern;
  std::int64_t samples = 0;
  double before = 0, after = 0, worst_after = 0;
};

struct ProbeFit {
  DeviceProfile profile;  // the base with the new values; its sources are still the base's
  std::vector<ProbedValue> values;
  std::vector<ProbeResidual> residuals;
};

// Fits l2_private_weight, l2_shared_weight and l2_survival_width to the re-reads and l2_dirty_fraction to the
// writes, through predict() (Levenberg-Marquardt); dram_read_granule_bytes, dram_efficiency and l2_bandwidth
// are read off. What the samples say nothing about keeps its value. Errors: missing (nothing to fit to);
// usage (a sample that cannot be predicted); interrupted (`stop` returned true).
Result<ProbeFit> fit_probe(const DeviceProfile& base, std::span<const ProbeSample> samples,
                           const std::function<bool()>& stop = {});

}  // namespace weir
