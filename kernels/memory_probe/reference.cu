// What memory_probe must write. `part`: elements of a block of private_reads, sectors of one of strided_reads.
#include <weir/config.h>

extern "C" __global__ void memory_probe_reference(const float* x, const float* s, float* y, long long bytes,
                                                  int stride, long long part) {
  const long long elements = bytes / 4;
  if (config::pattern == config::writes) {
    const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < elements) y[i] = static_cast<float>(i / 4 % 1024);
    return;
  }
  __shared__ float threads[256];
  float most = -1;
  if (config::pattern == config::strided_reads) {
    // Block b of the grid takes the sectors [b, b + 1) x rows, then those a grid further.
    const long long sectors = elements / 8 / stride;
    for (long long i = threadIdx.x; i < sectors * 8; i += blockDim.x) {
      const long long sector = i / 8;
      if (sector / part % gridDim.x == blockIdx.x) most = fmaxf(most, s[sector * stride * 8 + i % 8]);
    }
  } else {
    const bool own = config::pattern == config::private_reads;
    const long long begin = own ? blockIdx.x * part : 0;
    const long long end = own ? min(begin + part, elements) : elements;
    for (long long i = begin + threadIdx.x; i < end; i += blockDim.x) most = fmaxf(most, x[i]);
  }
  threads[threadIdx.x] = most;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int thread = 1; thread < blockDim.x; ++thread) most = fmaxf(most, threads[thread]);
  y[blockIdx.x] = most;
}
