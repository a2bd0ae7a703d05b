#include "source_rewrite.h"

#include <gtest/gtest.h>

namespace weir::emulator {
namespace {

TEST(SourceRewrite, MakesDynamicSharedMemoryAPointer) {
  EXPECT_EQ(
      rewrite_for_host("  extern __shared__ __attribute__((aligned(128))) unsigned char shared[];"),
      "  unsigned char* const shared = static_cast<unsigned char*>(::weir::emulator::dynamic_shared());");
  EXPECT_EQ(rewrite_for_host("extern __shared__ alignas(16) Tile<64, 2> tiles [ ] ;"),
            "Tile<64, 2>* const tiles = static_cast<Tile<64, 2>*>(::weir::emulator::dynamic_shared());");
}

TEST(SourceRewrite, MakesOtherSharedVariablesThreadLocal) {
  EXPECT_EQ(rewrite_for_host("__shared__ __attribute__((aligned(16))) float a[2][3], b;"),
            "static thread_local __attribute__((aligned(16))) float a[2][3], b;");
  EXPECT_EQ(rewrite_for_host("static __shared__ int x; __shared__ static int y; int my__shared__x;"),
            "static thread_local int x; static thread_local int y; int my__shared__x;");
}

TEST(SourceRewrite, ReplacesAssemblyAndNothingThatOnlyLooksLikeIt) {
  EXPECT_EQ(rewrite_for_host(
                "int a = f(); asm volatile(\"mov (%0), ) [x]; \\\" (\" : \"=r\"(g(a)) : \"l\"((b))); c();"),
            "int a = f(); ::weir::emulator::assembly(); c();");
  EXPECT_EQ(rewrite_for_host("__asm__(\"\");"), "::weir::emulator::assembly();");
  const char* untouched = "int plasma(int asm_count) { return asm_count; }";
  EXPECT_EQ(rewrite_for_host(untouched), untouched);
}

}  // namespace
}  // namespace weir::emulator
