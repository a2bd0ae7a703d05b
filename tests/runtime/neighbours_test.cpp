#include "runtime/neighbours.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/result.h"
#include "tests/store/sample_records.h"

namespace weir {
namespace {

constexpr const char* kYaml = R"(
format: 1
kernel: rows
summary: two sizes, and parameters of every other kind
problem:
  m: {type: int, min: 1}
  n: {type: int, min: 1}
  left: {type: int, min: -1, default: -1}
  head: {type: int, min: 1, default: 64, compile_time: true}
  wide: {type: bool, default: false}
  scale: {type: real, min: 0, default: 1}
tables:
  kept: {length: 'left == 0 ? m : 0'}
tensors:
  x: {role: in, element: f32, shape: [m, n]}
tunables:
  tile: [128]
default: {tile: 128}
variants:
  - {name: plain, source: kernel.cu, min_compute_capability: 80}
launches:
  - name: main
    entry: rows
    grid: [m]
    threads: 128
    arguments: [x]
    program:
      - {load: x, at: [item, 0], extent: [1, n]}
)";

class NeighboursTest : public testing::Test {
 protected:
  KernelDefinition definition_ = must(KernelDefinition::parse(kYaml, "rows/kernel.yaml"));

  StoredPick tuned(const std::string& problem, double bytes = 0) {
    StoredPick pick;
    pick.problem = problem;
    pick.predicted_dram_bytes = bytes;
    return pick;
  }
  std::vector<std::string> order(const std::string& asked, const std::vector<StoredPick>& picks) {
    std::vector<std::string> problems;
    for (const Neighbour& near : neighbours(definition_, must(definition_.problem(asked)), picks))
      problems.push_back(near.pick->problem);
    return problems;
  }
};

constexpr const char* kRest = ",left=-1,head=64,wide=false,scale=1";

TEST_F(NeighboursTest, DistanceIsTheLengthOfTheVectorOfDoublings) {
  const std::vector<StoredPick> picks = {tuned(std::string("m=100,n=400") + kRest)};
  const std::vector<Neighbour> near =
      neighbours(definition_, must(definition_.problem("m=200,n=100")), picks);
  ASSERT_EQ(near.size(), 1U);
  EXPECT_NEAR(near[0].doublings, std::sqrt(1.0 + 4.0), 1e-12);
}

TEST_F(NeighboursTest, NearestComeFirstAndOfEquallyNearOnesThoseWithFewerBytes) {
  const std::vector<StoredPick> picks = {
      tuned(std::string("m=400,n=100") + kRest, 1), tuned(std::string("m=200,n=100") + kRest, 9),
      tuned(std::string("m=50,n=100") + kRest, 5), tuned(std::string("m=100,n=100") + kRest, 100)};
  EXPECT_EQ(order("m=100,n=100", picks), (std::vector<std::string>{picks[3].problem, picks[2].problem,
                                                                   picks[1].problem, picks[0].problem}));
}

TEST_F(NeighboursTest, BeyondThreeDoublingsNothingIsNear) {
  const std::vector<StoredPick> picks = {tuned(std::string("m=100,n=100") + kRest)};
  EXPECT_EQ(order("m=800,n=100", picks).size(), 1U);
  EXPECT_EQ(order("m=801,n=100", picks).size(), 0U);
  EXPECT_EQ(order("m=400,n=601", picks).size(), 0U) << "2 and 2.6 doublings are 3.3 together";
}

TEST_F(NeighboursTest, OnlySizesMayDiffer) {
  for (const char* other :
       {"m=100,n=100,left=-1,head=128,wide=false,scale=1", "m=100,n=100,left=-1,head=64,wide=true,scale=1",
        "m=100,n=100,left=-1,head=64,wide=false,scale=2", "m=100,n=100,left=7,head=64,wide=false,scale=1",
        "m=100,n=100,left=-1,head=64,wide=false", "n=100,m=100,left=-1,head=64,wide=false,scale=1",
        "m=1e2,n=100,left=-1,head=64,wide=false,scale=1", ""}) {
    EXPECT_EQ(order("m=100,n=100", {tuned(other)}).size(), 0U) << other;
  }
  EXPECT_EQ(order("m=100,n=100,left=8", {tuned("m=100,n=100,left=7,head=64,wide=false,scale=1")}).size(), 1U)
      << "a window that both have is a size";
}

TEST_F(NeighboursTest, TablesMayHaveOtherEntriesButAreThereOrNot) {
  const Problem asked = must(definition_.problem("m=2,n=100,left=0", {{"kept", {1, 2}}}));
  const std::string same = "m=2,n=100,left=0,head=64,wide=false,scale=1";
  EXPECT_EQ(neighbours(definition_, asked, {tuned(same + ",tables=0123456789abcdef")}).size(), 1U);
  EXPECT_EQ(neighbours(definition_, asked, {tuned(same)}).size(), 0U);
}

}  // namespace
}  // namespace weir
