#include "simulator/time_model.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weir {
namespace {

// A walk that takes this much longer than every resource's bound waits for latency, or for the last wave.
constexpr double kLatencyBound = 1.25;

}  // namespace

LaunchTime launch_time(const DeviceProfile& profile, const Rates& rates, const Work& work,
                       const Traffic& traffic, double walk_seconds) {
  const std::array<std::pair<double, Bottleneck>, 6> bounds{{
      {work.tensor_flops / rates.tensor_flops_per_second, Bottleneck::tensor},
      {work.fp32_flops / rates.fp32_flops_per_second, Bottleneck::fp32},
      {work.special_ops / rates.special_ops_per_second, Bottleneck::special_function},
      {work.shared_bytes / rates.shared_bytes_per_second, Bottleneck::shared_memory},
      {(traffic.l2_read_bytes + traffic.l2_write_bytes) / rates.l2_bytes_per_second, Bottleneck::l2},
      {(traffic.dram_read_bytes + traffic.dram_write_bytes) / rates.dram_bytes_per_second, Bottleneck::dram},
  }};
  const auto largest = *std::ranges::max_element(bounds, {}, [](const auto& bound) { return bound.first; });
  return {.seconds = std::max(largest.first, walk_seconds) + profile.launch_latency_seconds,
          .bound_by = walk_seconds > kLatencyBound * largest.first ? Bottleneck::latency : largest.second};
}

}  // namespace weir
