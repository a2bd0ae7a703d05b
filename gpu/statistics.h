// Statistics of timing samples, and when to stop taking them. Pure functions of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/measurement.h"
#include "gpu/backend.h"

namespace weir {

// Ranks, from 1, of the order statistics that enclose the median of the distribution with at least 95%
// confidence, whatever the distribution: low is the largest k with P(Binomial(n, 1/2) < k) <= 2.5%, high is n
// + 1 - low. Below six samples no pair of ranks reaches 95%; then the smallest and the largest sample (93.75%
// at five, 50% at two).
struct RankInterval {
  std::int64_t low = 1;
  std::int64_t high = 1;

  bool operator==(const RankInterval&) const = default;
};
RankInterval median_interval(std::int64_t samples);

double median(std::span<const double> samples);  // precondition: not empty

// Median, interval and minimum of the samples, in seconds. The clock ticks, so equal samples do not mean an
// exact time: the interval is widened by half a tick on each side. Precondition: not empty.
Timing summarize(std::span<const double> samples_seconds, double tick_seconds);

// Has this candidate been sampled enough? `spent_seconds` is all time its samples took, flushes included.
bool enough_samples(const Timing& timing, const TimingOptions& options, double spent_seconds);
// Is it hopeless? After three samples, when even its fastest is `abandon_factor` times the fastest sample of
// the group.
bool hopeless(const Timing& timing, double fastest_seconds, const TimingOptions& options);
// Was the clock too low for the sample to count? Only known once there are `kClockSamples` to compare with.
inline constexpr std::size_t kClockSamples = 8;
bool clock_too_low(double hertz, std::span<const double> earlier_hertz);

// The order in which a round visits `count` candidates: a permutation of 0 … count - 1 that depends on seed
// and round alone.
std::vector<std::size_t> round_order(std::size_t count, std::uint64_t seed, std::uint64_t round);

}  // namespace weir
