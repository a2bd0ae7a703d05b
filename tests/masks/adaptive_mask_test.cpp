#include "masks/adaptive_mask.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "random_shape.h"

namespace weir {
namespace {

std::vector<float> random_masses(const MaskShape& shape) {
  std::vector<float> masses;
  test::for_each_block(shape, [&](auto, auto row, auto column) {
    const bool visible = shape.visible_pairs(row, column) > 0;
    masses.push_back(visible ? static_cast<float>(*rc::gen::inRange(0, 20)) : 0.0f);
  });
  return masses;
}

TEST(AdaptiveMask, KeepsTheHeaviestBlocksFirst) {
  const MaskShape shape{.seq_q = 2, .seq_kv = 4, .block_q = 1, .block_kv = 1};
  const std::vector<float> masses{0.0625f, 0.5f, 0.1875f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f};
  const auto kept = [&](double share) {
    std::string text;
    const BlockMask mask = adaptive_mask(shape, masses, share);
    test::for_each_block(
        shape, [&](auto head, auto row, auto column) { text += mask.kept(head, row, column) ? '1' : '.'; });
    return text;
  };
  EXPECT_EQ(kept(0.0), ".1.....1");
  EXPECT_EQ(kept(0.5), ".1....11");
  EXPECT_EQ(kept(0.74), ".1.1.111");
  EXPECT_EQ(kept(0.8), ".1111111");
  EXPECT_EQ(kept(1.0), "11111111");
}

RC_GTEST_PROP(AdaptiveMask, KeepsTheShareWithAsFewBlocksAsPossible, ()) {
  const MaskShape shape = test::random_shape();
  const std::vector<float> masses = random_masses(shape);
  const double share = *rc::gen::inRange(0, 101) / 100.0;
  const BlockMask mask = adaptive_mask(shape, masses, share);
  double shares = 0, rows = 0;
  for (std::int64_t line = 0; line < shape.heads * shape.rows(); ++line) {
    const std::int64_t head = line / shape.rows(), row = line % shape.rows();
    double total = 0, kept = 0, least = INFINITY, most_left = 0;
    for (std::int64_t column = 0; column < shape.columns(); ++column) {
      const double mass = masses[static_cast<std::size_t>(line * shape.columns() + column)];
      total += mass;
      if (mask.kept(head, row, column)) {
        kept += mass;
        least = std::min(least, mass);
      } else {
        most_left = std::max(most_left, mass);
      }
    }
    if (total == 0) {
      RC_ASSERT(mask.kept_blocks(head, row) == 0);
      continue;
    }
    // Enough, not without the last one, and nothing heavier was left out.
    RC_ASSERT(kept >= share * total - 1e-9);
    RC_ASSERT(mask.kept_blocks(head, row) == 1 || kept - least < share * total);
    RC_ASSERT(least >= most_left);
    shares += kept / total;
    ++rows;
  }
  RC_ASSERT(std::abs(kept_share(mask, masses) - (rows == 0 ? 1.0 : shares / rows)) < 1e-9);
}

TEST(EstimatedMasses, AreExactWhereEveryBlockIsOneRow) {
  // Blocks of one query and one key: the estimate is the softmax itself. Two query heads share the keys.
  const MaskShape shape{.heads = 2, .seq_q = 2, .seq_kv = 3, .block_q = 1, .block_kv = 1, .causal = true};
  const std::vector<float> queries{1, 0, 0, 2, -1, 1, 3, 0}, keys{1, 1, 0, 2, -2, 1};
  const std::vector<float> masses = estimated_masses(shape, {queries, 2}, {keys, 1}, 2);
  for (int head = 0; head < 2; ++head) {
    for (int row = 0; row < 2; ++row) {
      double weights[3] = {}, sum = 0;
      for (int column = 0; column <= row + 1; ++column) {
        const float* query = &queries[static_cast<std::size_t>(4 * head + 2 * row)];
        const float* key = &keys[static_cast<std::size_t>(2 * column)];
        weights[column] = std::exp((query[0] * key[0] + query[1] * key[1]) / std::sqrt(2.0));
        sum += weights[column];
      }
      for (int column = 0; column < 3; ++column) {
        EXPECT_NEAR(masses[static_cast<std::size_t>((2 * head + row) * 3 + column)], weights[column] / sum,
                    1e-6);
      }
    }
  }
}

TEST(EstimatedMasses, CountTheVisiblePairs) {
  // All means are 0: what counts is how many pairs see each other.
  const MaskShape shape{.seq_q = 2, .seq_kv = 5, .block_q = 2, .block_kv = 2, .causal = true};
  const std::vector<float> zeros(6, 0.0f);
  const std::vector<float> masses = estimated_masses(shape, {std::span(zeros).first(2), 1}, {zeros, 1}, 2);
  // Query 0 sees keys 0 to 3, query 1 all: 4, 4 and 1 pairs.
  EXPECT_NEAR(masses[0], 4.0 / 9, 1e-6);
  EXPECT_NEAR(masses[1], 4.0 / 9, 1e-6);
  EXPECT_NEAR(masses[2], 1.0 / 9, 1e-6);
}

TEST(EstimatedMasses, AreZeroForRowsThatSeeNothing) {
  const MaskShape shape{.seq_q = 2, .seq_kv = 1, .block_q = 1, .block_kv = 1, .causal = true};
  const std::vector<float> queries{1, 1}, keys{1};
  EXPECT_EQ(estimated_masses(shape, {queries, 1}, {keys, 1}, 1), (std::vector<float>{0, 1}));
}

}  // namespace
}  // namespace weir
