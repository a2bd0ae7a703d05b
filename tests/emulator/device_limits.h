// Limits of the architectures that candidates are resolved for.
#pragma once

#include "kernels/candidate.h"

namespace weir::emulator {

// CUDA C++ Programming Guide, technical specifications per compute capability. The number of multiprocessors
// is small on purpose: grids that follow it stay quick to emulate.
inline DeviceLimits device_limits(std::int64_t capability) {
  DeviceLimits device{.compute_capability = capability,
                      .sm_count = 6,
                      .max_threads_per_sm = 1536,
                      .registers_per_sm = 65536,
                      .shared_bytes_per_sm = 100 * 1024,
                      .shared_bytes_per_block = 99 * 1024,
                      .l2_bytes = 48 << 20};
  if (capability == 80 || capability == 90) device.max_threads_per_sm = 2048;
  if (capability == 80) device.shared_bytes_per_sm = 164 * 1024, device.shared_bytes_per_block = 163 * 1024;
  if (capability >= 90 && capability < 120)
    device.shared_bytes_per_sm = 228 * 1024, device.shared_bytes_per_block = 227 * 1024;
  return device;
}

}  // namespace weir::emulator
