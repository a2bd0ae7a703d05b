#include "gpu/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace weir {

RankInterval median_interval(std::int64_t samples) {
  // P(X = 0) = 2^-n, and each next term follows from the one before. In logarithms, so that thousands of
  // samples do not underflow.
  const double n = static_cast<double>(samples);
  double log_term = -n * std::log(2.0);
  double below = std::exp(log_term);
  std::int64_t low = 0;
  while (below <= 0.025 && 2 * (low + 1) <= samples) {
    ++low;
    const double k = static_cast<double>(low);
    log_term += std::log((n - k + 1) / k);
    below += std::exp(log_term);
  }
  low = std::max<std::int64_t>(low, 1);
  return {low, std::max<std::int64_t>(samples + 1 - low, 1)};
}

double median(std::span<const double> samples) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

Timing summarize(std::span<const double> samples_seconds, double tick_seconds) {
  std::vector<double> sorted(samples_seconds.begin(), samples_seconds.end());
  std::sort(sorted.begin(), sorted.end());
  const RankInterval ranks = median_interval(static_cast<std::int64_t>(sorted.size()));
  return {.median_seconds = median(sorted),
          .low_seconds = sorted[static_cast<std::size_t>(ranks.low - 1)] - tick_seconds / 2,
          .high_seconds = sorted[static_cast<std::size_t>(ranks.high - 1)] + tick_seconds / 2,
          .minimum_seconds = sorted.front(),
          .samples = static_cast<std::int64_t>(sorted.size())};
}

bool enough_samples(const Timing& timing, const TimingOptions& options, double spent_seconds) {
  constexpr std::int64_t kFewest = 3;  // a budget never leaves a candidate with less
  if (timing.samples >= options.maximum_samples) return true;
  if (spent_seconds >= options.maximum_seconds && timing.samples >= kFewest) return true;
  const double half_width = (timing.high_seconds - timing.low_seconds) / 2;
  return timing.samples >= options.minimum_samples &&
         half_width <= options.target_relative_width * timing.median_seconds;
}

bool hopeless(const Timing& timing, double fastest_seconds, const TimingOptions& options) {
  return options.abandon_factor > 0 && timing.samples >= 3 &&
         timing.minimum_seconds >= options.abandon_factor * fastest_seconds;
}

bool clock_too_low(double hertz, std::span<const double> earlier_hertz) {
  constexpr double kLowest = 0.8;  // of the median: a GPU that has just left idle, or throttles for a moment
  return hertz > 0 && earlier_hertz.size() >= kClockSamples && hertz < kLowest * median(earlier_hertz);
}

std::vector<std::size_t> round_order(std::size_t count, std::uint64_t seed, std::uint64_t round) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ull ^ (round + 1) * 0xd1b54a32d192ed03ull;
  auto next = [&state] {  // splitmix64
    std::uint64_t x = state += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  };
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t left = count; left > 1; --left) std::swap(order[left - 1], order[next() % left]);
  return order;
}

}  // namespace weir
