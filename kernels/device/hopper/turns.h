// Consumer warpgroups that take turns with the tensor cores, each while the others do something else.
#pragma once

#include "device/hopper/warpgroup.h"

namespace hopper {

/// Turn i belongs to consumer i % consumers.
template <int consumers>
struct Turns {
  static_assert(consumers >= 2 && consumers <= 3, "turns are taken by two or three warpgroups");

  /// Waits until turn i - 1 has ended.
  static __device__ __forceinline__ void begin(int turn) {
    if (turn > 0) ptx::bar_sync(kTurn + turn % consumers, 2 * kWarpgroupThreads);
  }
  /// Ends turn i; `next_exists` says whether anybody will begin turn i + 1.
  static __device__ __forceinline__ void end(int turn, bool next_exists) {
    if (next_exists) ptx::bar_arrive(kTurn + (turn + 1) % consumers, 2 * kWarpgroupThreads);
  }
};

}  // namespace hopper
