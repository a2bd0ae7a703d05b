#include "masks/patterns.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "random_shape.h"

namespace weir {
namespace {

using test::counted_pairs;
using test::for_each_block;
using test::random_shape;

// The kept blocks of head 0, a line for each row.
std::string picture(const BlockMask& mask) {
  std::string text;
  for (std::int64_t row = 0; row < mask.shape().rows(); ++row) {
    for (std::int64_t column = 0; column < mask.shape().columns(); ++column)
      text += mask.kept(0, row, column) ? '1' : '.';
    text += '\n';
  }
  return text;
}

MaskShape square(std::int64_t blocks, bool causal = false) {
  return {.seq_q = 4 * blocks, .seq_kv = 4 * blocks, .block_q = 4, .block_kv = 4, .causal = causal};
}

TEST(Butterfly, JoinsBlocksThatDifferInOneBit) {
  EXPECT_EQ(picture(butterfly_mask(square(8), 8)),
            "111.1...\n"
            "11.1.1..\n"
            "1.11..1.\n"
            ".111...1\n"
            "1...111.\n"
            ".1..11.1\n"
            "..1.1.11\n"
            "...1.111\n");
  EXPECT_EQ(picture(butterfly_mask(square(4), 2)), "11..\n11..\n..11\n..11\n");
  EXPECT_EQ(picture(butterfly_mask(square(4), 1)), "1...\n.1..\n..1.\n...1\n");
}

TEST(Butterfly, StretchesTheShorterSide) {
  const MaskShape wide{.seq_q = 2, .seq_kv = 4, .block_q = 1, .block_kv = 1};
  // Row 0 stands for numbers 0 and 1.
  EXPECT_EQ(picture(butterfly_mask(wide, 2)), "11..\n..11\n");
  EXPECT_EQ(picture(butterfly_mask(wide, 4)), "1111\n1111\n");
}

RC_GTEST_PROP(Butterfly, KeepsOneBlockForEachBitAndTheDiagonalInEachRow, ()) {
  const auto bits = *rc::gen::inRange(0, 6), below = *rc::gen::inRange(0, 6);
  const BlockMask mask = butterfly_mask(square(1 << bits), 1 << below);
  for (std::int64_t row = 0; row < 1 << bits; ++row)
    RC_ASSERT(mask.kept_blocks(0, row) == 1 + std::min(bits, below));
}

TEST(Window, FollowsTheDiagonal) {
  EXPECT_EQ(picture(window_mask(square(5), 1, 0)), "1....\n11...\n.11..\n..11.\n...11\n");
  EXPECT_EQ(picture(window_mask(square(4), 0, 2)), "111.\n.111\n..11\n...1\n");
  // Three more keys than queries: the diagonal of row 0 touches keys 3 to 6.
  const MaskShape more{.seq_q = 8, .seq_kv = 11, .block_q = 4, .block_kv = 4};
  EXPECT_EQ(picture(window_mask(more, 0, 0)), "11.\n.11\n");
  // Eight fewer: the first rows come before all keys.
  const MaskShape fewer{.seq_q = 12, .seq_kv = 4, .block_q = 4, .block_kv = 4};
  EXPECT_EQ(picture(window_mask(fewer, 0, 0)), ".\n.\n1\n");
  EXPECT_EQ(picture(window_mask(fewer, 0, 1)), ".\n1\n1\n");
}

TEST(Global, IsSeenByAllAndSeesAll) {
  EXPECT_EQ(picture(global_mask(square(4), 1, 1)), "1111\n1...\n1...\n1...\n");
  EXPECT_EQ(picture(global_mask(square(3), 0, 0)), "...\n...\n...\n");
  EXPECT_EQ(picture(global_mask(square(3, true), 3, 0)), "1..\n11.\n111\n");
}

TEST(Dense, ServesOneHeadOrAll) {
  MaskShape shape = square(2);
  shape.heads = 2;
  const bool one[] = {true, false, false, true};
  const BlockMask shared = dense_mask(shape, one);
  EXPECT_TRUE(shared.kept(1, 0, 0));
  EXPECT_FALSE(shared.kept(1, 0, 1));
  const bool both[] = {true, false, false, true, false, true, true, true};
  const BlockMask each = dense_mask(shape, both);
  EXPECT_FALSE(each.kept(1, 0, 0));
  EXPECT_TRUE(each.kept(1, 1, 0));
  EXPECT_FALSE(each.kept(0, 1, 0));
}

RC_GTEST_PROP(Random, KeepsItsShareOfEachRowAndTheLastVisibleBlock, ()) {
  const MaskShape shape = random_shape();
  const double density = *rc::gen::inRange(0, 101) / 100.0;
  const BlockMask mask = random_mask(shape, density, 7);
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      std::int64_t visible = 0, last = -1;
      for (std::int64_t column = 0; column < shape.columns(); ++column) {
        if (counted_pairs(shape, row, column) > 0) ++visible, last = column;
      }
      const auto share = static_cast<std::int64_t>(std::floor(density * static_cast<double>(visible) + 0.5));
      RC_ASSERT(mask.kept_blocks(head, row) == std::min(visible, std::max<std::int64_t>(share, 1)));
      if (visible > 0) RC_ASSERT(mask.kept(head, row, last));
    }
  }
}

TEST(Random, DependsOnSeedAndHead) {
  MaskShape shape = square(32);
  shape.heads = 2;
  const BlockMask mask = random_mask(shape, 0.5, 1);
  EXPECT_EQ(mask, random_mask(shape, 0.5, 1));
  EXPECT_NE(mask, random_mask(shape, 0.5, 2));
  bool differ = false;
  for (std::int64_t i = 0; i < 32; ++i) differ = differ || mask.kept(0, 5, i) != mask.kept(1, 5, i);
  EXPECT_TRUE(differ);
}

TEST(Random, KeepsEveryColumnAboutEquallyOften) {
  // 4096 rows keep 15 of the 31 blocks beside the last: each is kept 1982 times on average, with a standard
  // deviation of 32.
  const MaskShape shape{.seq_q = 4096, .seq_kv = 32, .block_q = 1, .block_kv = 1};
  const BlockMask mask = random_mask(shape, 0.5, 3);
  for (std::int64_t column = 0; column < 31; ++column) {
    std::int64_t count = 0;
    for (std::int64_t row = 0; row < 4096; ++row) count += mask.kept(0, row, column);
    EXPECT_NEAR(count, 1982, 5 * 32) << column;
  }
}

RC_GTEST_PROP(Masks, CountTheirPairsAndKeepNoBlockThatNoQuerySees, ()) {
  const MaskShape shape = random_shape();
  BlockMask mask = *rc::gen::arbitrary<bool>() ? random_mask(shape, 0.4, 5) : full_mask(shape);
  mask |= window_mask(shape, 1, 0);
  std::int64_t pairs = 0, all = 0;
  for_each_block(shape, [&](auto head, auto row, auto column) {
    const std::int64_t counted = counted_pairs(shape, row, column);
    RC_ASSERT(shape.visible_pairs(row, column) == counted);
    all += counted;
    if (!mask.kept(head, row, column)) return;
    RC_ASSERT(counted > 0);
    pairs += counted;
  });
  RC_ASSERT(mask.visible_pairs() == pairs);
  RC_ASSERT(shape.visible_pairs() * shape.heads == all);
  if (all > 0)
    RC_ASSERT(std::abs(mask.density() - static_cast<double>(pairs) / static_cast<double>(all)) < 1e-12);
}

}  // namespace
}  // namespace weir
