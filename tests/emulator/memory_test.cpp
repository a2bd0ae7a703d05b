// Accesses that a kernel may not make are found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

using testing::HasSubstr;

constexpr unsigned kFloats = 128;

struct Access {
  const char* entry;
  int beyond;
  std::int64_t shared_bytes;
  const char* message;
};

void PrintTo(const Access& access, std::ostream* stream) {
  *stream << access.entry << " " << access.beyond;
}

class WithInput : public testing::TestWithParam<Access> {};

TEST_P(WithInput, IsFoundAndItsNeighbourInsideIsNot) {
  const Access& access = GetParam();
  GuardedMemory x = memory_of(kFloats * sizeof(float)), out = memory_of(kFloats * sizeof(float));
  for (unsigned i = 0; i < kFloats; ++i) as<float>(x)[i] = static_cast<float>(i);
  x.protect(true);
  SmallKernel kernel("memory.cu", access.entry);
  const Shape shape{.threads = access.entry == std::string("copy_next") ? kFloats / 4 : kFloats,
                    .shared_bytes = access.shared_bytes};
  EXPECT_EQ(kernel.run(shape, 1, x, out, 0).failure, "");
  EXPECT_EQ(out.damage(), "");
  const LaunchReport report = kernel.run(shape, 1, x, out, access.beyond);
  EXPECT_THAT(report.failure + out.damage(), HasSubstr(access.message));
}

INSTANTIATE_TEST_SUITE_P(
    Accesses, WithInput,
    testing::Values(Access{"read_next", 1, 0, "an access to tensor x0 of 512 bytes, 0 bytes past its end"},
                    Access{"write_next", 1, 0, "an access to tensor x1 of 512 bytes, 0 bytes past its end"},
                    Access{"write_next", -1, 0, "written 1 bytes before its start"},
                    Access{"write_input", 1, 0, "an access to tensor x0 of 512 bytes, at byte"},
                    Access{"copy_next", 1, 0,
                           "cp.async reads 16 bytes of tensor x0 from byte 512 on; it has 512"},
                    Access{"copy_next", -1, 0, "cp.async reads 16 bytes of tensor x0 from byte -16 on"},
                    Access{"read_misaligned", 1, 0, "misaligned"}));

class WithoutInput : public testing::TestWithParam<Access> {};

TEST_P(WithoutInput, IsFoundAndItsNeighbourInsideIsNot) {
  const Access& access = GetParam();
  GuardedMemory out = memory_of(kFloats * sizeof(float));
  SmallKernel kernel("memory.cu", access.entry);
  const Shape shape{.threads = 32, .shared_bytes = access.shared_bytes};
  EXPECT_EQ(kernel.run(shape, 1, out, 0).failure, "");
  EXPECT_THAT(kernel.run(shape, 1, out, access.beyond).failure, HasSubstr(access.message));
}

INSTANTIATE_TEST_SUITE_P(
    Accesses, WithoutInput,
    testing::Values(Access{"write_shared", 1, 32 * 4,
                           "dynamic shared memory of 128 bytes is written 0 bytes past its end"},
                    Access{"write_shared", 256, 32 * 4, "an access to dynamic shared memory of 128 bytes, "},
                    Access{"write_shared", -1, 32 * 4,
                           "dynamic shared memory of 128 bytes is written 1 bytes before"},
                    Access{"load_matrix", 1, 32 * 16,
                           "ldmatrix of 16 bytes at byte 512 of dynamic shared memory; it has 512"},
                    Access{"read_array", 1, 0, "an index beyond the end of an array"},
                    Access{"overflow_stack", 1, 0, "an overflow of its stack"}));

TEST(SharedMemory, IsNaNBeforeEachBlock) {
  GuardedMemory out = memory_of(64 * sizeof(float));
  SmallKernel kernel("memory.cu", "read_unwritten");
  ASSERT_EQ(kernel.run({.blocks = 3, .threads = 32, .shared_bytes = 128}, 1, out, 0).failure, "");
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(std::isnan(as<float>(out)[i])) << i;
}

TEST(GuardedMemory, BeginsAlignedAndEndsWithinTheAlignmentOfThePageThatFaults) {
  for (const std::int64_t alignment : {1, 2, 16, 128}) {
    for (const std::int64_t bytes : {1, 2, 30, 4096, 5000}) {
      const GuardedMemory memory(bytes, alignment);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % static_cast<std::uintptr_t>(alignment), 0u);
      const auto end = reinterpret_cast<std::uintptr_t>(memory.data() + bytes);
      EXPECT_LT((4096 - end % 4096) % 4096, static_cast<std::uintptr_t>(alignment));
      EXPECT_EQ(memory.damage(), "");
    }
  }
}

}  // namespace
}  // namespace weir::emulator::test
