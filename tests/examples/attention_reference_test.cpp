// The example's reference against cases whose answer is known.
#include "examples/attention_app/attention_reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

std::vector<std::uint16_t> filled(std::size_t count, float value) {
  return std::vector<std::uint16_t>(count, to_bf16(value));
}

TEST(AttentionReference, EqualKeysGiveTheMeanOfTheValues) {
  const AttentionShape shape{.seq_q = 2, .seq_kv = 4, .head_dim = 2};
  std::vector<std::uint16_t> v;
  for (float value : {1.f, 10.f, 2.f, 20.f, 3.f, 30.f, 6.f, 40.f}) v.push_back(to_bf16(value));
  const AttentionRow row = attention_row(shape, filled(4, 1), filled(8, 1), v, 0, 0, 1);
  EXPECT_DOUBLE_EQ(row.o[0], 3);
  EXPECT_DOUBLE_EQ(row.o[1], 25);
  EXPECT_DOUBLE_EQ(row.lse, 2 / std::sqrt(2.0) + std::log(4.0));  // score 2, scaled, four times
}

TEST(AttentionReference, TheCausalDiagonalIsAlignedAtTheBottomRight) {
  AttentionShape shape{.seq_q = 2, .seq_kv = 3, .head_dim = 1, .causal = true};
  const std::vector<std::uint16_t> v{to_bf16(1), to_bf16(3), to_bf16(100)};
  EXPECT_DOUBLE_EQ(attention_row(shape, filled(2, 0), filled(3, 0), v, 0, 0, 0).o[0],
                   2);  // sees keys 0 and 1
  shape.seq_q = 4;
  const AttentionRow blind = attention_row(shape, filled(4, 0), filled(3, 0), v, 0, 0, 0);
  EXPECT_EQ(blind.o[0], 0);
  EXPECT_EQ(blind.lse, -std::numeric_limits<double>::infinity());
}

TEST(AttentionReference, GroupedHeadsShareKeysAndValues) {
  const AttentionShape shape{.heads_q = 4, .heads_kv = 2, .head_dim = 1};
  const std::vector<std::uint16_t> v{to_bf16(5), to_bf16(7)};
  for (int head = 0; head < 4; ++head) {
    EXPECT_EQ(attention_row(shape, filled(4, 1), filled(2, 1), v, 0, head, 0).o[0], head < 2 ? 5 : 7);
  }
}

TEST(AttentionReference, RoundsToNearestEven) {
  EXPECT_EQ(to_bf16(1.0f), 0x3F80);
  EXPECT_EQ(to_bf16(1.0f + 1.0f / 256), 0x3F80);  // halfway, to even
  EXPECT_EQ(to_bf16(1.0f + 3.0f / 256), 0x3F82);  // halfway, to even
  EXPECT_EQ(from_bf16(to_bf16(-2.5f)), -2.5f);
}

}  // namespace
