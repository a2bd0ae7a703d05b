// The parts of a tile's rows are merged in the launch that computes them: by the block that finishes last.
#pragma once

#include <weir/config.h>

#include "device/decode/results.h"
#include "device/softmax.h"

namespace decode {

/// Whether this block is the last of `parts` that come here with the same counter. Then everything that the
/// others stored before may be read, past L1, and the counter is 0 again. All threads of the block together,
/// after a barrier that follows their stores.
__device__ __forceinline__ bool is_last_part(int* counter, int parts) {
  bool is_last = false;
  if (threadIdx.x == 0) {
    const unsigned others = static_cast<unsigned>(parts) - 1;
    __threadfence();
    is_last = atomicInc(reinterpret_cast<unsigned*>(counter), others) == others;
    __threadfence();
  }
  return __syncthreads_or(is_last);
}

/// A warp's share of a row: a lane has four columns of every 128.
constexpr int kLaneQuads = (config::head_dim + 127) / 128;
/// Parts that a lane reads at a time: as many as registers hold. A multiprocessor has at least 65536 of them.
constexpr int kThreadRegisters = 65536 / (kThreads * config::blocks_per_sm);
constexpr int kPartsAhead = (kThreadRegisters > 128 ? 16 : 8) / kLaneQuads;

/// Merges the parts of one row of the tile, in their order, whoever came last. All lanes of a warp together.
__device__ __forceinline__ void combine_row(const Results& results, const Problem& problem,
                                            const Piece& piece, int row) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const Results::Place place = Results::place(problem, piece, row);
  const long long lines = Results::part_lines(problem);
  const float* const source = results.part_o + place.line * config::head_dim + lane * 4;

  float base = -device::infinity(), sum = 0.0f;
  float4 output[kLaneQuads] = {};
#pragma unroll 1
  for (int first = 0; first < piece.parts; first += kPartsAhead) {
    const int mine = first + lane % kPartsAhead;
    const float score = mine < piece.parts
                            ? __ldcg(results.part_lse + mine * lines + place.lse_index) * device::kLog2E
                            : -device::infinity();
    float4 values[kPartsAhead][kLaneQuads];
#pragma unroll
    for (int i = 0; i < kPartsAhead; ++i) {
#pragma unroll
      for (int quad = 0; quad < kLaneQuads; ++quad) {
        values[i][quad] = float4{0.0f, 0.0f, 0.0f, 0.0f};
        if (first + i < piece.parts && quad * 128 + lane * 4 < config::head_dim) {
          values[i][quad] = __ldcg(
              reinterpret_cast<const float4*>(source + (first + i) * lines * config::head_dim + quad * 128));
        }
      }
    }
    float highest = score;
#pragma unroll
    for (int distance = kPartsAhead / 2; distance > 0; distance /= 2) {
      highest = fmaxf(highest, __shfl_xor_sync(device::kWholeWarp, highest, distance));
    }
    highest = fmaxf(highest, base);
    // -inf - -inf would be NaN: a row without a visible key counts from 0.
    const float origin = highest == -device::infinity() ? 0.0f : highest;
    const float weight = ptx::ex2_approx_ftz(score - origin);
    const float kept = ptx::ex2_approx_ftz(base - origin);
    base = highest;
    sum *= kept;
#pragma unroll
    for (int quad = 0; quad < kLaneQuads; ++quad) {
      output[quad].x *= kept, output[quad].y *= kept, output[quad].z *= kept, output[quad].w *= kept;
    }
#pragma unroll
    for (int i = 0; i < kPartsAhead; ++i) {
      const float one = __shfl_sync(device::kWholeWarp, weight, i);
      sum += one;
#pragma unroll
      for (int quad = 0; quad < kLaneQuads; ++quad) {
        output[quad].x += one * values[i][quad].x, output[quad].y += one * values[i][quad].y;
        output[quad].z += one * values[i][quad].z, output[quad].w += one * values[i][quad].w;
      }
    }
  }

  const float factor = sum == 0.0f ? 0.0f : 1.0f / sum;
#pragma unroll
  for (int quad = 0; quad < kLaneQuads; ++quad) {
    if (quad * 128 + lane * 4 >= config::head_dim) continue;
    const float4& values = output[quad];
    results.store_final(place.line, quad * 128 + lane * 4,
                        float4{values.x * factor, values.y * factor, values.z * factor, values.w * factor});
  }
  if (lane == 0) {
    results.lse[place.lse_index] =
        sum == 0.0f ? -device::infinity() : (base + ptx::lg2_approx_ftz(sum)) * device::kLn2;
  }
}

/// Merges the parts of all rows of the tile. All threads of the block together.
__device__ __forceinline__ void combine(const Results& results, const Problem& problem, const Piece& piece) {
  const int rows = piece.valid_rows();
#pragma unroll 1
  for (int row = static_cast<int>(threadIdx.x) / 32; row < rows; row += config::warps) {
    combine_row(results, problem, piece, row);
  }
}

}  // namespace decode
