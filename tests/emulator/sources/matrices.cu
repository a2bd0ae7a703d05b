// One warp's matrix instructions on matrices in memory.
#include <weir/config.h>

#include "device/element.h"
#include "device/ptx/cp_async.h"
#include "device/ptx/ldmatrix.h"

/// out[i][lane] = register i of `matrices` 8x8 matrices at the rows' shared addresses: row r of matrix i at
/// 16 * order[8 i + r].
extern "C" __global__ void load_matrices(const unsigned* x, const int* order, unsigned* out, int matrices,
                                         int transposed) {
  __shared__ __align__(16) unsigned shared[128 * 4];
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 128 * 4; i += 32) shared[i] = x[i];
  __syncwarp();
  const unsigned row = ptx::shared_address(shared) + 16u * static_cast<unsigned>(order[lane % (8 * matrices)]);
  unsigned four[4] = {}, two[2] = {};
  if (matrices == 4 && transposed) ptx::ldmatrix_x4_trans(four, row);
  if (matrices == 4 && !transposed) ptx::ldmatrix_x4(four, row);
  if (matrices == 2 && transposed) ptx::ldmatrix_x2_trans(two, row);
  if (matrices == 2 && !transposed) ptx::ldmatrix_x2(two, row);
  for (int i = 0; i < matrices; ++i) out[32 * i + lane] = matrices == 4 ? four[i] : two[i];
}

/// c[16, 8] += a[16, 16] * b[16, 8], all row-major, each lane reading its own elements.
template <Element element>
__device__ void multiply(const unsigned short* a, const unsigned short* b, float* c) {
  const int group = static_cast<int>(threadIdx.x) / 4, pair = static_cast<int>(threadIdx.x) % 4 * 2;
  const auto two = [](unsigned short low, unsigned short high) { return low | static_cast<unsigned>(high) << 16; };
  unsigned a_registers[4], b_registers[2];
  float sums[4];
  for (int i = 0; i < 4; ++i) {
    const unsigned short* first = a + 16 * (group + i % 2 * 8) + pair + i / 2 * 8;
    a_registers[i] = two(first[0], first[1]);
    sums[i] = c[8 * (group + i / 2 * 8) + pair + i % 2];
  }
  for (int i = 0; i < 2; ++i) {
    const unsigned short* first = b + 8 * (pair + 8 * i) + group;
    b_registers[i] = two(first[0], first[8]);
  }
  device::multiply_accumulate<element>(sums, a_registers, b_registers);
  for (int i = 0; i < 4; ++i) c[8 * (group + i / 2 * 8) + pair + i % 2] = sums[i];
}

extern "C" __global__ void multiply_bf16(const unsigned short* a, const unsigned short* b, float* c) {
  multiply<Element::bf16>(a, b, c);
}
extern "C" __global__ void multiply_f16(const unsigned short* a, const unsigned short* b, float* c) {
  multiply<Element::f16>(a, b, c);
}
