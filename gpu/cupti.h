// Hardware counters: CUPTI's Profiler Host API, which plans metrics and needs no GPU, and its Range Profiler
// with user ranges and user replay, which reads them. CUPTI is opened at run time; a build without its
// headers says so instead.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/driver.h"

namespace weir {

// Metrics that share one pass: collected together, from the same run of a kernel.
using MetricSet = std::vector<std::string>;

struct MetricPlan {
  std::string chip;  // "GH100"
  std::vector<MetricSet> sets;
  std::map<std::string, std::string> refused;  // metric to reason

  bool operator==(const MetricPlan&) const = default;
};

// What Counters needs, on every chip.
const std::vector<std::string>& required_metrics();
// The required ones first, then those that explain them, by priority. One pass on GH100, whose SMs have no
// counter left beside these (achieved occupancy would need a second pass).
const std::vector<std::string>& default_metrics();

struct CuptiApi;

class Cupti {
 public:
  // Once per process; later calls return the same answer. Thread-safe. Needs no driver.
  static Result<const Cupti*> open();
  ~Cupti();

  std::string version() const;  // "CUPTI 13.0.1", from the API's number
  std::string file() const;
  std::vector<std::string> chips() const;

  // Passes that these metrics need together. The error names the first metric that the chip does not have.
  Result<std::int64_t> passes(const std::string& chip, const MetricSet& metrics) const;
  // Splits `wanted` into sets of one pass each: each metric, in the given order, joins the first set that
  // stays at one pass. A metric that the chip lacks, or that needs several passes alone, is refused.
  // `availability` is the device's counter availability image; without it, the plan is for a device with
  // every counter of its chip. Cached. Thread-safe.
  Result<MetricPlan> plan(const std::string& chip, const std::vector<std::string>& wanted,
                          const std::vector<std::uint8_t>& availability = {}) const;

  explicit Cupti(std::unique_ptr<CuptiApi> api);
  CuptiApi& api() const { return *api_; }

 private:
  std::unique_ptr<CuptiApi> api_;
};

// Reads counters on one context, from the thread that opened it. While any object of this class lives, the
// GPU's power management may be off: time kernels without one.
class RangeProfiler {
 public:
  // Climbs the ladder: supported device, known chip, permission. ErrorKind::counters_denied with the reason
  // and what to do if a rung is missing. Precondition: `context` is current.
  static Result<std::unique_ptr<RangeProfiler>> open(const PrimaryContext& context, int ordinal);
  ~RangeProfiler();

  const MetricPlan& plan() const;

  // Collects one set over each part of some work, after `before` brought the caches into the wanted state:
  // once, before the first part. Each part queues work and must leave the context idle; the first call for a
  // set runs all of them once more, before. Values by metric name, in the order of the parts. Precondition:
  // there is a part.
  using Values = std::map<std::string, double>;
  Result<std::vector<Values>> measure(const MetricSet& set, const std::function<Status()>& before,
                                      const std::vector<std::function<Status()>>& parts);

 private:
  struct Impl;
  explicit RangeProfiler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
