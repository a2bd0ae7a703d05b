#include "kernels/candidate.h"

#include <algorithm>
#include <limits>

namespace weir {

namespace {

constexpr std::int64_t kWarpThreads = 32;
constexpr std::int64_t kSchedulersPerSm = 4;           // each owns a quarter of the registers, since Maxwell
constexpr std::int64_t kRegisterAllocationUnit = 256;  // registers of one warp
constexpr std::int64_t kSharedAllocationUnit = 128;    // bytes

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

std::int64_t element_count(const TensorLayout& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  return count;
}

std::int64_t extent_bytes(const TensorLayout& tensor) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] == 0) return 0;
    last += (tensor.shape[i] - 1) * tensor.strides_elements[i];
  }
  return (last + 1) * bytes_of(tensor.element);
}

std::int64_t blocks_per_sm(const Launch& launch, const DeviceLimits& device, std::int64_t max_blocks_per_sm,
                           std::int64_t reserved_shared_bytes, std::int64_t registers_per_thread) {
  const std::int64_t threads = launch.threads[0] * launch.threads[1] * launch.threads[2];
  const std::int64_t warps = (threads + kWarpThreads - 1) / kWarpThreads;
  if (warps == 0) return 0;
  std::int64_t blocks = std::min(max_blocks_per_sm, device.max_threads_per_sm / (warps * kWarpThreads));
  if (registers_per_thread > 0) {
    const std::int64_t per_warp = round_up(registers_per_thread * kWarpThreads, kRegisterAllocationUnit);
    const std::int64_t warps_that_fit =
        device.registers_per_sm / kSchedulersPerSm / per_warp * kSchedulersPerSm;
    blocks = std::min(blocks, warps_that_fit / warps);
  }
  const std::int64_t shared = round_up(launch.shared_bytes + reserved_shared_bytes, kSharedAllocationUnit);
  if (shared > 0) blocks = std::min(blocks, device.shared_bytes_per_sm / shared);
  if (launch.blocks_per_sm_limit > 0) blocks = std::min(blocks, launch.blocks_per_sm_limit);
  return std::max<std::int64_t>(blocks, 0);
}

}  // namespace weir
