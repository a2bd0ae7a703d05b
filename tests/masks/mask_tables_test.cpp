#include "masks/mask_tables.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "masks/patterns.h"
#include "random_shape.h"

namespace weir {
namespace {

using List = std::vector<std::int64_t>;

// Blocks (head, line, place) by the lists.
std::set<std::array<std::int64_t, 3>> blocks_of(const BlockLists& lists, std::int64_t heads,
                                                std::int64_t lines) {
  std::set<std::array<std::int64_t, 3>> blocks;
  RC_ASSERT(static_cast<std::int64_t>(lists.first.size()) == heads * lines + 1);
  RC_ASSERT(lists.first.front() == 0);
  RC_ASSERT(lists.first.back() == static_cast<std::int64_t>(lists.blocks.size()));
  for (std::int64_t i = 0; i < heads * lines; ++i) {
    const auto from = lists.first[static_cast<std::size_t>(i)],
               to = lists.first[static_cast<std::size_t>(i) + 1];
    RC_ASSERT(from <= to);
    for (std::int64_t at = from; at < to; ++at) {
      const std::int64_t place = lists.blocks[static_cast<std::size_t>(at)];
      // Inside RC_ASSERT both sides of || are evaluated.
      if (at > from) RC_ASSERT(place > lists.blocks[static_cast<std::size_t>(at) - 1]);
      blocks.insert({i / lines, i % lines, place});
    }
  }
  return blocks;
}

// Each head's lines, each once, none before one with more blocks.
void check_order(const BlockLists& lists, std::int64_t heads, std::int64_t lines) {
  RC_ASSERT(static_cast<std::int64_t>(lists.order.size()) == heads * lines);
  for (std::int64_t head = 0; head < heads; ++head) {
    std::set<std::int64_t> seen;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::int64_t i = head * lines; i < (head + 1) * lines; ++i) {
      const std::int64_t line = lists.order[static_cast<std::size_t>(i)];
      RC_ASSERT(line >= 0);
      RC_ASSERT(line < lines);
      RC_ASSERT(seen.insert(line).second);
      const auto at = static_cast<std::size_t>(head * lines + line);
      const std::int64_t work = lists.first[at + 1] - lists.first[at];
      RC_ASSERT(work <= least);
      least = work;
    }
  }
}

RC_GTEST_PROP(MaskTables, ListEveryKeptBlockOnceByRowsAndByColumns, ()) {
  const MaskShape shape = test::random_shape();
  const BlockMask mask =
      random_mask(shape, *rc::gen::inRange(0, 100) / 100.0, *rc::gen::arbitrary<std::uint64_t>());
  const BlockLists rows = row_lists(mask), columns = column_lists(mask);
  const auto by_rows = blocks_of(rows, shape.heads, shape.rows());
  const auto by_columns = blocks_of(columns, shape.heads, shape.columns());
  test::for_each_block(shape, [&](auto head, auto row, auto column) {
    RC_ASSERT(by_rows.contains({head, row, column}) == mask.kept(head, row, column));
    RC_ASSERT(by_columns.contains({head, column, row}) == mask.kept(head, row, column));
  });
  RC_ASSERT(by_rows.size() == by_columns.size());
  check_order(rows, shape.heads, shape.rows());
  check_order(columns, shape.heads, shape.columns());
}

TEST(MaskTables, OfAnArrow) {
  const MaskShape shape{.seq_q = 3, .seq_kv = 3, .block_q = 1, .block_kv = 1};
  BlockMask mask = window_mask(shape, 0, 0);
  mask |= global_mask(shape, 1, 1);
  // 111
  // 11.
  // 1.1
  const auto tables = mask_tables(mask);
  EXPECT_EQ(tables.at("row_first"), (List{0, 3, 5, 7}));
  EXPECT_EQ(tables.at("row_blocks"), (List{0, 1, 2, 0, 1, 0, 2}));
  EXPECT_EQ(tables.at("row_order"), (List{0, 2, 1}));  // of rows with equal work the last one
  EXPECT_EQ(tables.at("column_first"), (List{0, 3, 5, 7}));
  EXPECT_EQ(tables.at("column_blocks"), (List{0, 1, 2, 0, 1, 0, 2}));
  EXPECT_EQ(tables.at("column_order"), (List{0, 1, 2}));
  EXPECT_EQ(tables.at("visible_pairs"), (List{7}));
}

TEST(MaskTables, OfNothing) {
  const auto tables =
      mask_tables(BlockMask({.heads = 2, .seq_q = 2, .seq_kv = 1, .block_q = 1, .block_kv = 1}));
  EXPECT_EQ(tables.at("row_first"), (List{0, 0, 0, 0, 0}));
  EXPECT_EQ(tables.at("row_blocks"), List{});
  EXPECT_EQ(tables.at("row_order"), (List{1, 0, 1, 0}));
}

}  // namespace
}  // namespace weir
