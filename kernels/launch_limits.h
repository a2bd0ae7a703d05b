// What every launch on every GPU has to respect. Private to kernels/.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/candidate.h"

namespace weir {

// Why the launch `what` cannot run on the device; nothing if it can.
std::optional<std::string> beyond_launch_limits(const std::string& what,
                                                const std::array<std::int64_t, 3>& grid,
                                                const std::array<std::int64_t, 3>& threads,
                                                std::int64_t shared_bytes, const DeviceLimits& device);
std::optional<std::string> beyond_cluster_limits(const std::string& what, const Launch& launch,
                                                 const DeviceLimits& device);

}  // namespace weir
