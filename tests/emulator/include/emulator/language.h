// The keywords, built-in variables and vector types of CUDA C++. `__shared__` is no macro: the source rewrite
// (source_rewrite.h) replaces it.
#pragma once

#include "emulator/engine.h"

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __cluster_dims__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

#define threadIdx (::weir::emulator::built_ins->thread)
#define blockIdx (::weir::emulator::built_ins->block)
#define blockDim (::weir::emulator::built_ins->block_size)
#define gridDim (::weir::emulator::built_ins->grid_size)
#define warpSize 32

using size_t = decltype(sizeof 0);

#define WEIR_VECTOR_2(type, name, bytes)    \
  struct alignas(bytes) name {              \
    type x, y;                              \
  };                                        \
  inline name make_##name(type x, type y) { \
    return {x, y};                          \
  }
#define WEIR_VECTOR_3(type, name)                   \
  struct name {                                     \
    type x, y, z;                                   \
  };                                                \
  inline name make_##name(type x, type y, type z) { \
    return {x, y, z};                               \
  }
// Sixteen bytes are what one access moves at most: their bank conflicts are counted.
#define WEIR_VECTOR_4(type, name, bytes)                                 \
  struct alignas(bytes) name {                                           \
    type x, y, z, w;                                                     \
    name& operator=(const name& other) {                                 \
      if constexpr (bytes == 16) {                                       \
        using weir::emulator::SharedAccess;                              \
        weir::emulator::count_shared_access(SharedAccess::load, &other); \
        weir::emulator::count_shared_access(SharedAccess::store, this);  \
      }                                                                  \
      x = other.x, y = other.y, z = other.z, w = other.w;                \
      return *this;                                                      \
    }                                                                    \
  };                                                                     \
  inline name make_##name(type x, type y, type z, type w) {              \
    return {x, y, z, w};                                                 \
  }

WEIR_VECTOR_2(char, char2, 2)
WEIR_VECTOR_2(unsigned char, uchar2, 2)
WEIR_VECTOR_2(short, short2, 4)
WEIR_VECTOR_2(unsigned short, ushort2, 4)
WEIR_VECTOR_2(int, int2, 8)
WEIR_VECTOR_2(unsigned, uint2, 8)
WEIR_VECTOR_2(float, float2, 8)
WEIR_VECTOR_2(double, double2, 16)
WEIR_VECTOR_2(long long, longlong2, 16)
WEIR_VECTOR_2(unsigned long long, ulonglong2, 16)
WEIR_VECTOR_3(int, int3)
WEIR_VECTOR_3(float, float3)
using uint3 = weir::emulator::Index3;
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) {
  return {x, y, z};
}
WEIR_VECTOR_4(char, char4, 4)
WEIR_VECTOR_4(unsigned char, uchar4, 4)
WEIR_VECTOR_4(short, short4, 8)
WEIR_VECTOR_4(unsigned short, ushort4, 8)
WEIR_VECTOR_4(int, int4, 16)
WEIR_VECTOR_4(unsigned, uint4, 16)
WEIR_VECTOR_4(float, float4, 16)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
