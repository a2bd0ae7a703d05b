#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

TEST(ConfigHeader, HasEveryTunableAndCompileTimeParameter) {
  const KernelDefinition definition = test::parse_or_stop(test::gemm_yaml());
  const Candidate candidate =
      test::resolve_or_stop(definition, "m=64,n=64,k=64,dtype=f16", "stages=2", test::h100());
  EXPECT_EQ(candidate.config_header, R"(#pragma once
enum class Element { bf16, f16, f32, f64, i32, i64, u8, i8, fp8_e4m3, fp8_e5m2 };
namespace config {
constexpr int tile_m = 128;
constexpr int tile_n = 128;
constexpr int tile_k = 32;
constexpr int stages = 2;
constexpr int group_m = 8;
constexpr Element dtype = Element::f16;
}
)");
  EXPECT_EQ(candidate.reference_header, R"(#pragma once
enum class Element { bf16, f16, f32, f64, i32, i64, u8, i8, fp8_e4m3, fp8_e5m2 };
namespace config {
constexpr Element dtype = Element::f16;
}
)");
}

TEST(ConfigHeader, WritesEachTypeAsItsOwn) {
  const KernelDefinition definition = test::parse_or_stop(R"(
format: 1
kernel: types
problem:
  n: {type: int, compile_time: true}
  causal: {type: bool, default: false, compile_time: true}
  layout: {type: enum, values: [rows, columns], default: columns, compile_time: true}
  other_layout: {type: enum, values: [columns, rows], default: rows, compile_time: true}
  left_out: {type: enum, values: [near, far], default: near}
tensors:
  x: {role: inout, element: f32, shape: [n]}
tunables:
  split: [false, true]
default: {split: true}
launches:
  - {name: main, grid: 1, threads: 32, program: [{load: x, at: [0], extent: [1]}]}
)");
  const Candidate candidate =
      test::resolve_or_stop(definition, "n=3000000000,causal=1", "split=false", test::h100());
  EXPECT_EQ(candidate.config_header, R"(#pragma once
enum class Element { bf16, f16, f32, f64, i32, i64, u8, i8, fp8_e4m3, fp8_e5m2 };
namespace config {
constexpr bool split = false;
constexpr long long n = 3000000000;
constexpr bool causal = true;
constexpr int rows = 0;
constexpr int columns = 1;
constexpr int layout = columns;
constexpr int other_layout = rows;
}
)");
  EXPECT_EQ(to_string(candidate.config), "split=false");
  EXPECT_EQ(to_string(candidate.problem),
            "n=3000000000,causal=true,layout=columns,other_layout=rows,left_out=near");
}

}  // namespace
}  // namespace weir
