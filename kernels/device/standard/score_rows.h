// Passes over single rows of score matrices: a block takes a row, its threads 8 neighbouring elements at a
// time.
#pragma once

#include <weir/config.h>

#include "device/attention/score.h"
#include "device/standard/problem.h"

namespace standard {

constexpr int kRowThreads = config::row_threads;

/// Eight neighbouring elements.
struct Octet {
  float values[8];

  static __device__ __forceinline__ Octet of(const uint4& bits) {
    const unsigned pairs[4] = {bits.x, bits.y, bits.z, bits.w};
    Octet octet;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      octet.values[i] = device::to_f32<config::dtype>(static_cast<Half>(pairs[i / 2] >> 16 * (i % 2)));
    }
    return octet;
  }

  __device__ __forceinline__ uint4 bits() const {
    return {device::pack_from_f32<config::dtype>(values[0], values[1]),
            device::pack_from_f32<config::dtype>(values[2], values[3]),
            device::pack_from_f32<config::dtype>(values[4], values[5]),
            device::pack_from_f32<config::dtype>(values[6], values[7])};
  }
};

/// A row that is read twice: `config::hold_rows` keeps it in shared memory in between, each thread its own
/// part.
class TwiceRead {
 public:
  __device__ __forceinline__ TwiceRead(const Half* row, unsigned char* shared)
      : row_(reinterpret_cast<const uint4*>(row)), held_(reinterpret_cast<uint4*>(shared)) {}

  __device__ __forceinline__ Octet first(int octet) const {
    const uint4 bits = row_[octet];
    if constexpr (config::hold_rows) held_[octet] = bits;
    return Octet::of(bits);
  }
  __device__ __forceinline__ Octet again(int octet) const {
    return Octet::of(config::hold_rows ? held_[octet] : row_[octet]);
  }

 private:
  const uint4* row_;
  uint4* held_;
};

/// Shared memory behind `rows` rows that may be held.
__device__ __forceinline__ float* after_held_rows(unsigned char* shared, const Problem& problem, int rows) {
  return reinterpret_cast<float*>(shared + (config::hold_rows ? rows * problem.pitch() * sizeof(Half) : 0));
}

/// The same value for all threads, in a fixed order. `shared` holds a float for each warp.
template <class Combine>
__device__ __forceinline__ float over_block(float value, float* shared, Combine combine) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    value = combine(value, __shfl_xor_sync(device::kWholeWarp, value, distance));
  }
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  value = shared[0];
#pragma unroll
  for (int warp = 1; warp < kRowThreads / 32; ++warp) value = combine(value, shared[warp]);
  __syncthreads();
  return value;
}

__device__ __forceinline__ float sum_over_block(float value, float* shared) {
  return over_block(value, shared, [](float a, float b) { return a + b; });
}
__device__ __forceinline__ float maximum_over_block(float value, float* shared) {
  return over_block(value, shared, [](float a, float b) { return fmaxf(a, b); });
}

}  // namespace standard
