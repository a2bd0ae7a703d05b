#include "tuner/space.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace weir {
namespace {

struct Evaluated {
  std::optional<Prediction> prediction;
  std::string rejection;
};

bool faster(const RankedConfig& a, const RankedConfig& b) {
  if (a.prediction.time_seconds != b.prediction.time_seconds) {
    return a.prediction.time_seconds < b.prediction.time_seconds;
  }
  const auto dram = [](const RankedConfig& r) {
    return r.prediction.traffic.dram_read_bytes + r.prediction.traffic.dram_write_bytes;
  };
  if (dram(a) != dram(b)) return dram(a) < dram(b);
  return to_string(a.config) < to_string(b.config);
}

}  // namespace

Result<Space> explore(const KernelDefinition& definition, const Problem& problem,
                      const DeviceProfile& profile, const DeviceLimits& limits,
                      const ExploreOptions& options) {
  const std::vector<Config> configs = options.only.empty() ? definition.enumerate(limits) : options.only;
  std::vector<Evaluated> evaluated(configs.size());
  std::atomic<std::size_t> next{0}, done{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::optional<Error> failure;

  const auto work = [&] {
    for (std::size_t i = next++; i < configs.size() && !stopped; i = next++) {
      Result<Candidate> candidate = definition.resolve(problem, configs[i], limits);
      std::optional<Error> error;
      if (candidate) {
        Result<Prediction> prediction = predict(profile, *candidate, options.predict);
        if (prediction) {
          evaluated[i].prediction =
              options.calibration ? apply(*options.calibration, definition.name(), std::move(*prediction))
                                  : std::move(*prediction);
        } else {
          error = prediction.error();
        }
      } else {
        error = candidate.error();
      }
      if (error && error->kind == ErrorKind::rejected) {
        evaluated[i].rejection = error->message;
        error.reset();
      }
      const std::size_t finished = ++done;
      const bool stop = options.stop && options.stop();
      if (!error && !stop && !options.progress) continue;
      const std::lock_guard lock(mutex);
      if (error && !failure) failure = error;
      if (stop && !failure) failure = Error{ErrorKind::interrupted, "stopped while predicting", ""};
      if (failure) stopped = true;
      if (options.progress) options.progress(finished, configs.size());
    }
  };
  const unsigned wanted =
      options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < std::min<std::size_t>(wanted, configs.size()); ++t) pool.emplace_back(work);
    work();
  }
  if (failure) return *failure;

  const Result<Config> default_config = definition.default_config(problem, limits);
  Space space;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    if (evaluated[i].prediction) {
      space.ranked.push_back({configs[i], std::move(*evaluated[i].prediction),
                              default_config.ok() && *default_config == configs[i]});
    } else {
      space.rejected.push_back({configs[i], std::move(evaluated[i].rejection)});
    }
  }
  std::sort(space.ranked.begin(), space.ranked.end(), faster);
  return space;
}

std::vector<RejectedConfig> sample_rejections(const std::vector<RejectedConfig>& rejected,
                                              std::size_t per_reason) {
  std::map<std::string, std::size_t> counts;
  for (const RejectedConfig& each : rejected) ++counts[each.reason];
  std::map<std::string, std::size_t> taken;
  std::vector<RejectedConfig> sample;
  for (const RejectedConfig& each : rejected) {
    const std::size_t number = ++taken[each.reason];
    if (number > per_reason) continue;
    sample.push_back(each);
    const std::size_t more = counts.at(each.reason) - number;
    if (number == per_reason && more > 0)
      sample.back().reason += " (and " + std::to_string(more) + " configurations more)";
  }
  return sample;
}

}  // namespace weir
