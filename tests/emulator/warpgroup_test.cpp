// wgmma, tensor copies and mbarriers against plain loops, in the layouts that an H100 showed, and what the
// emulator says when a wait is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "emulator/float_formats.h"
#include "engine/tensor_map.h"
#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

using testing::HasSubstr;

constexpr int kRows = 64, kColumns = 128, kDepth = 128;

// Columns in panels of 64, as wgmma wants them: one copy brings all.
CUtensorMap panels(GuardedMemory& matrix, int rows, int columns) {
  return tensor_map(matrix.data(), 2, 128,
                    {{64, 0, 64}, {rows, 2 * columns, rows}, {columns / 64, 128, columns / 64}});
}

struct Mode {
  const char* entry;
  bool a_across, b_across;  // stored [k][row] and [k][column]
};
void PrintTo(const Mode& mode, std::ostream* stream) {
  *stream << mode.entry;
}

class Wgmma : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    std::mt19937 random(5);
    std::uniform_int_distribution<int> integers(-8, 8);  // exact sums
    for (GuardedMemory* matrix : {&a, &b}) {
      for (int i = 0; i < matrix->bytes() / 2; ++i)
        as<unsigned short>(*matrix)[i] = bf16_from_f32(static_cast<float>(integers(random)) / 4);
    }
  }
  LaunchReport run(int wait) {
    const CUtensorMap a_map = GetParam().a_across ? panels(a, kDepth, kRows) : panels(a, kRows, kDepth);
    const CUtensorMap b_map = GetParam().b_across ? panels(b, kDepth, kColumns) : panels(b, kColumns, kDepth);
    SmallKernel kernel("warpgroup.cu", GetParam().entry);
    return kernel.run({.threads = 128, .shared_bytes = (kRows + kColumns) * kDepth * 2}, 1, &a_map, &b_map, a,
                      b, d, wait);
  }
  float at(GuardedMemory& matrix, int row, int columns, int column) {
    return f32_from_bf16(as<unsigned short>(matrix)[row * columns + column]);
  }
  GuardedMemory a = memory_of(kRows * kDepth * 2), b = memory_of(kColumns * kDepth * 2),
                d = memory_of(kRows * kColumns * 4);
};

TEST_P(Wgmma, MultipliesTilesThatTensorCopiesSwizzled) {
  ASSERT_EQ(run(1).failure, "");
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      float expected = 0;
      for (int k = 0; k < kDepth; ++k) {
        expected += (GetParam().a_across ? at(a, k, kRows, row) : at(a, row, kDepth, k)) *
                    (GetParam().b_across ? at(b, k, kColumns, column) : at(b, column, kDepth, k));
      }
      ASSERT_EQ(as<float>(d)[row * kColumns + column], expected) << row << ", " << column;
    }
  }
}

TEST_P(Wgmma, HasNoResultBeforeTheWait) {
  EXPECT_THAT(run(0).failure, HasSubstr("ends while its products have not been waited for"));
  for (int i = 0; i < kRows * kColumns; ++i) ASSERT_TRUE(std::isnan(as<float>(d)[i]));
}

INSTANTIATE_TEST_SUITE_P(Operands, Wgmma,
                         testing::Values(Mode{"both_along_k", false, false},
                                         Mode{"b_along_columns", false, true},
                                         Mode{"a_in_registers", false, true}, Mode{"both_across", true, true},
                                         Mode{"a_by_stmatrix", false, true}),
                         [](const auto& info) { return std::string(info.param.entry); });

// In the order of warpgroup.cu.
enum Fault { kNone, kTooFewBytes, kNoFullWait, kNoEmptyWait, kNoStoreWait };

class TensorRing : public testing::Test {
 protected:
  static constexpr int kTiles = 5, kTensorRows = 32 * kTiles - 9;  // the last tile reaches beyond
  LaunchReport run(Fault fault, std::uint64_t seed) {
    for (int i = 0; i < kTensorRows * 32; ++i) as<float>(x)[i] = static_cast<float>(i), as<float>(y)[i] = 1;
    const CUtensorMap x_map = tensor_map(x.data(), 4, 128, {{32, 0, 32}, {kTensorRows, 128, 32}});
    const CUtensorMap y_map = tensor_map(y.data(), 4, 128, {{32, 0, 32}, {kTensorRows, 128, 16}});
    return kernel.run({.threads = 96, .shared_bytes = 2 * 32 * 32 * 4}, seed, &x_map, &y_map, x, y, kTiles,
                      static_cast<int>(fault));
  }
  bool is_right() {
    for (int i = 0; i < kTensorRows * 32; ++i) {
      if (as<float>(y)[i] != static_cast<float>(i) + 2) return false;
    }
    return true;
  }
  int right_of_eight(Fault fault) {
    int right = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed)
      right += run(fault, seed).failure.empty() && is_right() ? 1 : 0;
    return right;
  }
  SmallKernel kernel{"warpgroup.cu", "add_through_ring"};
  GuardedMemory x = memory_of(kTensorRows * 128, 128), y = memory_of(kTensorRows * 128, 128);
};

TEST_F(TensorRing, IsRightWithItsBarriersAndCopiesWhatLiesInsideTheTensor) {
  EXPECT_EQ(right_of_eight(kNone), 8);
  EXPECT_EQ(kernel.copied_bytes, kTensorRows * 128);
  EXPECT_EQ(y.damage(), "");
}

TEST_F(TensorRing, IsWrongWithoutTheWaitForFullBuffers) {
  EXPECT_EQ(right_of_eight(kNoFullWait), 0);
}

TEST_F(TensorRing, IsWrongWithoutTheWaitForEmptyBuffers) {
  EXPECT_EQ(right_of_eight(kNoEmptyWait), 0);
}

TEST_F(TensorRing, IsWrongIfABufferIsFilledBeforeItsStoreHasReadIt) {
  EXPECT_LT(right_of_eight(kNoStoreWait), 4);
}

TEST_F(TensorRing, ABarrierThatLacksBytesHangsAndSaysSo) {
  const std::string failure = run(kTooFewBytes, 1).failure;
  EXPECT_THAT(failure, HasSubstr("hangs"));
  EXPECT_THAT(failure, HasSubstr("wait in mbarrier.try_wait at tests/emulator/sources/warpgroup.cu"));
  EXPECT_THAT(failure, HasSubstr("for 0 arrivals and 16 bytes"));
}

}  // namespace
}  // namespace weir::emulator::test
