// Time of one block, or of one item of a dynamic schedule, on an SM: what it needs of the SM's units, and how
// long it takes if it is alone. docs/model.md, section 4, has the equations.
#pragma once

#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/walk.h"

namespace weir {

// Between the largest and the sum: as if work overlapped, but not perfectly.
double combine(std::initializer_list<double> seconds, double norm);

// What the units of a launch have in common.
struct UnitSetting {
  double threads = 1;
  bool copy_engine = false;         // fed through tensor maps, by a warp group that does nothing else
  bool cluster = false;             // of more than one block
  double stored_by_threads = 1;     // share of the stored bytes; the copy engine stores the others
  int prefetch = 0;                 // steps that loads run ahead
  double load_latency_seconds = 0;  // from a load to its data, without the transfer

  bool operator==(const UnitSetting&) const = default;
};
UnitSetting unit_setting(const DeviceProfile& profile, const Launch& launch, const WalkResult& walked);

struct UnitTime {
  double busy_seconds = 0;  // of the SM's units: what the block takes from the others on the SM
  double solo_seconds = 0;  // from start to end if it is alone: its own work in order, and its waits

  bool operator==(const UnitTime&) const = default;
};
UnitTime unit_time(const DeviceProfile& profile, const Rates& rates, const UnitWork& unit,
                   const UnitSetting& setting);
// With so many blocks like it on the SM.
double shared_sm_seconds(const UnitTime& unit, double residents);

// Seconds that the unit's work takes of each resource of the whole GPU.
struct UnitAmounts {
  double tensor = 0, fp32 = 0, special = 0, shared = 0, port = 0;
};
UnitAmounts unit_amounts(const Rates& rates, const UnitWork& unit);

// Definitions count operations. Rates count a multiply-add as two, and most others of a kernel are single.
constexpr double kSingleOperations = 2;

}  // namespace weir
