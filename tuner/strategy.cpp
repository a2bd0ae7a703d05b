#include "tuner/strategy.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace weir {
namespace {

// Takes candidates in a fixed order, the default first, until the order or the budget ends.
class OrderedStrategy : public Strategy {
 public:
  OrderedStrategy(const StrategyOptions& options, bool shuffle) : options_(options), shuffle_(shuffle) {}

  std::vector<std::size_t> next(const std::vector<Trial>& trials) override {
    if (order_.empty()) fix_order(trials);
    const auto tried = std::count_if(trials.begin(), trials.end(),
                                     [](const Trial& t) { return t.state != Trial::State::open; });
    std::int64_t room = options_.batch;
    if (options_.budget > 0) room = std::min<std::int64_t>(room, options_.budget - tried);
    std::vector<std::size_t> batch;
    for (const std::size_t i : order_) {
      if (static_cast<std::int64_t>(batch.size()) >= room) break;
      if (trials[i].state == Trial::State::open) batch.push_back(i);
    }
    if (batch.empty()) {
      const bool all = std::none_of(trials.begin(), trials.end(),
                                    [](const Trial& t) { return t.state == Trial::State::open; });
      reason_ = all ? "every candidate was tried" : "the budget of candidates is spent";
    }
    return batch;
  }
  std::string stopped_because() const override { return reason_; }

 private:
  void fix_order(const std::vector<Trial>& trials) {
    order_.resize(trials.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    if (shuffle_) {
      // Fisher-Yates on mt19937_64's own output, so that a seed means the same order with every standard
      // library.
      std::mt19937_64 random(options_.seed);
      for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random() % i]);
    }
    std::stable_partition(order_.begin(), order_.end(), [&](std::size_t i) { return trials[i].is_default; });
  }

  StrategyOptions options_;
  bool shuffle_;
  std::vector<std::size_t> order_;
  std::string reason_;
};

// Predicted order, until the observed error of the model says that the best is already measured.
class ModelStrategy : public Strategy {
 public:
  explicit ModelStrategy(const StrategyOptions& options) : options_(options), in_order_(options, false) {}

  std::vector<std::size_t> next(const std::vector<Trial>& trials) override {
    double best = 0;
    for (const Trial& t : trials) {
      if (t.state == Trial::State::measured && (best == 0 || t.measured_seconds < best))
        best = t.measured_seconds;
    }
    const std::optional<double> optimistic = optimistic_open_seconds(trials);
    if (optimistic && *optimistic > best) {
      reason_ = "by the model's observed error no open candidate can beat the best measured one";
      return {};
    }
    std::vector<std::size_t> batch = in_order_.next(trials);
    if (batch.empty()) reason_ = in_order_.stopped_because();
    return batch;
  }
  std::string stopped_because() const override { return reason_; }

 private:
  StrategyOptions options_;
  OrderedStrategy in_order_;
  std::string reason_;
};

}  // namespace

std::optional<double> optimistic_open_seconds(const std::vector<Trial>& trials) {
  std::vector<double> ratios;
  double fastest_open = 0;
  for (const Trial& t : trials) {
    if (t.state == Trial::State::measured && t.predicted_seconds > 0) {
      ratios.push_back(t.measured_seconds / t.predicted_seconds);
    } else if (t.state == Trial::State::open && (fastest_open == 0 || t.predicted_seconds < fastest_open)) {
      fastest_open = t.predicted_seconds;
    }
  }
  if (ratios.empty() || fastest_open == 0) return std::nullopt;
  const std::size_t rank = ratios.size() / 20;  // 0 below 20 measurements: the smallest
  std::nth_element(ratios.begin(), ratios.begin() + static_cast<std::ptrdiff_t>(rank), ratios.end());
  return fastest_open * ratios[rank];
}

Result<std::unique_ptr<Strategy>> make_strategy(const StrategyOptions& options) {
  if (options.name == "model") return std::unique_ptr<Strategy>(std::make_unique<ModelStrategy>(options));
  if (options.name == "exhaustive")
    return std::unique_ptr<Strategy>(std::make_unique<OrderedStrategy>(options, false));
  if (options.name == "random")
    return std::unique_ptr<Strategy>(std::make_unique<OrderedStrategy>(options, true));
  return Error{ErrorKind::usage, "unknown strategy '" + options.name + "'",
               "use model, exhaustive or random"};
}

}  // namespace weir
