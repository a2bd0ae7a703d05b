// C[m, n] = A[m, k] * transpose(B[n, k]): one block computes one tile of C with tensor cores (mma.sync), fed
// by a ring of shared-memory stages that cp.async fills ahead of use.
#include <weir/config.h>

#include "device/block_order.h"
#include "device/element.h"
#include "device/ptx/cp_async.h"
#include "device/shared_tile.h"
#include "device/tile_copy.h"
#include "device/warp_tile.h"

namespace {

using device::Half;

constexpr int kThreads = config::warps_m * config::warps_n * device::kWarpSize;
constexpr int kWarpRows = config::tile_m / config::warps_m;
constexpr int kWarpColumns = config::tile_n / config::warps_n;
constexpr int kDepthSteps = config::tile_k / device::kMmaDepth;

using ATile = device::SharedTile<config::tile_m, config::tile_k>;
using BTile = device::SharedTile<config::tile_n, config::tile_k>;
using CTile = device::SharedTile<config::tile_m, config::tile_n>;
constexpr int kStageBytes = ATile::bytes + BTile::bytes;

static_assert(config::tile_m % config::warps_m == 0 && config::tile_n % config::warps_n == 0,
              "the warps must divide the tile evenly");
static_assert(kWarpRows % 16 == 0 && kWarpColumns % 16 == 0, "a warp computes whole blocks of 16 x 16");
static_assert(kDepthSteps % 2 == 0, "the two fragment buffers alternate within a stage");
static_assert(config::stages >= 2, "one stage is filled while another is used");

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    gemm(const Half* a, const Half* b, Half* c, int m, int n, int k) {
  extern __shared__ __align__(128) unsigned char shared[];
  const unsigned stages = ptx::shared_address(shared);

  // This block's tile of C, and this warp's part of it.
  const device::TileIndex tile =
      device::grouped_order(static_cast<int>(blockIdx.x), device::ceil_div(m, config::tile_m),
                            device::ceil_div(n, config::tile_n), config::group_m);
  const int first_row = tile.row * config::tile_m;
  const int first_column = tile.column * config::tile_n;
  const int warp = static_cast<int>(threadIdx.x) / device::kWarpSize;
  const int warp_row = warp / config::warps_n * kWarpRows;
  const int warp_column = warp % config::warps_n * kWarpColumns;

  // Fill all stages but one. Every step commits a group, also past the end, so that counting groups counts
  // steps.
  const int steps = device::ceil_div(k, config::tile_k);
  device::TileLoader<ATile, kThreads> a_loader(a, m, k, first_row);
  device::TileLoader<BTile, kThreads> b_loader(b, n, k, first_column);
  const auto load_stage = [&](int step, int stage_offset) {
    if (step < steps) {
      a_loader.load_next(stages + stage_offset);
      b_loader.load_next(stages + stage_offset + ATile::bytes);
    }
    ptx::cp_async_commit_group();
  };
#pragma unroll
  for (int step = 0; step < config::stages - 1; ++step) load_stage(step, step * kStageBytes);

  // Operands go from shared memory to registers one depth step ahead of the tensor cores.
  const device::FragmentReader<device::Operand::a, ATile, kWarpRows> a_reader(warp_row);
  const device::FragmentReader<device::Operand::b, BTile, kWarpColumns> b_reader(warp_column);
  device::OperandFragment<device::Operand::a, kWarpRows> a_fragments[2];
  device::OperandFragment<device::Operand::b, kWarpColumns> b_fragments[2];
  const auto read_fragments = [&](int depth_step, int stage_offset) {
    a_reader.read(a_fragments[depth_step % 2], stages + stage_offset, depth_step);
    b_reader.read(b_fragments[depth_step % 2], stages + stage_offset + ATile::bytes, depth_step);
  };
  const auto wait_for_next_stage = [] {
    ptx::cp_async_wait_group<config::stages - 2>();
    __syncthreads();
  };
  const auto next_in_ring = [](int stage_offset) {
    return stage_offset == (config::stages - 1) * kStageBytes ? 0 : stage_offset + kStageBytes;
  };

  device::WarpAccumulator<config::dtype, kWarpRows, kWarpColumns> accumulator;
  int used_stage = 0;
  int filled_stage = (config::stages - 1) * kStageBytes;
  wait_for_next_stage();
  read_fragments(0, used_stage);

#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int depth_step = 0; depth_step < kDepthSteps; ++depth_step) {
      if (depth_step + 1 < kDepthSteps) {
        read_fragments(depth_step + 1, used_stage);
      } else {
        // The barrier says both that the next stage is complete and that every warp has read all of this one.
        wait_for_next_stage();
        filled_stage = used_stage;
        used_stage = next_in_ring(used_stage);
        read_fragments(0, used_stage);
      }
      if (depth_step == 0) load_stage(step + config::stages - 1, filled_stage);
      accumulator.add_product(a_fragments[depth_step % 2], b_fragments[depth_step % 2]);
    }
  }

  // Through shared memory, so that rows of C are written in full sectors.
  ptx::cp_async_wait_group<0>();
  __syncthreads();
  accumulator.write<CTile>(shared, warp_row, warp_column);
  __syncthreads();
  device::store_tile<CTile, kThreads>(c, m, n, first_row, first_column, shared);
}
