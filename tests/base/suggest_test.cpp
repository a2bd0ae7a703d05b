#include "base/suggest.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Suggest, FindsSlipsOfTheFinger) {
  const std::vector<std::string> names{"tile_m", "tile_n", "stages", "in"};
  EXPECT_EQ(nearest_name("tilem", names), "tile_m");
  EXPECT_EQ(nearest_name("tile_nn", names), "tile_n");
  EXPECT_EQ(nearest_name("stagse", names), "stages");
  EXPECT_EQ(nearest_name("batch", names), "");
  EXPECT_EQ(nearest_name("x", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), names), "");
}

TEST(Suggest, ListsNamesForPeople) {
  EXPECT_EQ(list_of({}), "none");
  EXPECT_EQ(list_of({"a"}), "a");
  EXPECT_EQ(list_of({"a", "b", "c"}), "a, b and c");
}

}  // namespace
}  // namespace weir
