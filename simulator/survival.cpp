#include "simulator/survival.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace weir {
namespace {

// Tails of the law that count as "all" and "none": 1 - survival < 2.5e-4, and survival < 2e-9.
constexpr double kLowerTail = 8.3;
constexpr double kUpperTail = 3.0;

double least_distance(double width) {
  return std::max(kLeastDistance, 1 - kLowerTail * width);
}

}  // namespace

double survival(double distance, double width) {
  return std::exp(-std::exp((distance - 1) / width));
}

double mean_lifetime(double width) {
  return 1 - std::numbers::egamma * width;
}

SurvivalTable::SurvivalTable(double width, double smaller, double larger, int steps)
    : steps_(steps),
      first_(least_distance(width) * (1 - smaller)),
      last_((1 + kUpperTail * width) * (1 + larger)) {
  scale_ = steps / (last_ - first_);
  misses_.reserve(static_cast<std::size_t>(steps));
  const auto miss = [&](double distance) {
    // A tail below it is no miss: what fits stays.
    return distance < least_distance(width) ? 0.0F : static_cast<float>(1 - survival(distance, width));
  };
  for (int step = 0; step < steps; ++step) {
    const double distance = first_ + (step + 0.5) / scale_;
    misses_.push_back({.expected = miss(distance),
                       .pessimistic = miss(distance / (1 - smaller)),
                       .optimistic = miss(distance / (1 + larger))});
  }
}

}  // namespace weir
