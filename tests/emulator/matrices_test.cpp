// mma.sync against a plain loop; ldmatrix against the layout that the PTX ISA draws.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "emulator/float_formats.h"
#include "small_kernel.h"

namespace weir::emulator::test {
namespace {

class Multiply : public testing::TestWithParam<const char*> {};

TEST_P(Multiply, AddsTheProductOfTwoMatrices) {
  const bool bf16 = GetParam() == std::string("multiply_bf16");
  const auto narrow = [&](float value) { return bf16 ? bf16_from_f32(value) : f16_from_f32(value); };
  GuardedMemory a = memory_of(16 * 16 * 2), b = memory_of(16 * 8 * 2), c = memory_of(16 * 8 * 4);
  std::mt19937 random(7);
  // Sums of products of small integers are exact, so that their order doesn't matter.
  std::uniform_int_distribution<int> integers(-8, 8);
  std::vector<int> expected(16 * 8), left(16 * 16), right(16 * 8);
  for (int& value : left) value = integers(random);
  for (int& value : right) value = integers(random);
  for (int& value : expected) value = integers(random);
  for (std::size_t i = 0; i < left.size(); ++i)
    as<unsigned short>(a)[i] = narrow(static_cast<float>(left[i]));
  for (std::size_t i = 0; i < right.size(); ++i)
    as<unsigned short>(b)[i] = narrow(static_cast<float>(right[i]));
  for (std::size_t i = 0; i < expected.size(); ++i) as<float>(c)[i] = static_cast<float>(expected[i]);
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      for (std::size_t k = 0; k < 16; ++k)
        expected[8 * row + column] += left[16 * row + k] * right[8 * k + column];
    }
  }
  SmallKernel kernel("matrices.cu", GetParam());
  ASSERT_EQ(kernel.run({}, 1, a, b, c).failure, "");
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(as<float>(c)[i], static_cast<float>(expected[i])) << i;
}

INSTANTIATE_TEST_SUITE_P(Types, Multiply, testing::Values("multiply_bf16", "multiply_f16"),
                         [](const auto& info) { return std::string(info.param); });

struct Matrices {
  int count;
  bool transposed;
};
void PrintTo(const Matrices& matrices, std::ostream* stream) {
  *stream << "x" << matrices.count << (matrices.transposed ? " transposed" : "");
}

class LoadMatrices : public testing::TestWithParam<Matrices> {};

// "Matrix load and store", figure of the fragment: thread 4 r + c receives elements 2 c and 2 c + 1 of row r;
// with .trans of column r.
TEST_P(LoadMatrices, GivesEveryLaneItsTwoElements) {
  const auto [count, transposed] = GetParam();
  GuardedMemory x = memory_of(128 * 16), order = memory_of(32 * 4), out = memory_of(32 * 4 * count);
  std::vector<int> rows(128);
  std::iota(rows.begin(), rows.end(), 0);
  std::shuffle(rows.begin(), rows.end(), std::mt19937(3));  // rows lie anywhere
  for (int i = 0; i < 32; ++i) as<int>(order)[i] = rows[static_cast<std::size_t>(i)];
  for (int i = 0; i < 128 * 8; ++i) as<unsigned short>(x)[i] = static_cast<unsigned short>(i);
  SmallKernel kernel("matrices.cu", "load_matrices");
  ASSERT_EQ(kernel.run({}, 1, x, order, out, count, transposed ? 1 : 0).failure, "");
  for (int matrix = 0; matrix < count; ++matrix) {
    const auto element = [&](int row, int column) {
      return 8 * rows[static_cast<std::size_t>(8 * matrix + row)] + column;
    };
    for (int lane = 0; lane < 32; ++lane) {
      const int r = lane / 4, c = lane % 4;
      const int low = transposed ? element(2 * c, r) : element(r, 2 * c);
      const int high = transposed ? element(2 * c + 1, r) : element(r, 2 * c + 1);
      EXPECT_EQ(as<unsigned>(out)[32 * matrix + lane], static_cast<unsigned>(low | high << 16));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LoadMatrices,
                         testing::Values(Matrices{4, false}, Matrices{4, true}, Matrices{2, false},
                                         Matrices{2, true}));

TEST(LoadMatrices, CountsThePassesOverTheBanks) {
  GuardedMemory x = memory_of(128 * 16), order = memory_of(32 * 4), out = memory_of(32 * 4 * 4);
  SmallKernel kernel("matrices.cu", "load_matrices");
  const auto wavefronts = [&](auto row) {
    for (int i = 0; i < 32; ++i) as<int>(order)[i] = row(i);
    return kernel.run({}, 1, x, order, out, 4, 0).ldmatrix;
  };
  EXPECT_EQ(wavefronts([](int i) { return i; }), (Wavefronts{4, 4})) << "rows one after another";
  EXPECT_EQ(wavefronts([](int i) { return 4 * i; }), (Wavefronts{4, 16})) << "rows of 64 bytes";
  EXPECT_EQ(wavefronts([](int i) { return 8 * (i % 8) + (i % 8 ^ i / 8); }), (Wavefronts{4, 4}))
      << "rows of 128 bytes, swizzled";
}

// Every half with its neighbours: the nearest is chosen, and of two the one with an even last bit.
TEST(FloatFormats, RoundToNearestEven) {
  const auto check = [](auto to_f32, auto from_f32, unsigned short largest) {
    for (unsigned short bits = 0; bits < largest; ++bits) {
      const float value = to_f32(bits), next = to_f32(static_cast<unsigned short>(bits + 1));
      ASSERT_LT(value, next);
      const float middle = value + (next - value) / 2;  // exact in f32
      const auto even = static_cast<unsigned short>(bits % 2 == 0 ? bits : bits + 1);
      ASSERT_EQ(from_f32(value), bits);
      ASSERT_EQ(from_f32(middle), even) << bits;
      ASSERT_EQ(from_f32(std::nextafterf(middle, 0)), bits);
      ASSERT_EQ(from_f32(std::nextafterf(middle, next)), bits + 1);
      ASSERT_EQ(from_f32(-middle), 0x8000u | even);
    }
  };
  check(f32_from_f16, f16_from_f32, 0x7bff);
  check(f32_from_bf16, bf16_from_f32, 0x7f7f);
  EXPECT_EQ(f16_from_f32(65519.996f), 0x7bff);
  EXPECT_EQ(f16_from_f32(65520.0f), 0x7c00) << "half a step beyond the largest rounds to infinity";
  EXPECT_EQ(f16_from_f32(1e30f), 0x7c00);
  EXPECT_EQ(bf16_from_f32(3.4e38f), 0x7f80);
  EXPECT_EQ(f16_from_f32(std::nanf("")), 0x7fff);
  EXPECT_EQ(bf16_from_f32(std::nanf("")), 0x7fff);
  EXPECT_TRUE(std::isnan(f32_from_f16(0x7e00)));
}

// The compiler's own conversion, an oracle of f32_from_f16.
TEST(FloatFormats, F16IsTheCompilersF16) {
  for (unsigned bits = 0; bits < 0x7c00; ++bits) {
    const auto narrow = static_cast<unsigned short>(bits);
    ASSERT_EQ(f32_from_f16(narrow), static_cast<float>(std::bit_cast<_Float16>(narrow)));
  }
}

}  // namespace
}  // namespace weir::emulator::test
