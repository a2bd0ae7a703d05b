#include "profiles/device_profile.h"

#include <algorithm>
#include <array>
#include <span>

namespace weir {

std::vector<std::string> validate(const DeviceProfile& p) {
  std::vector<std::string> broken;
  const auto require = [&](bool holds, const char* rule) {
    if (!holds) broken.emplace_back(rule);
  };
  require(!p.name.empty(), "the profile has no name");
  require(p.compute_capability >= 70 && p.compute_capability < 1000,
          "compute_capability is major * 10 + minor and at least 70");
  require(p.sm_count > 0, "sm_count must be positive");
  require(p.max_threads_per_sm > 0 && p.max_threads_per_sm % 32 == 0,
          "max_threads_per_sm must be a positive multiple of 32");
  require(p.max_blocks_per_sm > 0, "max_blocks_per_sm must be positive");
  require(p.registers_per_sm > 0, "registers_per_sm must be positive");
  require(p.shared_bytes_per_block > 0, "shared_bytes_per_block must be positive");
  require(p.shared_reserved_bytes_per_block >= 0, "shared_reserved_bytes_per_block must not be negative");
  require(p.shared_bytes_per_block + p.shared_reserved_bytes_per_block <= p.shared_bytes_per_sm,
          "one block's shared memory and its reserve must fit in shared_bytes_per_sm");
  require(p.mma_sync_fraction > 0 && p.mma_sync_fraction <= 1, "mma_sync_fraction lies in (0, 1]");
  for (const double rate :
       {p.sm_clock_hertz, p.tensor_flops_per_second, p.fp32_flops_per_second, p.special_ops_per_second,
        p.shared_bytes_per_second, p.l2_bytes_per_second, p.dram_bytes_per_second}) {
    if (!(rate > 0)) {
      broken.emplace_back("clocks, rates and bandwidths must be positive");
      break;
    }
  }
  require(p.l2_bytes > 0 && p.dram_bytes > p.l2_bytes,
          "l2_bytes must be positive and smaller than dram_bytes");
  require(p.l2_partitions == 1 || p.l2_partitions == 2, "l2_partitions is 1 or 2");
  require(p.sector_bytes > 0 && p.l2_line_bytes % p.sector_bytes == 0, "l2_line_bytes must be whole sectors");
  require(p.l2_private_weight >= 1 && p.l2_shared_weight >= p.l2_private_weight,
          "1 <= l2_private_weight <= l2_shared_weight");
  require(p.l2_partitions == 2 || (p.l2_private_weight == 1 && p.l2_shared_weight == 1),
          "an L2 of one partition has the weights 1 and 1");
  require(p.l2_survival_width > 0 && p.l2_survival_width <= 0.2, "l2_survival_width lies in (0, 0.2]");
  require(p.l2_dirty_fraction > 0 && p.l2_dirty_fraction <= 1, "l2_dirty_fraction lies in (0, 1]");
  require(p.l2_foreign_dirty_bytes >= 0 && p.l2_foreign_dirty_bytes <= p.l2_bytes / 10,
          "l2_foreign_dirty_bytes is at most a tenth of l2_bytes");
  require(p.dram_efficiency > 0 && p.dram_efficiency <= 1, "dram_efficiency lies in (0, 1]");
  require(p.dram_read_granule_bytes >= p.sector_bytes && p.dram_read_granule_bytes % p.sector_bytes == 0,
          "dram_read_granule_bytes must be whole sectors");
  require(p.dram_write_granule_bytes > 0, "dram_write_granule_bytes must be positive");
  require(p.dram_latency_seconds > p.l2_latency_seconds && p.l2_latency_seconds > 0,
          "0 < l2_latency_seconds < dram_latency_seconds");
  require(p.launch_latency_seconds >= 0, "launch_latency_seconds must not be negative");
  require(p.block_overhead_seconds >= 0 && p.step_overhead_seconds >= 0,
          "block_overhead and step_overhead must not be negative");
  for (const auto& [key, source] : p.sources) {
    const bool known = !source.calibrated || std::ranges::count(p.device_names, source.calibrated->gpu) > 0;
    if (!known) broken.push_back(key + " was calibrated on a GPU that is not among device_names");
    if (source.carried_over_from == p.name) broken.push_back(key + " is carried over from this very profile");
  }
  return broken;
}

namespace {

// No datasheet gives these. Predicted bytes depend on the first list, predicted times on both.
constexpr std::array kMemoryModel = {"l2_private_weight",      "l2_shared_weight",
                                     "l2_survival_width",      "l2_dirty_fraction",
                                     "l2_foreign_dirty_bytes", "dram_read_granule_bytes"};
constexpr std::array kTimeModel = {"mma_sync_fraction", "l2_bandwidth",   "dram_efficiency", "dram_latency",
                                   "l2_latency",        "launch_latency", "block_overhead",  "step_overhead"};

// "a, b carried over from x; c not measured"; empty if all are calibrated.
std::string uncalibrated_among(const DeviceProfile& profile, std::span<const char* const> keys) {
  std::map<std::string, std::string> names_by_origin;
  for (const char* key : keys) {
    const auto found = profile.sources.find(key);
    if (found != profile.sources.end() && found->second.calibrated) continue;
    const std::string donor = found == profile.sources.end() ? "" : found->second.carried_over_from;
    std::string& names = names_by_origin[donor.empty() ? "not measured" : "carried over from " + donor];
    names += (names.empty() ? "" : ", ") + std::string(key);
  }
  std::string text;
  for (const auto& [origin, names] : names_by_origin)
    text += (text.empty() ? "" : "; ") + names + " " + origin;
  return text;
}

}  // namespace

Uncalibrated uncalibrated(const DeviceProfile& profile) {
  return {.traffic = uncalibrated_among(profile, kMemoryModel),
          .time = uncalibrated_among(profile, kTimeModel)};
}

}  // namespace weir
