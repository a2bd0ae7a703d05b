// Time of a launch: its units scheduled over the SMs as the hardware does, the bounds of L2 and DRAM, and the
// clock that the GPU holds meanwhile. docs/model.md, section 4, has the equations and the measured errors.
#pragma once

#include "base/prediction.h"
#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/unit_time.h"
#include "simulator/walk.h"

namespace weir {

// Changes with every change of the equations or their constants, so that calibrations fitted to others are
// not used.
constexpr int kTimeModelVersion = 4;

// What `seconds` at the nominal clock become at the one that the GPU holds while its tensor cores do
// `tensor_flops` in them.
double seconds_under_load(const DeviceProfile& profile, double seconds, double tensor_flops);

struct LaunchTime {
  double seconds = 0;
  ResourceSeconds resources{};
  Bottleneck bound_by = Bottleneck::dram;  // the largest of `resources`
};
LaunchTime launch_time(const DeviceProfile& profile, const Rates& rates, const Launch& launch,
                       const WalkResult& walked, const Traffic& traffic);

}  // namespace weir
