// The plan of block-sparse attention where query tiles come from a queue (device/attention/queued_pass.h).
#pragma once

#include "device/sparse/kept_keys.h"

namespace sparse {

/// What a query tile sees has been looked up when consumers get it, so that they only look for their rows'
/// ends close to its own.
struct QueuedKeysOfRows : KeptKeysOfRows {
  __device__ __forceinline__ Ends ends(const Work& work, int row) const {
    if constexpr (!config::causal) return {work.seen, work.seen};
    return {places_before(end_key(row), work), places_before(end_key(row + 8), work)};
  }

 private:
  /// Places that come before the key `end`, from the tile's last one back. Rows of queries past the last may
  /// see more than the tile does, and are not stored.
  static __device__ __forceinline__ int places_before(int end, const Work& work) {
    for (int block = device::ceil_div(work.seen, config::block_kv) - 1; block >= 0; --block) {
      const int before = end - work.keys.blocks[block] * config::block_kv;
      if (before > 0) return block * config::block_kv + min(config::block_kv, before);
    }
    return 0;
  }
};

}  // namespace sparse
