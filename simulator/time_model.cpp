#include "simulator/time_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <tuple>

#include "simulator/block_schedule.h"

namespace weir {
namespace {

// How work overlaps, the same for every device and kernel: fitted with the rates of the H100's profile to 655
// measured tilings of three kernels (docs/model.md, with what left-out problems and kernels say).
constexpr double kUnitsNorm = 3.36;  // units of an SM that are busy at once: 1 is in turn, infinity perfect
constexpr double kWaitsNorm = 2.7;   // the SM's work and a block's waits
constexpr double kDramNorm = 1.92;   // the SMs and DRAM
constexpr double kTensorInOrder =
    0.128;  // share of a unit's time in which a block that is alone does nothing else
constexpr double kSharedInOrder = 0.083;
constexpr double kVectorInOrder = 0.921;
// Warps of one block wait at the same barriers, so twice the warps overlap less than two blocks would.
constexpr double kWarpOverlap = 0.343;
constexpr double kLateLoads = 0.245;    // of a step's own work, what goes by before its loads are out
constexpr double kLeastPrefetch = 0.9;  // of a loop without: its loads overlap the rest of their own step
constexpr double kStorePasses =
    1.72;  // of what a block stores, through its port: an end that overlaps nothing
// Definitions count operations. Rates count a multiply-add as two, and most others of a kernel are single.
constexpr double kSingleOperations = 2;
// A result of the special function unit comes with another one there: the conversion to 16 bits.
constexpr double kConversions = 2;
constexpr double kThreadsPerScheduler = 128;  // one warp on each of an SM's four schedulers

// Between the largest and the sum: as if work overlapped, but not perfectly.
double combine(std::initializer_list<double> seconds, double norm) {
  const double largest = std::max(seconds);
  if (largest <= 0) return 0;
  double sum = 0;
  for (const double s : seconds) sum += std::pow(s / largest, norm);
  return largest * std::pow(sum, 1 / norm);
}

struct Amounts {
  double tensor = 0, fp32 = 0, special = 0, shared = 0, l2 = 0;  // seconds of the whole GPU
};
Amounts amounts_of(const Rates& rates, const UnitWork& unit) {
  return {.tensor = unit.tensor_flops / rates.tensor_flops_per_second,
          .fp32 = unit.fp32_flops * kSingleOperations / rates.fp32_flops_per_second,
          .special = unit.special_ops * kConversions / rates.special_ops_per_second,
          .shared = unit.shared_bytes / rates.shared_bytes_per_second,
          .l2 = (unit.load_bytes + unit.store_bytes) / rates.l2_port_bytes_per_second};
}

// Units that are alike, so many on each SM at a time: whole waves, and what is left spread evenly.
double even_schedule_seconds(double sms, double slots, double units, std::span<const double> durations) {
  const double waves = std::floor(units / (sms * slots));
  const double left = units - waves * sms * slots;
  const auto at = [&](double residents) { return durations[static_cast<std::size_t>(residents) - 1]; };
  return waves * at(slots) + (left > 0 ? at(std::min(slots, std::ceil(left / sms))) : 0);
}

struct ByAmounts {
  static auto key(const UnitWork& u) {
    return std::tie(u.steps, u.load_bytes, u.store_bytes, u.tensor_flops, u.shared_bytes, u.fp32_flops,
                    u.special_ops);
  }
  bool operator()(const UnitWork& a, const UnitWork& b) const { return key(a) < key(b); }
};

}  // namespace

UnitTime unit_time(const DeviceProfile& profile, const Rates& rates, const UnitWork& unit, double threads,
                   int prefetch, double load_latency_seconds) {
  const auto sms = static_cast<double>(profile.sm_count);
  const Amounts gpu = amounts_of(rates, unit);
  const double steps = unit.steps;
  const double side_by_side = std::pow(std::max(1.0, threads / kThreadsPerScheduler), kWarpOverlap);
  const double own = sms *
                         (kTensorInOrder * gpu.tensor + kSharedInOrder * gpu.shared +
                          kVectorInOrder * (gpu.fp32 + gpu.special)) /
                         side_by_side +
                     steps * profile.step_overhead_seconds;
  const double flight = steps * load_latency_seconds + sms * unit.load_bytes / rates.l2_port_bytes_per_second;
  const double waits = (flight + kLateLoads * own) / std::max(static_cast<double>(prefetch), kLeastPrefetch);
  return {.busy_seconds = sms * combine({gpu.tensor, gpu.fp32, gpu.special, gpu.shared, gpu.l2}, kUnitsNorm),
          .solo_seconds = combine({own, waits}, kWaitsNorm) + load_latency_seconds +
                          kStorePasses * sms * unit.store_bytes / rates.l2_port_bytes_per_second +
                          profile.block_overhead_seconds};
}

double shared_sm_seconds(const UnitTime& unit, double residents) {
  return combine({residents * unit.busy_seconds, unit.solo_seconds}, kWaitsNorm);
}

LaunchTime launch_time(const DeviceProfile& profile, const Rates& rates, const Launch& launch,
                       const WalkResult& walked, const Traffic& traffic) {
  const auto threads = static_cast<double>(launch.threads[0] * launch.threads[1] * launch.threads[2]);
  const double from_dram = walked.steps > 0 ? walked.dram_steps / walked.steps : 0;
  const double load_latency =
      profile.l2_latency_seconds + from_dram * (profile.dram_latency_seconds - profile.l2_latency_seconds);
  const auto slots = static_cast<std::size_t>(walked.blocks_per_sm);
  const auto sms = static_cast<std::size_t>(profile.sm_count);

  std::vector<std::uint32_t> kinds;
  kinds.reserve(walked.units.size());
  std::map<UnitWork, std::uint32_t, ByAmounts> numbers;
  std::vector<double> durations;
  double waiting = 0, longest_wait = 0;
  std::vector<double> solo;
  const UnitWork* last = nullptr;
  for (const UnitWork& work : walked.units) {
    if (!last || *last != work) {
      const auto [found, added] = numbers.try_emplace(work, static_cast<std::uint32_t>(numbers.size()));
      if (added) {
        const UnitTime unit = unit_time(profile, rates, work, threads, walked.prefetch, load_latency);
        for (std::size_t n = 1; n <= slots; ++n)
          durations.push_back(shared_sm_seconds(unit, static_cast<double>(n)));
        solo.push_back(unit.solo_seconds);
      }
      last = &found->first;
      kinds.push_back(found->second);
    } else {
      kinds.push_back(kinds.back());
    }
    waiting += solo[kinds.back()];
    longest_wait = std::max(longest_wait, solo[kinds.back()]);
  }
  double on_sms = 0;
  if (walked.unit_count > 0) {
    std::vector<double> mean(slots, 0.0);
    for (const std::uint32_t kind : kinds) {
      for (std::size_t n = 0; n < slots; ++n)
        mean[n] += durations[kind * slots + n] / static_cast<double>(kinds.size());
    }
    on_sms =
        even_schedule_seconds(static_cast<double>(sms), static_cast<double>(slots), walked.unit_count, mean);
    waiting *= walked.unit_count / static_cast<double>(std::max<std::size_t>(1, kinds.size()));
  } else {
    on_sms = schedule_seconds(sms, slots, kinds, durations);
  }

  LaunchTime time;
  const auto set = [&](Bottleneck resource, double seconds) {
    time.resources[static_cast<std::size_t>(resource)] = seconds;
  };
  const Work& work = walked.work;
  set(Bottleneck::tensor, work.tensor_flops / rates.tensor_flops_per_second);
  set(Bottleneck::fp32, work.fp32_flops * kSingleOperations / rates.fp32_flops_per_second);
  set(Bottleneck::special_function, work.special_ops * kConversions / rates.special_ops_per_second);
  set(Bottleneck::shared_memory, work.shared_bytes / rates.shared_bytes_per_second);
  set(Bottleneck::l2, (traffic.l2_read_bytes + traffic.l2_write_bytes) / rates.l2_port_bytes_per_second);
  const double dram = (traffic.dram_read_bytes + traffic.dram_write_bytes) / rates.dram_bytes_per_second;
  set(Bottleneck::dram, dram);
  set(Bottleneck::latency, std::max(longest_wait, waiting / static_cast<double>(sms * slots)));
  time.seconds = combine({on_sms, dram}, kDramNorm) + profile.launch_latency_seconds;
  time.bound_by = static_cast<Bottleneck>(std::ranges::max_element(time.resources) - time.resources.begin());
  return time;
}

}  // namespace weir
