// y = x through a ring of two shared buffers that cp.async fills, one ahead of use; a block copies `tiles`
// tiles of 16 bytes per thread. `fault` leaves out what keeps it right.
#include "device/ptx/cp_async.h"

enum { kNone, kNoWait, kNoBarrier, kLateWait, kNoSecondBarrier };

extern "C" __global__ void copy_through_ring(const uint4* x, uint4* y, int tiles, int fault) {
  extern __shared__ __align__(16) uint4 buffers[];
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  const auto fill = [&](int tile) {
    if (tile < tiles) {
      ptx::cp_async_cg_16(ptx::shared_address(buffers + tile % 2 * threads + thread), x + tile * threads + thread);
    }
    ptx::cp_async_commit_group();
  };
  fill(0);
  for (int tile = 0; tile < tiles; ++tile) {
    fill(tile + 1);
    if (fault == kLateWait) ptx::cp_async_wait_group<2>();
    else if (fault != kNoWait) ptx::cp_async_wait_group<1>();
    if (fault != kNoBarrier) __syncthreads();
    const int other = (thread + 32) % threads;  // copied by another warp
    y[tile * threads + other] = buffers[tile % 2 * threads + other];
    if (fault != kNoSecondBarrier) __syncthreads();
  }
}

/// Only the first `valid` bytes of each 16 are read, the rest becomes zeros.
extern "C" __global__ void copy_part(const uint4* x, uint4* y, int valid) {
  extern __shared__ __align__(16) uint4 buffer[];
  ptx::cp_async_cg_16(ptx::shared_address(buffer + threadIdx.x), x + threadIdx.x, valid);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  y[threadIdx.x] = buffer[threadIdx.x];
}

/// Thread i accesses the 16 bytes at i * stride_bytes: by cp.async, by a store and by a load.
extern "C" __global__ void strided(const uint4* x, uint4* y, int stride_bytes) {
  extern __shared__ __align__(16) unsigned char shared[];
  auto* mine = reinterpret_cast<uint4*>(shared + stride_bytes * static_cast<int>(threadIdx.x));
  ptx::cp_async_cg_16(ptx::shared_address(mine), x + threadIdx.x);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  y[threadIdx.x] = *mine;
  __syncwarp();
  *mine = x[threadIdx.x];
}
