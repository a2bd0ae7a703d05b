// Matrix products of a warpgroup on tensor cores (PTX `wgmma`, compute capability 9.0a).
//
// sums[64, n] = a[64, 16] * b[16, n] (+ sums), where n is twice the length of `sums`. The four warps of a
// warpgroup execute together; warp w % 4 holds rows 16 (w % 4) to 16 (w % 4) + 15 as mma.sync holds them
// (ptx/mma.h): with group = lane / 4 and pair = 2 * (lane % 4), sums[4 i] to sums[4 i + 3] are columns 8 i +
// pair and 8 i + pair + 1 of row group, then of row group + 8. `a` is either a descriptor of shared memory or
// four registers, the A operand of mma.sync.
//
// The product is asynchronous. Until wgmma_wait_group says that it is complete, its registers (sums and a)
// must not be touched and its shared memory must not be overwritten.
#pragma once

namespace ptx {

/// To be executed before the first product, and between ordinary accesses to registers (sums or a) and a
/// product that uses them. Products that add to the same sums need none between them.
__device__ __forceinline__ void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
}

/// Closes the group of the products since the last commit.
__device__ __forceinline__ void wgmma_commit_group() {
  asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
}

/// Waits until at most `pending` of the most recent groups are incomplete.
template <int pending>
__device__ __forceinline__ void wgmma_wait_group() {
  asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(pending) : "memory");
}

// Texts and constraints of the first r registers of `sums`.
#define WEIR_TEXT_8 "%0, %1, %2, %3, %4, %5, %6, %7"
#define WEIR_TEXT_16 WEIR_TEXT_8 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define WEIR_TEXT_24 WEIR_TEXT_16 ", %16, %17, %18, %19, %20, %21, %22, %23"
#define WEIR_TEXT_32 WEIR_TEXT_24 ", %24, %25, %26, %27, %28, %29, %30, %31"
#define WEIR_TEXT_40 WEIR_TEXT_32 ", %32, %33, %34, %35, %36, %37, %38, %39"
#define WEIR_TEXT_48 WEIR_TEXT_40 ", %40, %41, %42, %43, %44, %45, %46, %47"
#define WEIR_TEXT_56 WEIR_TEXT_48 ", %48, %49, %50, %51, %52, %53, %54, %55"
#define WEIR_TEXT_64 WEIR_TEXT_56 ", %56, %57, %58, %59, %60, %61, %62, %63"
#define WEIR_TEXT_72 WEIR_TEXT_64 ", %64, %65, %66, %67, %68, %69, %70, %71"
#define WEIR_TEXT_80 WEIR_TEXT_72 ", %72, %73, %74, %75, %76, %77, %78, %79"
#define WEIR_TEXT_88 WEIR_TEXT_80 ", %80, %81, %82, %83, %84, %85, %86, %87"
#define WEIR_TEXT_96 WEIR_TEXT_88 ", %88, %89, %90, %91, %92, %93, %94, %95"
#define WEIR_TEXT_104 WEIR_TEXT_96 ", %96, %97, %98, %99, %100, %101, %102, %103"
#define WEIR_TEXT_112 WEIR_TEXT_104 ", %104, %105, %106, %107, %108, %109, %110, %111"
#define WEIR_TEXT_120 WEIR_TEXT_112 ", %112, %113, %114, %115, %116, %117, %118, %119"
#define WEIR_TEXT_128 WEIR_TEXT_120 ", %120, %121, %122, %123, %124, %125, %126, %127"
#define WEIR_SUMS_FROM(i)                                                                    \
  "+f"(sums[i]), "+f"(sums[i + 1]), "+f"(sums[i + 2]), "+f"(sums[i + 3]), "+f"(sums[i + 4]), \
      "+f"(sums[i + 5]), "+f"(sums[i + 6]), "+f"(sums[i + 7])
#define WEIR_SUMS_8 WEIR_SUMS_FROM(0)
#define WEIR_SUMS_16 WEIR_SUMS_8, WEIR_SUMS_FROM(8)
#define WEIR_SUMS_24 WEIR_SUMS_16, WEIR_SUMS_FROM(16)
#define WEIR_SUMS_32 WEIR_SUMS_24, WEIR_SUMS_FROM(24)
#define WEIR_SUMS_40 WEIR_SUMS_32, WEIR_SUMS_FROM(32)
#define WEIR_SUMS_48 WEIR_SUMS_40, WEIR_SUMS_FROM(40)
#define WEIR_SUMS_56 WEIR_SUMS_48, WEIR_SUMS_FROM(48)
#define WEIR_SUMS_64 WEIR_SUMS_56, WEIR_SUMS_FROM(56)
#define WEIR_SUMS_72 WEIR_SUMS_64, WEIR_SUMS_FROM(64)
#define WEIR_SUMS_80 WEIR_SUMS_72, WEIR_SUMS_FROM(72)
#define WEIR_SUMS_88 WEIR_SUMS_80, WEIR_SUMS_FROM(80)
#define WEIR_SUMS_96 WEIR_SUMS_88, WEIR_SUMS_FROM(88)
#define WEIR_SUMS_104 WEIR_SUMS_96, WEIR_SUMS_FROM(96)
#define WEIR_SUMS_112 WEIR_SUMS_104, WEIR_SUMS_FROM(104)
#define WEIR_SUMS_120 WEIR_SUMS_112, WEIR_SUMS_FROM(112)
#define WEIR_SUMS_128 WEIR_SUMS_120, WEIR_SUMS_FROM(120)

// n, registers of `sums`, element type, then the numbers of the operands that follow `sums`.
#define WEIR_WGMMA_SHARED(n, registers, type, a, b, add, transpose_a, transpose_b)                           \
  /* Both operands by descriptors. `transpose_…`: that operand's rows in shared memory run along k. */     \
  template <bool a_along_m, bool b_along_n>                                                                  \
  __device__ __forceinline__ void wgmma_m64k16_##type(float(&sums)[registers],                               \
                                                      unsigned long long a_descriptor,                       \
                                                      unsigned long long b_descriptor, bool accumulate) {    \
    asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #add                                 \
                 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32." WEIR_PTX_##type "." WEIR_PTX_##type \
                 " {" WEIR_TEXT_##registers "}, %" #a ", %" #b ", accumulate, 1, 1, %" #transpose_a          \
                                            ", %" #transpose_b ";\n}\n"                                      \
                 : WEIR_SUMS_##registers                                                                     \
                 : "l"(a_descriptor), "l"(b_descriptor), "r"(static_cast<int>(accumulate)),                  \
                   "n"(static_cast<int>(a_along_m)), "n"(static_cast<int>(b_along_n)));                      \
  }
#define WEIR_WGMMA_REGISTERS(n, registers, type, a0, a1, a2, a3, b, add, transpose_b)                        \
  template <bool b_along_n>                                                                                  \
  __device__ __forceinline__ void wgmma_m64k16_##type(float(&sums)[registers], const unsigned(&a)[4],        \
                                                      unsigned long long b_descriptor, bool accumulate) {    \
    asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #add                                 \
                 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32." WEIR_PTX_##type "." WEIR_PTX_##type \
                 " {" WEIR_TEXT_##registers "}, {%" #a0 ", %" #a1 ", %" #a2 ", %" #a3 "}, %" #b              \
                                            ", accumulate, 1, 1, %" #transpose_b ";\n}\n"                    \
                 : WEIR_SUMS_##registers                                                                     \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b_descriptor),                            \
                   "r"(static_cast<int>(accumulate)), "n"(static_cast<int>(b_along_n)));                     \
  }
#define WEIR_PTX_bf16 "bf16"
#define WEIR_PTX_f16 "f16"
#define WEIR_WGMMA(n, registers, o0, o1, o2, o3, o4, o5, o6)           \
  WEIR_WGMMA_SHARED(n, registers, bf16, o0, o1, o2, o3, o4)            \
  WEIR_WGMMA_SHARED(n, registers, f16, o0, o1, o2, o3, o4)             \
  WEIR_WGMMA_REGISTERS(n, registers, bf16, o0, o1, o2, o3, o4, o5, o6) \
  WEIR_WGMMA_REGISTERS(n, registers, f16, o0, o1, o2, o3, o4, o5, o6)

WEIR_WGMMA(32, 16, 16, 17, 18, 19, 20, 21, 22)
WEIR_WGMMA(48, 24, 24, 25, 26, 27, 28, 29, 30)
WEIR_WGMMA(64, 32, 32, 33, 34, 35, 36, 37, 38)
WEIR_WGMMA(80, 40, 40, 41, 42, 43, 44, 45, 46)
WEIR_WGMMA(96, 48, 48, 49, 50, 51, 52, 53, 54)
WEIR_WGMMA(112, 56, 56, 57, 58, 59, 60, 61, 62)
WEIR_WGMMA(128, 64, 64, 65, 66, 67, 68, 69, 70)
WEIR_WGMMA(144, 72, 72, 73, 74, 75, 76, 77, 78)
WEIR_WGMMA(160, 80, 80, 81, 82, 83, 84, 85, 86)
WEIR_WGMMA(176, 88, 88, 89, 90, 91, 92, 93, 94)
WEIR_WGMMA(192, 96, 96, 97, 98, 99, 100, 101, 102)
WEIR_WGMMA(208, 104, 104, 105, 106, 107, 108, 109, 110)
WEIR_WGMMA(224, 112, 112, 113, 114, 115, 116, 117, 118)
WEIR_WGMMA(240, 120, 120, 121, 122, 123, 124, 125, 126)
WEIR_WGMMA(256, 128, 128, 129, 130, 131, 132, 133, 134)
#undef WEIR_WGMMA
#undef WEIR_PTX_f16
#undef WEIR_PTX_bf16
#undef WEIR_WGMMA_REGISTERS
#undef WEIR_WGMMA_SHARED
#undef WEIR_SUMS_FROM
#undef WEIR_SUMS_8
#undef WEIR_TEXT_8
#undef WEIR_SUMS_16
#undef WEIR_TEXT_16
#undef WEIR_SUMS_24
#undef WEIR_TEXT_24
#undef WEIR_SUMS_32
#undef WEIR_TEXT_32
#undef WEIR_SUMS_40
#undef WEIR_TEXT_40
#undef WEIR_SUMS_48
#undef WEIR_TEXT_48
#undef WEIR_SUMS_56
#undef WEIR_TEXT_56
#undef WEIR_SUMS_64
#undef WEIR_TEXT_64
#undef WEIR_SUMS_72
#undef WEIR_TEXT_72
#undef WEIR_SUMS_80
#undef WEIR_TEXT_80
#undef WEIR_SUMS_88
#undef WEIR_TEXT_88
#undef WEIR_SUMS_96
#undef WEIR_TEXT_96
#undef WEIR_SUMS_104
#undef WEIR_TEXT_104
#undef WEIR_SUMS_112
#undef WEIR_TEXT_112
#undef WEIR_SUMS_120
#undef WEIR_TEXT_120
#undef WEIR_SUMS_128
#undef WEIR_TEXT_128

}  // namespace ptx
