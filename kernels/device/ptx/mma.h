// Warp-wide matrix multiply-accumulate on tensor cores (PTX `mma.sync`, compute capability 8.0).
//
// accumulator[16, 8] += a[16, 16] * b[16, 8], with b stored by columns. Two 16-bit elements share a register,
// the lower index in the lower half. With group = lane / 4 and pair = 2 * (lane % 4), a lane holds
//
// - a: rows group, group + 8, group, group + 8 in registers 0 to 3; columns pair and pair + 1 in the first
//   two, pair + 8 and pair + 9 in the others;
// - b: column group; rows pair and pair + 1 in register 0, pair + 8 and pair + 9 in register 1;
// - accumulator: columns pair and pair + 1; row group in the first two, row group + 8 in the others.
//
// An ldmatrix_x4 of the four 8x8 quarters of a, ordered (rows 0-7, columns 0-7), (rows 8-15, columns 0-7),
// (rows 0-7, columns 8-15), (rows 8-15, columns 8-15), gives registers 0 to 3 of a.
#pragma once

namespace ptx {

__device__ __forceinline__ void mma_m16n8k16_bf16(float (&accumulator)[4], const unsigned (&a)[4],
                                                  const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};\n"
      : "+f"(accumulator[0]), "+f"(accumulator[1]), "+f"(accumulator[2]), "+f"(accumulator[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mma_m16n8k16_f16(float (&accumulator)[4], const unsigned (&a)[4],
                                                 const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};\n"
      : "+f"(accumulator[0]), "+f"(accumulator[1]), "+f"(accumulator[2]), "+f"(accumulator[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace ptx
