// One warpgroup's products of tiles that tensor copies bring, in every way that operands can be stored; and a
// ring of buffers between a producer warp and consumers.
#include "device/ptx/cp_async.h"
#include "device/ptx/fence.h"
#include "device/ptx/mbarrier.h"
#include "device/ptx/setmaxnreg.h"
#include "device/ptx/stmatrix.h"
#include "device/ptx/tma.h"
#include "device/ptx/wgmma.h"

namespace {

using ptx::TensorMap;

constexpr int kRows = 64, kColumns = 128, kDepth = 128;

__device__ unsigned long long descriptor(unsigned address, unsigned leading, unsigned stride) {
  return (address & 0x3ffffu) >> 4 | static_cast<unsigned long long>(leading >> 4) << 16 |
         static_cast<unsigned long long>(stride >> 4) << 32 | 1ull << 62;
}

__device__ void wait_for(unsigned barrier, unsigned parity) {
  while (!ptx::mbarrier_try_wait_parity(barrier, parity)) {
  }
}

}  // namespace

enum { kBothAlongK, kBAlongColumns, kAInRegisters, kBothAcross, kAByStmatrix, kModes };

/// d[64, 128] = A · B with a (as kModes says, [64][128] or [128][64]) and b ([128][128]) in panels of 64
/// columns. `wait` 0 leaves out the wait for the product.
template <int mode>
__device__ void multiply(const TensorMap& a_map, const TensorMap& b_map, const unsigned short* a, float* d,
                         int wait) {
  extern __shared__ __align__(1024) unsigned char shared[];
  __shared__ __align__(8) unsigned long long arrived;
  const unsigned a_tile = ptx::shared_address(shared), b_tile = a_tile + kRows * kDepth * 2;
  const unsigned barrier = ptx::shared_address(&arrived);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
  if (thread == 0) ptx::mbarrier_init(barrier, 1);
  __syncthreads();
  if (thread == 0) {
    ptx::mbarrier_arrive_expect_tx(barrier, (kRows + kColumns) * kDepth * 2);
    ptx::cp_async_bulk_tensor_3d(a_tile, a_map, barrier, 0, 0, 0);
    ptx::cp_async_bulk_tensor_3d(b_tile, b_map, barrier, 0, 0, 0);
  }
  wait_for(barrier, 0);

  unsigned fragments[kDepth / 16][4];
  for (int step = 0; step < kDepth / 16; ++step) {
    for (int i = 0; i < 4; ++i) {
      const int row = 16 * warp + lane / 4 + i % 2 * 8, column = 16 * step + lane % 4 * 2 + i / 2 * 8;
      const unsigned short* pair = a + row * kDepth + column;
      fragments[step][i] = pair[0] | static_cast<unsigned>(pair[1]) << 16;
    }
    if (mode == kAByStmatrix) {
      const int row = 16 * warp + lane % 16, column = 16 * step + lane / 16 * 8;
      const unsigned offset = column / 64 * kRows * 128 + ((row * 128 + column % 64 * 2) ^ (row & 7) << 4);
      ptx::stmatrix_x4(a_tile + offset, fragments[step]);
    }
  }
  ptx::fence_proxy_async_shared();
  __syncthreads();

  float sums[kColumns / 2];
  constexpr bool a_across = mode == kBothAcross, b_across = mode != kBothAlongK;
  ptx::wgmma_fence();
  for (int step = 0; step < kDepth / 16; ++step) {
    const unsigned a_offset = a_across ? step * 2048 : step / 4 * (kRows * 128) + step % 4 * 32;
    const unsigned b_offset = b_across ? step * 2048 : step / 4 * (kColumns * 128) + step % 4 * 32;
    const auto a_operand = descriptor(a_tile + a_offset, a_across ? kDepth * 128 : 16, 1024);
    const auto b_operand = descriptor(b_tile + b_offset, b_across ? kDepth * 128 : 16, 1024);
    if constexpr (mode == kAInRegisters) {
      ptx::wgmma_m64k16_bf16<true>(sums, fragments[step], b_operand, step > 0);
    } else {
      ptx::wgmma_m64k16_bf16<a_across, b_across>(sums, a_operand, b_operand, step > 0);
    }
  }
  ptx::wgmma_commit_group();
  if (wait) ptx::wgmma_wait_group<0>();
  for (int i = 0; i < kColumns / 2; ++i) {
    const int row = 16 * warp + lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
    d[row * kColumns + column] = sums[i];
  }
}

extern "C" __global__ void both_along_k(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map,
                                const unsigned short* a, const unsigned short*, float* d, int wait) {
  multiply<kBothAlongK>(a_map, b_map, a, d, wait);
}
extern "C" __global__ void b_along_columns(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map,
                                const unsigned short* a, const unsigned short*, float* d, int wait) {
  multiply<kBAlongColumns>(a_map, b_map, a, d, wait);
}
extern "C" __global__ void a_in_registers(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map,
                                const unsigned short* a, const unsigned short*, float* d, int wait) {
  multiply<kAInRegisters>(a_map, b_map, a, d, wait);
}
extern "C" __global__ void both_across(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map,
                                const unsigned short* a, const unsigned short*, float* d, int wait) {
  multiply<kBothAcross>(a_map, b_map, a, d, wait);
}
extern "C" __global__ void a_by_stmatrix(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map,
                                const unsigned short* a, const unsigned short*, float* d, int wait) {
  multiply<kAByStmatrix>(a_map, b_map, a, d, wait);
}

enum { kNone, kTooFewBytes, kNoFullWait, kNoEmptyWait, kNoStoreWait };

/// y += x, tile by tile: warp 0 fills two buffers of 32 rows of 32 floats, warps 1 and 2 add one to each
/// element and hand it to a tensor reduction. What `fault` names is left out.
extern "C" __global__ void add_through_ring(const __grid_constant__ TensorMap x_map,
                                            const __grid_constant__ TensorMap y_map, const float* x, float* y,
                                            int tiles, int fault) {
  constexpr int kStages = 2, kTileBytes = 32 * 32 * 4;
  extern __shared__ __align__(1024) unsigned char shared[];
  __shared__ __align__(8) unsigned long long full[kStages], empty[kStages];
  const unsigned buffers = ptx::shared_address(shared);
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    for (int i = 0; i < kStages; ++i) {
      ptx::mbarrier_init(ptx::shared_address(&full[i]), 1);
      ptx::mbarrier_init(ptx::shared_address(&empty[i]), 64);
    }
    ptx::fence_mbarrier_init();
  }
  __syncthreads();
  if (thread < 32) {
    ptx::setmaxnreg_dec<24>();
    for (int tile = 0; thread == 0 && tile < tiles; ++tile) {
      const unsigned barrier = ptx::shared_address(&full[tile % kStages]);
      if (fault != kNoEmptyWait)
        wait_for(ptx::shared_address(&empty[tile % kStages]), tile / kStages % 2 ^ 1);
      ptx::mbarrier_arrive_expect_tx(barrier, kTileBytes + (fault == kTooFewBytes ? 16 : 0));
      ptx::cp_async_bulk_tensor_2d(buffers + tile % kStages * kTileBytes, x_map, barrier, 0, 32 * tile);
    }
    return;
  }
  ptx::setmaxnreg_inc<240>();
  for (int tile = 0; tile < tiles; ++tile) {
    if (fault != kNoFullWait)
      wait_for(ptx::shared_address(&full[tile % kStages]), tile / kStages % 2);
    // A thread's own row of 128 bytes in every tile; its place does not depend on the swizzle.
    const unsigned row = tile % kStages * kTileBytes + (thread - 32) / 2 * 128;
    for (int i = thread % 2; i < 32; i += 2) *reinterpret_cast<float*>(shared + row + 4 * i) += 1;
    ptx::fence_proxy_async_shared();
    __syncwarp();
    if (thread % 32 == 0) {
      // 16 rows of this warp.
      const unsigned source = buffers + tile % kStages * kTileBytes + (thread / 32 - 1) * 16 * 128;
      ptx::cp_reduce_async_bulk_tensor_2d_add(y_map, source, 0, 32 * tile + (thread / 32 - 1) * 16);
      ptx::cp_async_bulk_commit_group();
      if (fault != kNoStoreWait) ptx::cp_async_bulk_wait_group_read<0>();
    }
    __syncwarp();
    ptx::mbarrier_arrive(ptx::shared_address(&empty[tile % kStages]));
  }
}
