// Items read in order, most of them by how they go on from one another, against items read one by one.
#include "simulator/item_pieces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/simulator/definitions.h"
#include "tests/simulator/random_programs.h"

namespace weir {
namespace {

using namespace testing_definitions;

void expect_same(const ItemPieces& a, const ItemPieces& b) {
  ASSERT_EQ(a.pieces.size(), b.pieces.size());
  for (std::size_t i = 0; i < a.pieces.size(); ++i) {
    const Piece &x = a.pieces[i], &y = b.pieces[i];
    EXPECT_EQ(x.tensor, y.tensor);
    EXPECT_EQ(x.kind, y.kind);
    EXPECT_EQ(x.low, y.low);
    EXPECT_EQ(x.high, y.high);
    EXPECT_EQ(x.axis, y.axis);
    EXPECT_EQ(x.begin, y.begin);
    EXPECT_EQ(x.end, y.end);
    EXPECT_EQ(x.sector_bytes, y.sector_bytes);
  }
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.tile_bytes, b.tile_bytes);
  EXPECT_EQ(a.tensor_flops, b.tensor_flops);
  EXPECT_EQ(a.shared_bytes, b.shared_bytes);
  EXPECT_EQ(a.prefetch, b.prefetch);
}

// Read from the last one to the first, items never follow one another: no place is taken to go on as before.
TEST(ItemPieces, AreTheSameInEveryOrderOfReading) {
  std::map<std::string, int> kinds;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const random_programs::Program program = random_programs::make(seed);
    DeviceProfile profile = profile_of("h100-sxm5-80gb");
    profile.l2_bytes = program.l2_bytes;
    const Candidate candidate = random_programs::resolve(program, profile).value();
    for (const Launch& launch : candidate.launches) {
      FlatProgram one = flatten(launch.program), other = flatten(launch.program);
      PieceReader forward(candidate, launch, one, 32), backward(candidate, launch, other, 32);
      const std::int64_t items = std::min<std::int64_t>(launch.work_items, 400);
      std::vector<ItemPieces> expected;
      for (std::int64_t item = items; item-- > 0;) expected.push_back(backward.read(item));
      std::int64_t evenly = 0;
      for (std::int64_t item = 0; item < items; ++item) {
        SCOPED_TRACE(program.kind + " " + std::to_string(seed) + ", item " + std::to_string(item));
        expect_same(forward.read(item), expected[static_cast<std::size_t>(items - 1 - item)]);
        evenly += forward.even_items() > 0;
        if (HasFailure()) return;
      }
      kinds[program.kind] += evenly > 0;
    }
  }
  // The programs are such that there is something to find.
  EXPECT_GT(kinds["gemm"], 0);
  EXPECT_GT(kinds["attention"], 0);
  EXPECT_GT(kinds["clustered"], 0);
}

// A table that goes on evenly wherever one looks, and not between: read evenly, its tiles would lie before
// the tensor's first element.
TEST(ItemPieces, WhatATableSaysIsLookedUpForEveryItem) {
  constexpr std::int64_t kItems = 64;
  random_programs::Program program{.kind = "table",
                                   .yaml = over_bytes(R"(
  - name: main
    entry: main
    grid: [64]
    threads: 256
    arguments: [x, y]
    program:
      - {load: x, at: ['order[item] * tile'], extent: [tile]}
)"),
                                   .problem = "bytes=" + std::to_string(kItems * 16384),
                                   .l2_bytes = 50 << 20};
  program.yaml.insert(program.yaml.find("tensors:"), "tables:\n  order: {summary: tile of each item}\n");
  for (std::int64_t item = 0; item < kItems; ++item)
    program.tables["order"].push_back(item % 4 == 0   ? item / 2
                                      : item % 4 == 1 ? kItems - 1 - item / 2
                                                      : item);
  const Candidate candidate = random_programs::resolve(program, profile_of("h100-sxm5-80gb")).value();
  FlatProgram flat = flatten(candidate.launches[0].program);
  PieceReader reader(candidate, candidate.launches[0], flat, 32);
  for (std::int64_t item = 0; item < kItems; ++item) {
    const std::int64_t expected = program.tables["order"][static_cast<std::size_t>(item)] * 16384;
    EXPECT_EQ(reader.read(item).pieces[0].low[0], expected) << item;
  }
  EXPECT_FALSE(reader.has_pattern());
}

// A work item costs a look at its program; those of an even run must not.
TEST(ItemPieces, AfterTheFirstFewOfARowGoOnWithoutALookAtTheProgram) {
  const random_programs::Program program{.kind = "rows",
                                         .yaml = over_bytes(R"(
  - name: main
    entry: main
    grid: [4096]
    threads: 256
    arguments: [x, y]
    program:
      - let: {row: item / 256, column: item % 256}
      - {load: x, at: [(column * 16 + row) * tile], extent: [tile]}
      - {store: y, at: [item * tile], extent: [tile]}
)"),
                                         .problem = "bytes=" + std::to_string(4096 * 16384),
                                         .l2_bytes = 50 << 20};
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const Candidate candidate = random_programs::resolve(program, profile).value();
  FlatProgram flat = flatten(candidate.launches[0].program);
  PieceReader reader(candidate, candidate.launches[0], flat, 32);
  int looked_at = 0;
  for (std::int64_t item = 0; item < 4096; ++item) {
    const bool known = item > 0 && reader.even_items() > 0;
    const ItemPieces& read = reader.read(item);
    looked_at += !known;
    EXPECT_EQ(read.pieces[0].low[0], (item % 256 * 16 + item / 256) * 16384);
    EXPECT_EQ(read.pieces[1].low[0], item * 16384);
  }
  EXPECT_TRUE(reader.has_pattern());
  EXPECT_LT(looked_at, 4096 / 256 * 4);
}

}  // namespace
}  // namespace weir
