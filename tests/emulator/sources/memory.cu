// Kernels that reach one element too far, or to where they may not, if `beyond` says so.
#include "device/ptx/cp_async.h"
#include "device/ptx/ldmatrix.h"

extern "C" __global__ void read_next(const float* x, float* out, int beyond) {
  out[threadIdx.x] = x[threadIdx.x + beyond];
}

extern "C" __global__ void write_next(const float* x, float* out, int beyond) {
  out[static_cast<int>(threadIdx.x) + beyond] = x[threadIdx.x];
}

extern "C" __global__ void write_input(float* x, float* out, int beyond) {
  if (beyond) x[threadIdx.x] = 1;
  out[threadIdx.x] = 1;
}

extern "C" __global__ void write_shared(float* out, int beyond) {
  extern __shared__ __align__(16) float values[];
  values[static_cast<int>(threadIdx.x) + beyond] = 1;
  out[threadIdx.x] = 1;
}

extern "C" __global__ void load_matrix(unsigned* out, int beyond) {
  extern __shared__ __align__(128) unsigned char shared[];
  unsigned registers[4];
  ptx::ldmatrix_x4(registers, ptx::shared_address(shared) + 16 * (threadIdx.x + beyond));
  out[threadIdx.x] = registers[0];
}

extern "C" __global__ void copy_next(const float* x, float* out, int beyond) {
  __shared__ __align__(16) float values[128];
  const int first = 4 * static_cast<int>(threadIdx.x);
  ptx::cp_async_cg_16(ptx::shared_address(values + first), x + first + 4 * beyond);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  for (int i = 0; i < 4; ++i) out[first + i] = values[first + i];
}

extern "C" __global__ void read_array(float* out, int beyond) {
  float values[4] = {1, 2, 3, 4};
  out[threadIdx.x] = values[static_cast<int>(threadIdx.x) % 4 + beyond];
}

extern "C" __global__ void read_misaligned(const float* x, float* out, int beyond) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(x);
  out[threadIdx.x] = reinterpret_cast<const uint2*>(bytes + 4 * beyond)->x;
}

extern "C" __global__ void overflow_stack(float* out, int beyond) {
  volatile float values[4096];
  for (int i = 0; i < 4096; ++i) values[i] = static_cast<float>(i);
  if (beyond) overflow_stack(out, beyond);
  out[threadIdx.x] = values[threadIdx.x];
}

/// Shared memory that nothing has written.
extern "C" __global__ void read_unwritten(float* out, int) {
  extern __shared__ float dynamic[];
  __shared__ float fixed[32];
  out[threadIdx.x] = dynamic[threadIdx.x];
  out[32 + threadIdx.x] = fixed[threadIdx.x];
  dynamic[threadIdx.x] = fixed[threadIdx.x] = 1;
}
