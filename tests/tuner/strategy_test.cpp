#include "tuner/strategy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace weir {
namespace {

std::vector<Trial> trials(const std::vector<double>& predicted, std::size_t default_index = 0) {
  std::vector<Trial> out;
  for (const double p : predicted) out.push_back({p, false, Trial::State::open, 0});
  out[default_index].is_default = true;
  return out;
}

std::unique_ptr<Strategy> make(const std::string& name, std::int64_t budget = 0, std::int64_t batch = 2,
                               std::uint64_t seed = 1) {
  auto strategy = make_strategy({name, budget, batch, seed});
  EXPECT_TRUE(strategy.ok());
  return std::move(*strategy);
}

// Measures what the strategy asks for until it stops; returns the order.
std::vector<std::size_t> drive(Strategy& strategy, std::vector<Trial>& all,
                               const std::vector<double>& truth) {
  std::vector<std::size_t> order;
  for (auto batch = strategy.next(all); !batch.empty(); batch = strategy.next(all)) {
    for (const std::size_t i : batch) {
      EXPECT_EQ(all[i].state, Trial::State::open) << "asked twice for " << i;
      all[i].state = Trial::State::measured;
      all[i].measured_seconds = truth[i];
      order.push_back(i);
    }
  }
  return order;
}

TEST(Strategy, UnknownNameIsAUsageErrorThatListsTheNames) {
  const auto strategy = make_strategy({"magic", 0, 8, 1});
  ASSERT_FALSE(strategy.ok());
  EXPECT_EQ(strategy.error().kind, ErrorKind::usage);
  EXPECT_NE(strategy.error().advice.find("exhaustive"), std::string::npos);
}

TEST(Strategy, ExhaustiveTriesEveryCandidateOnceAndTheDefaultFirst) {
  std::vector<Trial> all = trials({1, 2, 3, 4, 5}, 3);
  auto strategy = make("exhaustive");
  const auto order = drive(*strategy, all, {1, 1, 1, 1, 1});
  EXPECT_EQ(order, (std::vector<std::size_t>{3, 0, 1, 2, 4}));
  EXPECT_EQ(strategy->stopped_because(), "every candidate was tried");
}

TEST(Strategy, BudgetCountsFailedCandidatesToo) {
  std::vector<Trial> all = trials({1, 2, 3, 4, 5});
  all[1].state = Trial::State::failed;
  auto strategy = make("exhaustive", 3);
  EXPECT_EQ(drive(*strategy, all, {1, 1, 1, 1, 1}).size(), 2u);
  EXPECT_EQ(strategy->stopped_because(), "the budget of candidates is spent");
}

TEST(Strategy, RandomIsAPermutationThatTheSeedDecides) {
  const std::vector<double> ones(40, 1.0);
  const auto order_of = [&](std::uint64_t seed) {
    std::vector<Trial> all = trials(ones, 7);
    auto strategy = make("random", 0, 8, seed);
    return drive(*strategy, all, ones);
  };
  const auto first = order_of(1);
  EXPECT_EQ(first.front(), 7u) << "the default comes first";
  EXPECT_EQ(std::set<std::size_t>(first.begin(), first.end()).size(), 40u);
  EXPECT_EQ(first, order_of(1));
  EXPECT_NE(first, order_of(2));
}

TEST(Strategy, OptimisticTimeIsTheFastestOpenPredictionTimesTheSmallestRatio) {
  std::vector<Trial> all = trials({10, 20, 30, 40});
  EXPECT_FALSE(optimistic_open_seconds(all).has_value()) << "nothing is measured yet";
  all[0].state = all[1].state = Trial::State::measured;
  all[0].measured_seconds = 12;                         // ratio 1.2
  all[1].measured_seconds = 18;                         // ratio 0.9
  EXPECT_DOUBLE_EQ(*optimistic_open_seconds(all), 27);  // 30 x 0.9
  all[2].state = all[3].state = Trial::State::failed;
  EXPECT_FALSE(optimistic_open_seconds(all).has_value()) << "nothing is open";
}

TEST(Strategy, From20MeasurementsOnTheSmallestRatioIsLeftOutAsAnOutlier) {
  std::vector<Trial> all = trials(std::vector<double>(21, 1.0));
  for (int i = 0; i < 20; ++i) {
    all[static_cast<std::size_t>(i)].state = Trial::State::measured;
    all[static_cast<std::size_t>(i)].measured_seconds = i == 0 ? 0.1 : 1.0 + 0.01 * i;
  }
  EXPECT_DOUBLE_EQ(*optimistic_open_seconds(all), 1.01);  // rank 20 / 20 = 1: the second smallest
}

TEST(Strategy, ModelStopsOnceNoOpenCandidateCanBeatTheBest) {
  // Perfectly predicted: after the first batch {0 (default), 1} the next prediction 3 cannot beat the
  // measured 1.
  std::vector<Trial> all = trials({1, 2, 3, 4, 5, 6});
  auto strategy = make("model");
  EXPECT_EQ(drive(*strategy, all, {1, 2, 3, 4, 5, 6}), (std::vector<std::size_t>{0, 1}));
  EXPECT_NE(strategy->stopped_because().find("no open candidate"), std::string::npos);
}

TEST(Strategy, ModelGrowsTheSetWhileItsErrorSaysThatABetterOneMayBeOpen) {
  // Candidate 1 ran at half its prediction, so candidate 2 (predicted 3) may run in 1.5 and beat 2; it and 3
  // are measured. Then the smallest ratio is 0.5 still, and candidate 4 (predicted 9) cannot beat the best
  // any more.
  std::vector<Trial> all = trials({2, 4, 3.5, 3.9, 9});
  const auto order = [&] {
    auto strategy = make("model");
    return drive(*strategy, all, {2, 2, 3.5, 3.9, 9});
  }();
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

TEST(Strategy, ModelStillMeasuresTheDefaultWhenItIsPredictedLast) {
  std::vector<Trial> all = trials({1, 2, 3, 4}, 3);
  auto strategy = make("model", 0, 1);
  const auto order = drive(*strategy, all, {1, 2, 3, 4});
  EXPECT_EQ(order.front(), 3u);
  EXPECT_NE(std::find(order.begin(), order.end(), 0u), order.end());
}

}  // namespace
}  // namespace weir
