// Time of a launch: the largest of the resources' bounds and of the walk, plus start and drain.
#pragma once

#include "base/prediction.h"
#include "profiles/device_profile.h"
#include "simulator/walk.h"

namespace weir {

struct LaunchTime {
  double seconds = 0;
  Bottleneck bound_by = Bottleneck::dram;
};
LaunchTime launch_time(const DeviceProfile& profile, const Rates& rates, const Work& work,
                       const Traffic& traffic, double walk_seconds);

}  // namespace weir
