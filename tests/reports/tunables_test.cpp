#include "reports/tunables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reports/synthetic.h"

namespace weir::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::measured_row;
using ::testing::Pair;

TEST(ParseConfig, ReadsPairsInOrder) {
  EXPECT_THAT(parse_config("tile_m=128,stages=3,variant=wgmma"),
              ElementsAre(Pair("tile_m", "128"), Pair("stages", "3"), Pair("variant", "wgmma")));
}

TEST(ParseConfig, TakesAnyTextWithoutFailing) {
  EXPECT_THAT(parse_config(""), IsEmpty());
  EXPECT_THAT(parse_config(",,a,=1,b=c=d,"), ElementsAre(Pair("a", ""), Pair("", "1"), Pair("b", "c=d")));
}

TEST(ConfigDifference, SaysWhatTheOtherSetsDifferently) {
  EXPECT_EQ(config_difference("a=1,b=2", "a=1,b=2"), "");
  EXPECT_EQ(config_difference("a=1,b=2", "a=1,b=3"), "b=3");
  EXPECT_EQ(config_difference("a=1,variant=x", "a=2"), "a=2,(without variant)");
}

TEST(VariedTunables, AreOrderedByHowMuchTheyExplain) {
  // tile doubles the reads and the time; stages changes neither; depth never varies.
  std::vector<Record> records;
  for (const int tile : {64, 128}) {
    for (const int stages : {2, 10}) {
      records.push_back(
          measured_row("depth=1,stages=" + std::to_string(stages) + ",tile=" + std::to_string(tile), 1e6,
                       tile * 1e6, 1e-6, tile * 1e-6));
    }
  }
  const auto tunables = varied_tunables(records, {0, 1, 2, 3});
  ASSERT_EQ(tunables.size(), 2u);
  EXPECT_EQ(tunables[0].name, "tile");
  EXPECT_THAT(tunables[0].values, ElementsAre("64", "128"));
  EXPECT_THAT(tunables[0].value_of_row, ElementsAre(0, 0, 1, 1));
  EXPECT_NEAR(tunables[0].reads_explained, 1, 1e-12);
  EXPECT_NEAR(tunables[0].time_explained, 1, 1e-12);
  EXPECT_THAT(tunables[1].values, ElementsAre("2", "10"));
  EXPECT_NEAR(tunables[1].influence(), 0, 1e-12);
}

TEST(VariedTunables, GiveATunableThatSomeVariantsLackItsOwnValue) {
  const std::vector<Record> records{measured_row("a=1", 1e6, 1e6, 1e-6, 1e-6),
                                    measured_row("a=1,b=4", 1e6, 1e6, 1e-6, 2e-6)};
  const auto tunables = varied_tunables(records, {0, 1});
  ASSERT_EQ(tunables.size(), 1u);
  EXPECT_THAT(tunables[0].values, ElementsAre("(none)", "4"));
}

}  // namespace
}  // namespace weir::report
