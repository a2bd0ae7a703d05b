// The queue against an ordered set of (time, walker).
#include "simulator/event_queue.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr double kTick = 1e-11;  // seconds: what the queue tells apart

TEST(EventQueue, GivesWalkersInTheOrderOfAnOrderedSet) {
  for (const std::uint32_t walkers : {1u, 2u, 7u, 264u, 1000u}) {
    std::mt19937_64 random(walkers);
    std::set<std::pair<std::int64_t, std::uint32_t>> expected;  // ticks
    EventQueue queue(walkers);
    const auto later = [&](std::int64_t now) { return now + static_cast<std::int64_t>(random() % 50); };
    const auto seconds = [](std::int64_t ticks) { return (static_cast<double>(ticks) + 0.5) * kTick; };
    for (std::uint32_t walker = 0; walker < walkers; ++walker) {
      const std::int64_t at = later(0);
      expected.emplace(at, walker);
      queue.add(seconds(at), walker);
    }
    std::vector<std::uint32_t> left;
    for (int step = 0; !expected.empty(); ++step) {
      const auto [at, walker] = *expected.begin();
      ASSERT_FALSE(queue.empty());
      ASSERT_EQ(queue.walker(), walker);
      ASSERT_EQ(std::llround(queue.time() / kTick), at);
      expected.erase(expected.begin());
      const std::int64_t next = later(at);
      if (step < 20000 && random() % 8 != 0) {
        queue.reschedule(seconds(next));
        expected.emplace(next, walker);
        continue;
      }
      queue.pop();
      left.push_back(walker);
      if (step < 20000 && random() % 2 == 0) {
        queue.add(seconds(next), left.back());
        expected.emplace(next, left.back());
        left.pop_back();
      }
    }
    EXPECT_TRUE(queue.empty());
  }
}

TEST(EventQueue, GivesTheLowerWalkerFirstAtEqualTimes) {
  EventQueue queue(3);
  queue.add(1e-6, 2);
  queue.add(1e-6, 0);
  queue.add(1e-6, 1);
  for (const std::uint32_t walker : {0u, 1u, 2u}) {
    EXPECT_EQ(queue.walker(), walker);
    queue.pop();
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace weir
