// y = x, 16 bytes per thread and access. A block moves contiguous chunks: one (one-shot), or every
// gridDim.x-th one.
#include <weir/config.h>

namespace {

constexpr int kChunkVectors = config::threads * config::vectors;

}  // namespace

extern "C" __global__ void __launch_bounds__(config::threads)
    stream_copy(const uint4* x, uint4* y, long long vectors) {
  const long long stride = static_cast<long long>(gridDim.x) * kChunkVectors;
  for (long long first = static_cast<long long>(blockIdx.x) * kChunkVectors; first < vectors;
       first += stride) {
    const long long mine = first + threadIdx.x;
    // All loads of the chunk are in flight before the first store.
    uint4 held[config::vectors];
#pragma unroll
    for (int i = 0; i < config::vectors; ++i) {
      if (mine + i * config::threads < vectors) held[i] = x[mine + i * config::threads];
    }
#pragma unroll
    for (int i = 0; i < config::vectors; ++i) {
      if (mine + i * config::threads < vectors) y[mine + i * config::threads] = held[i];
    }
  }
}
