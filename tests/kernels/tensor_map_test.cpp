// Tensor maps as launch arguments: what a definition's becomes, and what no copy engine takes.
#include "kernels/tensor_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

using test::h100;
using test::replaced;
using ::testing::HasSubstr;

std::string with_map(const std::string& map) {
  return replaced(test::gemm_yaml(),
                  "arguments: [a, b, c, {i32: m}, {i64:", "arguments: [" + map + ", b, c, {i32: m}, {i64:");
}

Error rejection(const std::string& map, const std::string& problem, const DeviceLimits& device = h100()) {
  const KernelDefinition definition = test::parse_or_stop(with_map(map));
  const auto candidate = definition.resolve(test::problem_or_stop(definition, problem),
                                            test::config_or_stop(definition, ""), device);
  return candidate ? Error{} : candidate.error();
}

TEST(TensorMap, IsTheTensorsShapeStridesAndTheBox) {
  const std::string yaml = with_map("{tensor_map: a, box: [tile_m / 2, tile_k], swizzle: 64}");
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(yaml), "m=1000,n=512,k=256", "", h100());
  const Argument& argument = candidate.launches[0].arguments[0];
  EXPECT_EQ(argument.kind, Argument::Kind::tensor_map);
  EXPECT_EQ(argument.tensor, 0);
  EXPECT_EQ(argument.map, (TensorMap{.element = Element::bf16,
                                     .shape = {1000, 256},
                                     .strides_bytes = {512, 2},
                                     .box = {64, 32},
                                     .swizzle_bytes = 64}));
}

TEST(TensorMap, IsLeftOutWhereItsConditionDoesNotHold) {
  const std::string map = "{tensor_map: c, box: [8, 8], if: n % 8 == 0}";
  EXPECT_EQ(rejection(map, "m=64,n=9,k=64").message, "") << "a stride of 18 bytes would be refused";
  const Candidate with =
      test::resolve_or_stop(test::parse_or_stop(with_map(map)), "m=64,n=16,k=64", "", h100());
  EXPECT_EQ(with.launches[0].arguments[0].map.shape, (std::vector<std::int64_t>{64, 16}));
  const Candidate without =
      test::resolve_or_stop(test::parse_or_stop(with_map(map)), "m=64,n=9,k=64", "", h100());
  EXPECT_EQ(without.launches[0].arguments[0].map, TensorMap{});
}

TEST(TensorMap, ThatNoCopyEngineTakesIsRejectedWithItsReason) {
  const std::string problem = "m=64,n=9,k=64";
  const auto reason = [&](const std::string& map) {
    const Error error = rejection(map, problem);
    EXPECT_EQ(error.kind, ErrorKind::rejected) << map;
    return error.message;
  };
  EXPECT_THAT(reason("{tensor_map: c, box: [8, 8]}"),
              HasSubstr("the tensor map of 'c' has a stride of 18 bytes; it must be a multiple of 16"));
  EXPECT_THAT(reason("{tensor_map: a, box: [257, 64]}"), HasSubstr("a box of 257 elements in a dimension"));
  EXPECT_THAT(reason("{tensor_map: a, box: [8, 128], swizzle: 128}"),
              HasSubstr("rows of 256 bytes, longer than its swizzle of 128 bytes"));
  EXPECT_THAT(reason("{tensor_map: a, box: [8, 4]}"),
              HasSubstr("rows of 8 bytes; they must be a multiple of 16"));
  EXPECT_THAT(reason("{tensor_map: a, box: [8, 8], swizzle: 48}"), HasSubstr("a swizzle of 48 bytes"));
}

TEST(TensorMap, NeedsComputeCapability90) {
  EXPECT_THAT(rejection("{tensor_map: a, box: [8, 8]}", "m=64,n=64,k=64", test::a100()).message,
              HasSubstr("a tensor map needs compute capability 90"));
}

}  // namespace
}  // namespace weir
