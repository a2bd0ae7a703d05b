// Q, dO and the rows' statistics on their way from global to shared memory.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/query_steps.h"
#include "device/attention/backward/tiles.h"
#include "device/ptx/opaque.h"

namespace attention::backward {

/// The queries of all heads that share the block's keys.
template <class Layout>
struct QueryStream {
  const Half* q;  // this thread's first chunk of the first head's first query
  const Half* dout;
  const float* statistics;  // of the first head's first query
  long long statistics_head_stride;
  unsigned shared;
  int row_stride, seq_q;

  /// Starts copying a step's tiles to stage `stage`.
  __device__ __forceinline__ void copy(const auto& step, int stage) const {
    const int first_query = step.tile * config::tile_q;
    const int stride = ptx::opaque(row_stride);
    const int valid_rows = ptx::opaque(seq_q) - first_query;
    const long long offset = static_cast<long long>(first_query) * stride + step.head * config::head_dim;
    const unsigned q_tile = shared + Layout::queries + stage * QueryTile::bytes;
    const unsigned dout_tile = shared + Layout::output_gradients + stage * QueryTile::bytes;
    if (valid_rows >= config::tile_q) {
      QueryTile::copy_async<kThreads, false>(q_tile, q + offset, stride, valid_rows);
      QueryTile::copy_async<kThreads, false>(dout_tile, dout + offset, stride, valid_rows);
    } else {
      QueryTile::copy_async<kThreads, true>(q_tile, q + offset, stride, valid_rows);
      QueryTile::copy_async<kThreads, true>(dout_tile, dout + offset, stride, valid_rows);
    }
    const int chunk = static_cast<int>(threadIdx.x);
    if (chunk < Layout::statistics_bytes / 16) {
      ptx::cp_async_cg_16(shared + Layout::statistics + stage * Layout::statistics_bytes + chunk * 16,
                          statistics + step.head * statistics_head_stride + first_query * 2LL + chunk * 4);
    }
  }
};

}  // namespace attention::backward
