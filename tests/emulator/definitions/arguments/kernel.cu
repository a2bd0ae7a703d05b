#include <weir/config.h>

extern "C" __global__ void scatter(const float* x, const float* doubled, float* y, float* total,
                                   const int* places, const int* nothing, float factor, int n, long long offset) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (nothing != nullptr || (i < n && doubled[i] != 2 * x[i])) __trap();
  if (i < n) y[i] = factor * doubled[places[i]] + static_cast<float>(offset);
  if (!config::ordered) {
    if (i < n) atomicAdd(total, y[i]);
  } else if (i == 0) {
    for (int j = 0; j < n; ++j) *total += factor * doubled[places[j]] + static_cast<float>(offset);
  }
}
