// Time of a launch: what each block needs of its SM and how long it waits, scheduled over the SMs as the
// hardware does, and the bound of DRAM. docs/model.md has the equations and the measured errors.
#pragma once

#include "base/prediction.h"
#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/walk.h"

namespace weir {

// A block (or an item of a dynamic schedule) on an SM.
struct UnitTime {
  double busy_seconds = 0;  // of the SM's units: what the block takes from the others on the SM
  double solo_seconds = 0;  // from start to end if it is alone: its own work in order, and its waits

  bool operator==(const UnitTime&) const = default;
};
// `load_latency_seconds`: from a load to its data, without the transfer; `prefetch`: steps that loads run
// ahead.
UnitTime unit_time(const DeviceProfile& profile, const Rates& rates, const UnitWork& unit, double threads,
                   int prefetch, double load_latency_seconds);
// With so many blocks like it on the SM.
double shared_sm_seconds(const UnitTime& unit, double residents);

// Changes with every change of the equations or their constants, so that calibrations fitted to others are
// not used.
constexpr int kTimeModelVersion = 3;

struct LaunchTime {
  double seconds = 0;
  ResourceSeconds resources{};
  Bottleneck bound_by = Bottleneck::dram;  // the largest of `resources`
};
LaunchTime launch_time(const DeviceProfile& profile, const Rates& rates, const Launch& launch,
                       const WalkResult& walked, const Traffic& traffic);

}  // namespace weir
