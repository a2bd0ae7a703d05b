// The backward pass's view of a block-sparse problem.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/problem.h"

namespace sparse {

/// Without windows and packed batches.
__device__ __forceinline__ attention::backward::Problem problem_of(int batches, int heads_q, int heads_kv,
                                                                   int seq_q, int seq_kv) {
  return {batches, heads_q, heads_kv, seq_q, seq_kv, -1, -1, nullptr, nullptr};
}

}  // namespace sparse
