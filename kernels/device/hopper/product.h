// Matrix products of whole tiles by one warpgroup (ptx/wgmma.h). All are asynchronous: `complete` says when.
#pragma once

#include "device/hopper/panel_tile.h"
#include "device/ptx/opaque.h"
#include "device/ptx/wgmma.h"

namespace hopper {

/// 64 x n sums of a warpgroup, n / 2 for each thread.
template <int n>
using Sums = float[n / 2];

template <Element element, bool a_along_m, bool b_along_n, int registers>
__device__ __forceinline__ void multiply_add(float (&sums)[registers], unsigned long long a,
                                             unsigned long long b, bool accumulate) {
  device::require_half<element>();
  if constexpr (element == Element::bf16) {
    ptx::wgmma_m64k16_bf16<a_along_m, b_along_n>(sums, a, b, accumulate);
  } else {
    ptx::wgmma_m64k16_f16<a_along_m, b_along_n>(sums, a, b, accumulate);
  }
}

template <Element element, bool b_along_n, int registers>
__device__ __forceinline__ void multiply_add(float (&sums)[registers], const unsigned (&a)[4],
                                             unsigned long long b, bool accumulate) {
  device::require_half<element>();
  if constexpr (element == Element::bf16) {
    ptx::wgmma_m64k16_bf16<b_along_n>(sums, a, b, accumulate);
  } else {
    ptx::wgmma_m64k16_f16<b_along_n>(sums, a, b, accumulate);
  }
}

/// sums = A · transpose(B) for 64 rows of a tile of A, the first ones, and `rows` of a tile of B from
/// `first_row` on.
template <Element element, class ATile, class BTile, int rows>
__device__ __forceinline__ void multiply_transposed_rows(Sums<rows>& sums, unsigned a_tile, unsigned b_tile,
                                                         int first_row) {
  static_assert(ATile::columns == BTile::columns, "the columns of both are multiplied");
  const unsigned long long a = ATile::along_columns(a_tile, 0);
  const unsigned long long b = BTile::along_columns(b_tile, first_row);
#pragma unroll
  for (int step = 0; step < ATile::columns / kDepth; ++step) {
    multiply_add<element, false, false>(sums, a + ATile::columns_step(step), b + BTile::columns_step(step),
                                        step > 0);
  }
}

/// sums (+)= A · transpose(B) for 64 rows of a tile of A from `first_row` and all rows of a tile of B.
template <Element element, class ATile, class BTile>
__device__ __forceinline__ void multiply_transposed(Sums<BTile::rows>& sums, unsigned a_tile, int first_row,
                                                    unsigned b_tile, bool accumulate) {
  static_assert(ATile::columns == BTile::columns, "the columns of both are multiplied");
  const unsigned long long a = ATile::along_columns(a_tile, first_row);
  const unsigned long long b = BTile::along_columns(b_tile, 0);
#pragma unroll
  for (int step = 0; step < ATile::columns / kDepth; ++step) {
    multiply_add<element, false, false>(sums, a + ATile::columns_step(step), b + BTile::columns_step(step),
                                        accumulate || step > 0);
  }
}

/// sums += W · B, with W[64, rows of B] in registers, 16 columns in each element of `weights`.
template <Element element, class BTile>
__device__ __forceinline__ void multiply(Sums<BTile::columns>& sums,
                                         const unsigned (&weights)[BTile::rows / kDepth][4], unsigned b_tile,
                                         bool accumulate) {
  const unsigned long long b = BTile::along_rows(b_tile);
#pragma unroll
  for (int step = 0; step < BTile::rows / kDepth; ++step) {
    multiply_add<element, true>(sums, weights[step], b + BTile::rows_step(step), accumulate || step > 0);
  }
}

/// sums += A · B for the first 64 rows of a tile of A and `columns` of B from that of the panel at `b_panel`
/// on.
template <Element element, class ATile, class BTile, int columns>
__device__ __forceinline__ void multiply_add_columns(Sums<columns>& sums, unsigned a_tile, unsigned b_panel) {
  static_assert(ATile::columns == BTile::rows, "columns of A are multiplied with rows of B");
  const unsigned long long a = ATile::along_columns(a_tile, 0);
  const unsigned long long b = BTile::along_rows(b_panel);
#pragma unroll
  for (int step = 0; step < ATile::columns / kDepth; ++step) {
    multiply_add<element, false, true>(sums, a + ATile::columns_step(step), b + BTile::rows_step(step), true);
  }
}

/// sums = transpose(A) · B over all rows of both: 64 columns of A, those of the panel at `a_panel`, and
/// `columns` of B from that of the panel at `b_panel` on.
template <Element element, class ATile, class BTile, int columns>
__device__ __forceinline__ void multiply_across(Sums<columns>& sums, unsigned a_panel, unsigned b_panel) {
  static_assert(ATile::rows == BTile::rows, "the rows of both are multiplied");
  const unsigned long long a = ATile::along_rows(a_panel);
  const unsigned long long b = BTile::along_rows(b_panel);
#pragma unroll
  for (int step = 0; step < ATile::rows / kDepth; ++step) {
    multiply_add<element, true, true>(sums, a + ATile::rows_step(step), b + BTile::rows_step(step), step > 0);
  }
}

/// Keeps the compiler from moving what follows, on `sums`, before the wait for their product.
template <int registers>
__device__ __forceinline__ void pin(float (&sums)[registers]) {
#pragma unroll
  for (int i = 0; i < registers; ++i) ptx::pin(sums[i]);
}

}  // namespace hopper
