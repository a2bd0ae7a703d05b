// Stores of 8x8 matrices of 16-bit elements to shared memory (PTX `stmatrix`, compute capability 9.0): the
// reverse of ptx/ldmatrix.h. Lane 8 i + r gives the shared address of row r (16 bytes, aligned) of matrix i,
// and lane 4 r + c holds, in source[i], elements 2 c and 2 c + 1 of row r of matrix i.
#pragma once

namespace ptx {

__device__ __forceinline__ void stmatrix_x4(unsigned row_address, const unsigned (&source)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};\n" ::"r"(row_address),
               "r"(source[0]), "r"(source[1]), "r"(source[2]), "r"(source[3])
               : "memory");
}

}  // namespace ptx
