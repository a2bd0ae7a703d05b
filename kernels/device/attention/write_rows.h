// From a warp's registers to the tensors.
#pragma once

#include <weir/config.h>

#include "device/attention/query_rows.h"

namespace attention {

/// Writes a warp's rows, of which the block has `valid_rows`; `o` and `lse` point at the block's first row,
/// and the softmax is finished. O goes through the warp's own rows of the Q tile at the start of shared
/// memory, so that whole rows are written.
__device__ __forceinline__ void write_rows(Half* o, float* lse, const QueryRows& rows, unsigned char* shared,
                                           int row_stride, int valid_rows) {
  const int thread = ptx::opaque(static_cast<int>(threadIdx.x));
  const int lane = thread % 32;
  const int warp_row = thread / 32 * kRowsPerWarp;
#pragma unroll
  for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = warp_row + 16 * tile + 8 * half + lane / 4;
      const float factor = rows.softmax.weight(tile, half);
#pragma unroll
      for (int column = 0; column < config::head_dim / 8; ++column) {
        const unsigned address = QueryTile::chunk_address(0, row, column) + lane % 4 * 4;
        *reinterpret_cast<unsigned*>(shared + address) = device::pack_from_f32<config::dtype>(
            rows.output[tile][column][2 * half] * factor, rows.output[tile][column][2 * half + 1] * factor);
      }
      if (lane % 4 == 0 && row < valid_rows) lse[row] = rows.softmax.log_sum_exp(tile, half);
    }
  }
  __syncwarp();
#pragma unroll
  for (int i = lane; i < kRowsPerWarp * QueryTile::chunks_per_row; i += 32) {
    const int row = warp_row + i / QueryTile::chunks_per_row;
    const int chunk = i % QueryTile::chunks_per_row;
    if (row < valid_rows) {
      *reinterpret_cast<uint4*>(o + static_cast<long long>(row) * row_stride + chunk * 8) =
          *reinterpret_cast<const uint4*>(shared + QueryTile::chunk_address(0, row, chunk));
    }
  }
}

}  // namespace attention
