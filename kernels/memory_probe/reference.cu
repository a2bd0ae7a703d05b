// What memory_probe must write.
#include <weir/config.h>

extern "C" __global__ void memory_probe_reference(const float* x, const float* s, float* y, long long bytes,
                                                  int stride) {
  const long long elements = bytes / 4;
  if (config::pattern == config::writes) {
    const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < elements) y[i] = static_cast<float>(i / 4 % 1024);
    return;
  }
  __shared__ float threads[256];
  float most = -1;
  if (config::pattern == config::strided_reads) {
    const long long sectors = elements / 8 / stride;
    for (long long i = threadIdx.x; i < sectors * 8; i += blockDim.x)
      most = fmaxf(most, s[i / 8 * stride * 8 + i % 8]);
  } else {
    for (long long i = threadIdx.x; i < elements; i += blockDim.x) most = fmaxf(most, x[i]);
  }
  threads[threadIdx.x] = most;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int thread = 1; thread < blockDim.x; ++thread) most = fmaxf(most, threads[thread]);
  y[0] = most;
}
