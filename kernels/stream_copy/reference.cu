// y = x. A copy rounds nothing, so the exact and the low-precision result are the same.
extern "C" __global__ void stream_copy_reference(const float* x, float* y, long long elements) {
  const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < elements) y[i] = x[i];
}
