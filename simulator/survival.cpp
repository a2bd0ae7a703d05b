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
      width_(width),
      smaller_(smaller),
      larger_(larger),
      first_(least_distance(width) * (1 - smaller)),
      last_((1 + kUpperTail * width) * (1 + larger)),
      scale_(steps / (last_ - first_)),
      misses_(static_cast<std::size_t>(steps), Miss{.expected = -1}) {}

void SurvivalTable::work_out(std::size_t step) {
  const auto miss = [&](double distance) {
    // A tail below it is no miss: what fits stays.
    return distance < least_distance(width_) ? 0.0F : static_cast<float>(1 - survival(distance, width_));
  };
  const double distance = first_ + (static_cast<double>(step) + 0.5) / scale_;
  misses_[step] = {.expected = miss(distance),
                   .pessimistic = miss(distance / (1 - smaller_)),
                   .optimistic = miss(distance / (1 + larger_))};
}

}  // namespace weir
