#include "kernels/candidate.h"

#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

// H100: 65536 registers, 2048 threads, 233472 bytes of shared memory of which every block takes 1024, 32
// blocks.
std::int64_t blocks(std::int64_t threads, std::int64_t shared_bytes, std::int64_t registers,
                    std::int64_t limit = 0) {
  const Launch launch{.threads = {threads, 1, 1}, .shared_bytes = shared_bytes, .blocks_per_sm_limit = limit};
  return blocks_per_sm(launch, test::h100(), 32, 1024, registers);
}

TEST(BlocksPerSm, IsLimitedByThreads) {
  EXPECT_EQ(blocks(1024, 0, 0), 2);
  EXPECT_EQ(blocks(256, 0, 0), 8);
  EXPECT_EQ(blocks(33, 0, 0), 32) << "33 threads take two warps: 2048 / 64";
  EXPECT_EQ(blocks(320, 0, 0), 6) << "2048 / 320 = 6.4";
}

TEST(BlocksPerSm, IsLimitedByTheNumberOfBlocks) {
  EXPECT_EQ(blocks(32, 0, 0), 32);
}

TEST(BlocksPerSm, IsLimitedBySharedMemory) {
  EXPECT_EQ(blocks(128, 115712, 0), 2) << "2 * (115712 + 1024) = 233472";
  EXPECT_EQ(blocks(128, 115713, 0), 1) << "allocated in units of 128 bytes";
  EXPECT_EQ(blocks(128, 232448, 0), 1);
  EXPECT_EQ(blocks(128, 232449, 0), 0);
}

TEST(BlocksPerSm, IsLimitedByRegisters) {
  // 128 registers * 32 = 4096 per warp: 16 warps.
  EXPECT_EQ(blocks(256, 0, 128), 2);
  EXPECT_EQ(blocks(512, 0, 128), 1);
  // 129 are allocated as 136, in units of 256 per warp: 4352 per warp; each scheduler's 16384 hold 3 warps.
  EXPECT_EQ(blocks(256, 0, 129), 1);
  EXPECT_EQ(blocks(128, 0, 129), 3);
  // 255 are allocated as 256: 8 warps.
  EXPECT_EQ(blocks(256, 0, 255), 1);
  EXPECT_EQ(blocks(512, 0, 255), 0);
}

TEST(BlocksPerSm, IsLimitedByTheDefinition) {
  EXPECT_EQ(blocks(128, 0, 0, 3), 3);
  EXPECT_EQ(blocks(1024, 0, 0, 3), 2);
}

TEST(TensorLayout, CountsElementsAndBytes) {
  const TensorLayout dense{.element = Element::bf16, .shape = {3, 5}, .strides_elements = {5, 1}};
  EXPECT_EQ(element_count(dense), 15);
  EXPECT_EQ(extent_bytes(dense), 30);
  const TensorLayout padded{.element = Element::f32, .shape = {3, 5}, .strides_elements = {8, 1}};
  EXPECT_EQ(element_count(padded), 15);
  EXPECT_EQ(extent_bytes(padded), (2 * 8 + 4 + 1) * 4);
  const TensorLayout broadcast{.element = Element::f32, .shape = {3, 5}, .strides_elements = {0, 1}};
  EXPECT_EQ(extent_bytes(broadcast), 20);
}

TEST(ElementType, NamesRoundTrip) {
  for (std::size_t i = 0; i < kElementCount; ++i) {
    const auto element = static_cast<Element>(i);
    EXPECT_EQ(parse_element(to_string(element)), element);
  }
  EXPECT_EQ(parse_element("f31"), std::nullopt);
  EXPECT_EQ(bytes_of(Element::bf16), 2);
  EXPECT_EQ(bytes_of(Element::i64), 8);
  EXPECT_EQ(bytes_of(Element::fp8_e4m3), 1);
}

}  // namespace
}  // namespace weir
