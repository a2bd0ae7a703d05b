#include "simulator/unit_time.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

// How work overlaps, the same for every device and kernel: fitted to 2372 measured tilings of eight kernels
// on H100s (docs/model.md, with what left-out problems and an H200 say).
constexpr double kUnitsNorm = 3.2;   // units of an SM that are busy at once: 1 is in turn, infinity perfect
constexpr double kVectorNorm = 1.6;  // arithmetic and special functions, which leave the same warps
constexpr double kShareNorm = 3.4;   // the SM's work for all its blocks and a block's own time
constexpr double kLateLoads = 0.43;  // of a step's own work, what goes by before its loads are out
// A result of the special function unit and of single precision comes with others that no definition counts:
// conversions, addresses, predicates.
constexpr double kSpecialWork = 1.29;
constexpr double kSingleWork = 2.13;
// What a cluster's blocks send each other through their shared memories goes in small pieces.
constexpr double kExchangePasses = 23.5;
constexpr double kMulticast = 1.001;          // received over asked for, from here on
constexpr double kThreadsPerScheduler = 128;  // one warp on each of an SM's four schedulers

// The two ways in which a block is fed: its own threads copy, wait at barriers and compute in turn, or the
// copy engine does it, driven by a warp group of its own, and the others issue whole products.
struct Feeding {
  // Share of a unit's time in which a block that is alone on the SM does nothing else.
  double tensor_in_order, shared_in_order, vector_in_order;
  // Warps of one block wait for one another, so twice the warps overlap less than two blocks would.
  double warp_overlap;
  double latency;        // of the profile's: the copy engine is asked as soon as a stage is free
  double step;           // of the profile's step_overhead
  double start_seconds;  // of a block: barriers and descriptors are set up before its first load
  double store_passes;   // of what threads store, through the port: an end that overlaps nothing
  double reduce_passes;  // the same of reductions, whoever sends them
};
constexpr Feeding kThreadsCopy{.tensor_in_order = 0.68,
                               .shared_in_order = 0.54,
                               .vector_in_order = 1.07,
                               .warp_overlap = 0.81,
                               .latency = 1,
                               .step = 1,
                               .start_seconds = 0,
                               .store_passes = 2,
                               .reduce_passes = 4.3};
// Sums that go from registers to memory are written a few bytes a thread, parts of sectors.
constexpr Feeding kCopyEngine{.tensor_in_order = 0.107,
                              .shared_in_order = 0,
                              .vector_in_order = 1.03,
                              .warp_overlap = 0.58,
                              .latency = 0.58,
                              .step = 0.34,
                              .start_seconds = 2.1e-6,
                              .store_passes = 6,
                              .reduce_passes = 2.3};

const Feeding& feeding(const UnitSetting& setting) {
  return setting.copy_engine ? kCopyEngine : kThreadsCopy;
}

// Warps that compute, on each scheduler.
double computing_warps(const UnitSetting& setting) {
  return std::max(1.0, setting.threads / kThreadsPerScheduler - (setting.copy_engine ? 1 : 0));
}

// Units that work side by side, of a whole SM.
double busy_of(const UnitAmounts& gpu, const UnitSetting& setting) {
  if (setting.copy_engine) return std::max({gpu.tensor, gpu.fp32, gpu.special, gpu.shared, gpu.port});
  const double vector = combine({gpu.fp32, gpu.special}, kVectorNorm);
  return combine({gpu.tensor, vector, gpu.shared, gpu.port}, kUnitsNorm);
}

// What a block does one after the other: its work and its steps.
double own_seconds(const DeviceProfile& profile, const UnitAmounts& gpu, const UnitWork& unit,
                   const UnitSetting& setting) {
  const Feeding& feed = feeding(setting);
  const double in_order = feed.tensor_in_order * gpu.tensor + feed.shared_in_order * gpu.shared +
                          feed.vector_in_order * (gpu.fp32 + gpu.special);
  return static_cast<double>(profile.sm_count) * in_order /
             std::pow(computing_warps(setting), feed.warp_overlap) +
         unit.steps * feed.step * profile.step_overhead_seconds;
}

// What follows a block's loops: its results leave.
double end_seconds(const DeviceProfile& profile, const Rates& rates, const UnitWork& unit,
                   const UnitSetting& setting) {
  const bool multicasts = unit.received_bytes > kMulticast * unit.load_bytes;
  const double exchanged = setting.cluster && !multicasts ? unit.end_shared_bytes : 0;
  const Feeding& feed = feeding(setting);
  const double sent = feed.store_passes * setting.stored_by_threads * (unit.store_bytes - unit.reduce_bytes) +
                      feed.reduce_passes * unit.reduce_bytes;
  return static_cast<double>(profile.sm_count) *
         (sent / rates.l2_port_bytes_per_second +
          kExchangePasses * exchanged / rates.shared_bytes_per_second);
}

bool is_mapped(const Launch& launch, int tensor) {
  return std::ranges::any_of(launch.arguments, [&](const Argument& argument) {
    return argument.kind == Argument::Kind::tensor_map && !argument.map.shape.empty() &&
           argument.tensor == tensor;
  });
}

bool is_stored(const std::vector<Action>& actions, int tensor) {
  return std::ranges::any_of(actions, [&](const Action& action) {
    return (action.kind == Action::Kind::access && action.access == AccessKind::store &&
            action.tensor == tensor) ||
           is_stored(action.body, tensor) || is_stored(action.otherwise, tensor);
  });
}

// Of what is stored and not reduced, the share of tensors that the launch has no map of.
double stored_by_threads(const Launch& launch, const WalkResult& walked) {
  double stored = 0, mapped = 0;
  for (std::size_t i = 0; i < walked.tensors.size(); ++i) {
    const auto tensor = static_cast<int>(i);
    const double bytes = walked.tensors[i].l2_write_bytes;
    if (bytes <= 0 || !is_stored(launch.program.actions, tensor)) continue;
    stored += bytes;
    if (is_mapped(launch, tensor)) mapped += bytes;
  }
  return stored > 0 ? 1 - mapped / stored : 1;
}

}  // namespace

double combine(std::initializer_list<double> seconds, double norm) {
  const double largest = std::max(seconds);
  if (largest <= 0) return 0;
  double sum = 0;
  for (const double s : seconds) sum += std::pow(s / largest, norm);
  return largest * std::pow(sum, 1 / norm);
}

UnitAmounts unit_amounts(const Rates& rates, const UnitWork& unit) {
  return {.tensor = unit.tensor_flops / rates.tensor_flops_per_second,
          .fp32 = unit.fp32_flops * kSingleOperations * kSingleWork / rates.fp32_flops_per_second,
          .special = unit.special_ops * kSpecialWork / rates.special_ops_per_second,
          .shared = unit.shared_bytes / rates.shared_bytes_per_second,
          .port = (unit.received_bytes + unit.store_bytes) / rates.l2_port_bytes_per_second};
}

UnitSetting unit_setting(const DeviceProfile& profile, const Launch& launch, const WalkResult& walked) {
  const double from_dram = walked.steps > 0 ? walked.dram_steps / walked.steps : 0;
  return {.threads = static_cast<double>(launch.threads[0] * launch.threads[1] * launch.threads[2]),
          .copy_engine = std::ranges::any_of(
              launch.arguments, [](const Argument& a) { return a.kind == Argument::Kind::tensor_map; }),
          .cluster = launch.cluster[0] * launch.cluster[1] * launch.cluster[2] > 1,
          .stored_by_threads = stored_by_threads(launch, walked),
          .prefetch = walked.prefetch,
          .load_latency_seconds = profile.l2_latency_seconds +
                                  from_dram * (profile.dram_latency_seconds - profile.l2_latency_seconds)};
}

UnitTime unit_time(const DeviceProfile& profile, const Rates& rates, const UnitWork& unit,
                   const UnitSetting& setting) {
  const auto sms = static_cast<double>(profile.sm_count);
  const Feeding& feed = feeding(setting);
  const UnitAmounts gpu = unit_amounts(rates, unit);
  const double own = own_seconds(profile, gpu, unit, setting);
  const double latency = feed.latency * setting.load_latency_seconds;
  const double ahead = (unit.steps - unit.loose_steps) * latency +
                       sms * unit.received_bytes / rates.l2_port_bytes_per_second + kLateLoads * own;
  const double waits = ahead / std::max(1, setting.prefetch) + unit.loose_steps * latency;
  return {.busy_seconds = sms * busy_of(gpu, setting),
          .solo_seconds = std::max(own, waits) + latency + end_seconds(profile, rates, unit, setting) +
                          feed.start_seconds + profile.block_overhead_seconds};
}

double shared_sm_seconds(const UnitTime& unit, double residents) {
  return combine({residents * unit.busy_seconds, unit.solo_seconds}, kShareNorm);
}

}  // namespace weir
