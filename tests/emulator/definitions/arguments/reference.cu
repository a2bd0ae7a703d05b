extern "C" __global__ void twice(const float* x, float* doubled, int n) {
  for (int i = 0; i < n; ++i) doubled[i] = 2 * x[i];
}

extern "C" __global__ void exact(const float* doubled, float* y, float* total, const int* places, float factor,
                                 int n, long long offset) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += y[i] = factor * doubled[places[i]] + static_cast<float>(offset);
  *total += static_cast<float>(sum);
}

extern "C" __global__ void low(const float* doubled, float* y, float* total, const int* places, float factor,
                               int n, long long offset) {
  for (int i = 0; i < n; ++i) {
    y[i] = (factor * doubled[places[i]] + static_cast<float>(offset)) * (1 + 0x1p-12f);
    *total += y[i];
  }
}
