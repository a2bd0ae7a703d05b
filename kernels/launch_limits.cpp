#include "kernels/launch_limits.h"

namespace weir {

namespace {

constexpr std::int64_t kMaxThreads = 1024;
constexpr std::int64_t kMaxThreadsZ = 64;
constexpr std::int64_t kMaxGridX = 2'147'483'647;
constexpr std::int64_t kMaxGridYZ = 65'535;
constexpr std::int64_t kMaxClusterBlocks = 16;
constexpr std::int64_t kClusterComputeCapability = 90;

}  // namespace

std::optional<std::string> beyond_launch_limits(const std::string& what,
                                                const std::array<std::int64_t, 3>& grid,
                                                const std::array<std::int64_t, 3>& threads,
                                                std::int64_t shared_bytes, const DeviceLimits& device) {
  constexpr std::array<std::int64_t, 3> kMaxGrid{kMaxGridX, kMaxGridYZ, kMaxGridYZ};
  constexpr std::array<std::int64_t, 3> kMaxBlock{kMaxThreads, kMaxThreads, kMaxThreadsZ};
  constexpr std::array<const char*, 3> kAxis{"x", "y", "z"};
  std::int64_t block = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    if (threads[i] < 1 || threads[i] > kMaxBlock[i]) {
      return what + " has " + std::to_string(threads[i]) + " threads in " + kAxis[i] + "; a block has 1 to " +
             std::to_string(kMaxBlock[i]) + " there";
    }
    block *= threads[i];
    if (grid[i] < 1 || grid[i] > kMaxGrid[i]) {
      return what + " has " + std::to_string(grid[i]) + " blocks in " + kAxis[i] + "; a grid has 1 to " +
             std::to_string(kMaxGrid[i]) + " there";
    }
  }
  if (block > kMaxThreads) {
    return what + " has " + std::to_string(block) + " threads in a block; at most " +
           std::to_string(kMaxThreads) + " run";
  }
  if (shared_bytes < 0 || shared_bytes > device.shared_bytes_per_block) {
    return what + " needs " + std::to_string(shared_bytes) +
           " bytes of shared memory; a block of this device has at most " +
           std::to_string(device.shared_bytes_per_block);
  }
  return std::nullopt;
}

std::optional<std::string> beyond_cluster_limits(const std::string& what, const Launch& launch,
                                                 const DeviceLimits& device) {
  std::int64_t blocks = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    if (launch.cluster[i] < 1 || launch.cluster[i] > kMaxClusterBlocks ||
        launch.grid[i] % launch.cluster[i] != 0) {
      return what + " has a cluster of " + std::to_string(launch.cluster[i]) + " in a dimension of " +
             std::to_string(launch.grid[i]) + " blocks; it must be 1 to " +
             std::to_string(kMaxClusterBlocks) + " and divide the grid";
    }
    blocks *= launch.cluster[i];
  }
  if (blocks > kMaxClusterBlocks) {
    return what + " has a cluster of " + std::to_string(blocks) + " blocks; at most " +
           std::to_string(kMaxClusterBlocks) + " are possible";
  }
  if (blocks > 1 && device.compute_capability < kClusterComputeCapability) {
    return what + " has a cluster, which needs compute capability 90; the device has " +
           std::to_string(device.compute_capability);
  }
  return std::nullopt;
}

}  // namespace weir
