#include "simulator/time_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <tuple>

#include "simulator/block_schedule.h"

namespace weir {
namespace {

// Fitted with the constants of unit_time.cpp (docs/model.md).
constexpr double kDramNorm = 2.6;  // the SMs and DRAM
// l2_bandwidth is the most that GEMMs took; copies that the SMs wait for less take more.
constexpr double kL2Headroom = 1.23;
// Of a launch that keeps the tensor cores busy for long, power lowers the clock: times grow by this share at
// their full rate, by half of it in a launch of kClockSeconds. Recorded clocks go from 1.98 down to 1.4 GHz.
constexpr double kClockLoss = 0.3;
constexpr double kClockSeconds = 50e-6;
// The clock that an H100 holds while its tensor cores leave it the power, over the datasheet's.
constexpr double kFreeClock = 1.98 / 1.83;

// Units that are alike, so many on each SM at a time: whole waves, and what is left spread evenly.
double even_schedule_seconds(double sms, double slots, double units, std::span<const double> durations) {
  const double waves = std::floor(units / (sms * slots));
  const double left = units - waves * sms * slots;
  const auto at = [&](double residents) { return durations[static_cast<std::size_t>(residents) - 1]; };
  return waves * at(slots) + (left > 0 ? at(std::min(slots, std::ceil(left / sms))) : 0);
}

struct ByAmounts {
  static auto key(const UnitWork& u) {
    return std::tie(u.steps, u.loose_steps, u.load_bytes, u.received_bytes, u.store_bytes, u.reduce_bytes,
                    u.tensor_flops, u.shared_bytes, u.end_shared_bytes, u.fp32_flops, u.special_ops);
  }
  bool operator()(const UnitWork& a, const UnitWork& b) const { return key(a) < key(b); }
};

// The units of a launch by kind, with the time that each kind takes beside 0, 1, … others like it.
struct Units {
  std::vector<std::uint32_t> kinds;  // in the order of dispatch
  std::vector<double> durations;     // by kind, then by residents
  std::vector<double> solo;          // by kind
};

Units units_of(const DeviceProfile& profile, const Rates& rates, const Launch& launch,
               const WalkResult& walked) {
  const UnitSetting setting = unit_setting(profile, launch, walked);
  Units units;
  units.kinds.reserve(walked.units.size());
  std::map<UnitWork, std::uint32_t, ByAmounts> numbers;
  const UnitWork* last = nullptr;
  for (const UnitWork& work : walked.units) {
    if (last && *last == work) {
      units.kinds.push_back(units.kinds.back());
      continue;
    }
    const auto [found, added] = numbers.try_emplace(work, static_cast<std::uint32_t>(numbers.size()));
    if (added) {
      const UnitTime unit = unit_time(profile, rates, work, setting);
      for (std::int64_t n = 1; n <= walked.blocks_per_sm; ++n)
        units.durations.push_back(shared_sm_seconds(unit, static_cast<double>(n)));
      units.solo.push_back(unit.solo_seconds);
    }
    last = &found->first;
    units.kinds.push_back(found->second);
  }
  return units;
}

// When the last unit ends.
double on_sms_seconds(const DeviceProfile& profile, const WalkResult& walked, const Units& units) {
  const auto slots = static_cast<std::size_t>(walked.blocks_per_sm);
  const auto sms = static_cast<std::size_t>(profile.sm_count);
  const bool sampled = walked.unit_count > 0;
  if (!sampled && units.solo.size() != 1) return schedule_seconds(sms, slots, units.kinds, units.durations);
  std::vector<double> mean(slots, 0.0);
  for (const std::uint32_t kind : units.kinds) {
    for (std::size_t n = 0; n < slots; ++n)
      mean[n] += units.durations[kind * slots + n] / static_cast<double>(units.kinds.size());
  }
  const double count = sampled ? walked.unit_count : static_cast<double>(units.kinds.size());
  return even_schedule_seconds(static_cast<double>(sms), static_cast<double>(slots), count, mean);
}

// The longest unit, and what all wait over the places that they wait in.
double latency_bound(const DeviceProfile& profile, const WalkResult& walked, const Units& units) {
  double waiting = 0, longest = 0;
  for (const std::uint32_t kind : units.kinds) {
    waiting += units.solo[kind];
    longest = std::max(longest, units.solo[kind]);
  }
  if (walked.unit_count > 0)
    waiting *= walked.unit_count / static_cast<double>(std::max<std::size_t>(1, units.kinds.size()));
  return std::max(longest, waiting / static_cast<double>(profile.sm_count * walked.blocks_per_sm));
}

// Rates of a GPU whose tensor cores have not lowered the clock yet. The datasheet's tensor rate is what they
// reach of the higher clock's; the share of it that mma.sync reaches was measured in long launches.
Rates free_rates(const DeviceProfile& profile, Rates rates) {
  const double share = rates.tensor_flops_per_second / profile.tensor_flops_per_second;
  if (share < 1) rates.tensor_flops_per_second *= 1 + kClockLoss * share;
  rates.shared_bytes_per_second *= kFreeClock;
  rates.l2_port_bytes_per_second *= kFreeClock;
  return rates;
}

double l2_seconds(const Rates& rates, const Launch& launch, const Traffic& traffic) {
  return (l2_load(launch) * traffic.l2_read_bytes + traffic.l2_write_bytes) /
         (kL2Headroom * rates.l2_bytes_per_second);
}

}  // namespace

double seconds_under_load(const DeviceProfile& profile, double seconds, double tensor_flops) {
  if (seconds <= 0) return seconds;
  const double utilization = tensor_flops / (profile.tensor_flops_per_second * seconds);
  return seconds * (1 + kClockLoss * utilization * seconds / (seconds + kClockSeconds));
}

LaunchTime launch_time(const DeviceProfile& profile, const Rates& loaded_rates, const Launch& launch,
                       const WalkResult& walked, const Traffic& traffic) {
  const Rates rates = free_rates(profile, loaded_rates);
  const Units units = units_of(profile, rates, launch, walked);
  const double on_sms = on_sms_seconds(profile, walked, units);
  const double dram = (traffic.dram_read_bytes + traffic.dram_write_bytes) / rates.dram_bytes_per_second;

  LaunchTime time;
  const auto set = [&](Bottleneck resource, double seconds) {
    time.resources[static_cast<std::size_t>(resource)] = seconds;
  };
  const Work& work = walked.work;
  set(Bottleneck::tensor, work.tensor_flops / rates.tensor_flops_per_second);
  set(Bottleneck::fp32, work.fp32_flops * kSingleOperations / rates.fp32_flops_per_second);
  set(Bottleneck::special_function, work.special_ops / rates.special_ops_per_second);
  set(Bottleneck::shared_memory, work.shared_bytes / rates.shared_bytes_per_second);
  set(Bottleneck::l2, (traffic.l2_read_bytes + traffic.l2_write_bytes) / rates.l2_port_bytes_per_second);
  set(Bottleneck::dram, dram);
  set(Bottleneck::latency, latency_bound(profile, walked, units));
  const double bounded = combine({std::max(on_sms, l2_seconds(rates, launch, traffic)), dram}, kDramNorm);
  time.seconds = seconds_under_load(profile, bounded + profile.launch_latency_seconds, work.tensor_flops);
  time.bound_by = static_cast<Bottleneck>(std::ranges::max_element(time.resources) - time.resources.begin());
  return time;
}

}  // namespace weir
