// Reads or writes a buffer in one of four patterns. What is read goes into a maximum, so that no load can be
// left out.
#include <weir/config.h>

#include "device/ptx/load.h"

namespace {

constexpr int kLoads = 4;  // of 16 bytes that a thread has in flight
constexpr int kTile = config::threads * kLoads;

__device__ __forceinline__ float largest(float4 v) {
  return fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w));
}

/// The largest of x[0, count), read a tile at a time by all threads of the block.
__device__ float read(const float4* x, long long count, float most) {
  for (long long first = threadIdx.x; first < count; first += kTile) {
    float4 held[kLoads];
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      if (first + i * config::threads < count)
        held[i] = ptx::ld_global_cg_v4(x + first + i * config::threads);
    }
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      if (first + i * config::threads < count) most = fmaxf(most, largest(held[i]));
    }
  }
  return most;
}

/// The largest of the sectors that fall to this block; two threads share a sector.
__device__ float read_sectors(const float4* s, long long sectors, int stride, float most) {
  constexpr int kRows = config::threads / 2;
  const int half = threadIdx.x % 2;
  for (long long first = static_cast<long long>(blockIdx.x) * kRows + threadIdx.x / 2; first < sectors;
       first += static_cast<long long>(gridDim.x) * kRows) {
    most = fmaxf(most, largest(ptx::ld_global_cg_v4(s + first * stride * 2 + half)));
  }
  return most;
}

__device__ void write(float4* y, long long count) {
  const long long first = static_cast<long long>(blockIdx.x) * kTile + threadIdx.x;
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    const long long at = first + i * config::threads;
    const float value = static_cast<float>(at % 1024);
    if (at < count) y[at] = make_float4(value, value, value, value);
  }
}

/// The largest value that any thread of the block has; thread 0 gets it.
__device__ float largest_of_block(float most) {
  __shared__ float warps[32];
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFFU, most, distance));
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x != 0) return most;
  for (int warp = 1; warp < config::threads / 32; ++warp) most = fmaxf(most, warps[warp]);
  return most;
}

/// The last block to come here writes the largest value of all.
__device__ void collect(float* y, float* block_largest, int* done, float most) {
  most = largest_of_block(most);
  __shared__ bool is_last;
  if (threadIdx.x == 0) {
    block_largest[blockIdx.x] = most;
    __threadfence();
    is_last = atomicAdd(done, 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  for (int block = threadIdx.x; block < gridDim.x; block += config::threads)
    most = fmaxf(most, __ldcg(block_largest + block));
  most = largest_of_block(most);
  if (threadIdx.x == 0) y[0] = most;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(config::threads)
    memory_probe(const float4* x, const float4* s, float* y, float* block_largest, int* done, long long bytes,
                 int passes, int stride) {
  if constexpr (config::pattern == config::writes) {
    write(reinterpret_cast<float4*>(y), bytes / 16);
    return;
  }
  const long long vectors = bytes / 16;
  const long long part = (vectors + gridDim.x - 1) / gridDim.x;
  const long long begin = min(blockIdx.x * part, vectors);
  float most = -1;
  for (int pass = 0; pass < passes; ++pass) {
    if constexpr (config::pattern == config::private_reads)
      most = read(x + begin, min(part, vectors - begin), most);
    if constexpr (config::pattern == config::shared_reads) most = read(x, vectors, most);
    if constexpr (config::pattern == config::strided_reads)
      most = read_sectors(s, bytes / 32 / stride, stride, most);
  }
  collect(y, block_largest, done, most);
}
