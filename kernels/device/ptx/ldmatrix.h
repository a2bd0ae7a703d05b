// Loads of 8x8 matrices of 16-bit elements from shared memory (PTX `ldmatrix`, compute capability 7.5).
//
// Lane 8 i + r gives the shared address of row r (16 bytes, aligned) of matrix i. Afterwards lane 4 r + c
// holds, in destination[i], elements 2 c and 2 c + 1 of row r of matrix i; with `trans`, of column r.
#pragma once

namespace ptx {

__device__ __forceinline__ void ldmatrix_x4(unsigned (&destination)[4], unsigned row_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(destination[0]), "=r"(destination[1]), "=r"(destination[2]), "=r"(destination[3])
               : "r"(row_address)
               : "memory");
}

__device__ __forceinline__ void ldmatrix_x4_trans(unsigned (&destination)[4], unsigned row_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(destination[0]), "=r"(destination[1]), "=r"(destination[2]), "=r"(destination[3])
               : "r"(row_address)
               : "memory");
}

/// Two matrices; only the addresses of lanes 0 to 15 count.
__device__ __forceinline__ void ldmatrix_x2(unsigned (&destination)[2], unsigned row_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];\n"
               : "=r"(destination[0]), "=r"(destination[1])
               : "r"(row_address)
               : "memory");
}

__device__ __forceinline__ void ldmatrix_x2_trans(unsigned (&destination)[2], unsigned row_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];\n"
               : "=r"(destination[0]), "=r"(destination[1])
               : "r"(row_address)
               : "memory");
}

}  // namespace ptx
