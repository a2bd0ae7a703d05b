#include "tuner/space.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
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

// The share by which the fast mode's times may be off either way, apart from what they all have in common. On
// the 688 mma_sync tilings of an 8192^3 GEMM nine in ten are 3% below to 10% above the walk's.
constexpr double kFastTimeUncertainty = 0.05;

// Predicts candidates side by side, each once or, the contenders of a fast round, twice.
class Explorer {
 public:
  Explorer(const KernelDefinition& definition, const Problem& problem, const DeviceProfile& profile,
           const DeviceLimits& limits, const ExploreOptions& options)
      : definition_(definition),
        problem_(problem),
        profile_(profile),
        limits_(limits),
        options_(options),
        configs_(options.only.empty() ? definition.enumerate(limits) : options.only),
        evaluated_(configs_.size()) {}

  Result<Space> explore_sample() {
    const std::vector<std::size_t> order = random_order();
    std::size_t legal = 0;
    for (std::size_t first = 0; first < order.size() && legal < options_.sample && !failure_;) {
      const std::size_t count = std::min(options_.sample - legal, order.size() - first);
      const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first);
      round({begin, begin + static_cast<std::ptrdiff_t>(count)}, options_.predict);
      first += count;
      legal = static_cast<std::size_t>(
          std::ranges::count_if(evaluated_, [](const Evaluated& e) { return e.prediction.has_value(); }));
    }
    if (failure_) return *failure_;
    return space();
  }

  Result<Space> explore() {
    std::vector<std::size_t> all(configs_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const bool two_rounds = options_.contenders > 0 && options_.predict.fidelity == Fidelity::cache &&
                            configs_.size() > options_.contenders;
    PredictOptions predict = options_.predict;
    if (two_rounds) predict.fidelity = Fidelity::fast;
    round(all, predict);
    if (two_rounds && !failure_) round(contenders(), options_.predict);
    if (failure_) return *failure_;
    return space();
  }

 private:
  // Fisher-Yates on mt19937_64's own output, so that a seed means the same order with every standard library.
  std::vector<std::size_t> random_order() const {
    std::vector<std::size_t> order(configs_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937_64 random(options_.seed);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    const Result<Config> first = definition_.default_config(problem_, limits_);
    if (first) std::ranges::stable_partition(order, [&](std::size_t i) { return configs_[i] == *first; });
    return order;
  }

  // Those whose time, taken as short as it may be, is below the longest that the first ones may take.
  std::vector<std::size_t> contenders() const {
    std::vector<double> times;
    for (const Evaluated& e : evaluated_) {
      if (e.prediction) times.push_back(e.prediction->time_seconds);
    }
    const std::size_t last = std::min(options_.contenders, times.size());
    if (last == 0) return {};
    std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(last - 1));
    const double limit = times[last - 1] * (1 + kFastTimeUncertainty) / (1 - kFastTimeUncertainty);
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < evaluated_.size(); ++i) {
      if (evaluated_[i].prediction && evaluated_[i].prediction->time_seconds <= limit) left.push_back(i);
    }
    return left;
  }

  void round(const std::vector<std::size_t>& which, const PredictOptions& predict) {
    std::atomic<std::size_t> next{0}, done{0};
    std::atomic<bool> stopped{false};
    std::mutex mutex;
    const auto work = [&] {
      for (std::size_t i = next++; i < which.size() && !stopped; i = next++) {
        std::optional<Error> error = evaluate(which[i], predict);
        const std::size_t finished = ++done;
        const bool stop = options_.stop && options_.stop();
        if (!error && !stop && !options_.progress) continue;
        const std::lock_guard lock(mutex);
        if (error && !failure_) failure_ = error;
        if (stop && !failure_) failure_ = Error{ErrorKind::interrupted, "stopped while predicting", ""};
        if (failure_) stopped = true;
        if (options_.progress) options_.progress(finished, which.size());
      }
    };
    const unsigned wanted =
        options_.threads ? options_.threads : std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < std::min<std::size_t>(wanted, which.size()); ++t) pool.emplace_back(work);
    work();
  }

  // A candidate that is rejected is no error.
  std::optional<Error> evaluate(std::size_t index, const PredictOptions& predict) {
    Evaluated& evaluated = evaluated_[index];
    const Result<Candidate> candidate = definition_.resolve(problem_, configs_[index], limits_);
    std::optional<Error> error;
    if (candidate) {
      Result<Prediction> prediction = weir::predict(profile_, *candidate, predict);
      if (prediction) {
        evaluated.prediction = options_.calibration
                                   ? apply(*options_.calibration, definition_.name(), std::move(*prediction))
                                   : std::move(*prediction);
      } else {
        error = prediction.error();
      }
    } else {
      error = candidate.error();
    }
    if (!error || error->kind != ErrorKind::rejected) return error;
    evaluated.rejection = error->message;
    return std::nullopt;
  }

  Space space() {
    const Result<Config> default_config = definition_.default_config(problem_, limits_);
    Space space;
    for (std::size_t i = 0; i < configs_.size(); ++i) {
      if (evaluated_[i].prediction) {
        space.ranked.push_back({configs_[i], std::move(*evaluated_[i].prediction),
                                default_config.ok() && *default_config == configs_[i]});
      } else if (!evaluated_[i].rejection.empty()) {
        space.rejected.push_back({configs_[i], std::move(evaluated_[i].rejection)});
      }
    }
    std::sort(space.ranked.begin(), space.ranked.end(), faster);
    return space;
  }

  const KernelDefinition& definition_;
  const Problem& problem_;
  const DeviceProfile& profile_;
  const DeviceLimits& limits_;
  const ExploreOptions& options_;
  const std::vector<Config> configs_;
  std::vector<Evaluated> evaluated_;
  std::optional<Error> failure_;
};

}  // namespace

Result<Space> explore(const KernelDefinition& definition, const Problem& problem,
                      const DeviceProfile& profile, const DeviceLimits& limits,
                      const ExploreOptions& options) {
  Explorer explorer(definition, problem, profile, limits, options);
  return options.sample > 0 ? explorer.explore_sample() : explorer.explore();
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
