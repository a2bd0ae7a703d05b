#include "masks/mask_tables.h"

#include <algorithm>
#include <numeric>

namespace weir {
namespace {

template <class Kept>
BlockLists lists_of(std::int64_t heads, std::int64_t lines, std::int64_t places, bool last_first,
                    const Kept& kept) {
  BlockLists lists{.first = {0}, .blocks = {}, .order = {}};
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t line = 0; line < lines; ++line) {
      for (std::int64_t place = 0; place < places; ++place) {
        if (kept(head, line, place)) lists.blocks.push_back(place);
      }
      lists.first.push_back(static_cast<std::int64_t>(lists.blocks.size()));
    }
    std::vector<std::int64_t> order(static_cast<std::size_t>(lines));
    std::iota(order.begin(), order.end(), 0);
    if (last_first) std::reverse(order.begin(), order.end());
    const auto work = [&](std::int64_t line) {
      const auto at = static_cast<std::size_t>(head * lines + line);
      return lists.first[at + 1] - lists.first[at];
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return work(a) > work(b); });
    lists.order.insert(lists.order.end(), order.begin(), order.end());
  }
  return lists;
}

}  // namespace

BlockLists row_lists(const BlockMask& mask) {
  const MaskShape& shape = mask.shape();
  return lists_of(shape.heads, shape.rows(), shape.columns(), true,
                  [&](auto head, auto row, auto column) { return mask.kept(head, row, column); });
}

BlockLists column_lists(const BlockMask& mask) {
  const MaskShape& shape = mask.shape();
  return lists_of(shape.heads, shape.columns(), shape.rows(), false,
                  [&](auto head, auto column, auto row) { return mask.kept(head, row, column); });
}

std::map<std::string, std::vector<std::int64_t>> mask_tables(const BlockMask& mask) {
  BlockLists rows = row_lists(mask), columns = column_lists(mask);
  return {{"row_first", std::move(rows.first)},         {"row_blocks", std::move(rows.blocks)},
          {"row_order", std::move(rows.order)},         {"column_first", std::move(columns.first)},
          {"column_blocks", std::move(columns.blocks)}, {"column_order", std::move(columns.order)},
          {"visible_pairs", {mask.visible_pairs()}}};
}

}  // namespace weir
