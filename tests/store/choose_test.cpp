#include <gtest/gtest.h>

#include "tests/store/sample_records.h"

namespace weir {
namespace {

Record row(const std::string& config, double low, double median, double high, double predicted_dram_bytes) {
  Record record = sample_record(config);
  record.measurement->timing.low_seconds = low;
  record.measurement->timing.median_seconds = median;
  record.measurement->timing.high_seconds = high;
  record.prediction->traffic = {predicted_dram_bytes, 0, 0, 0};
  return record;
}

std::vector<std::string> configs(const Choice& choice) {
  std::vector<std::string> texts;
  for (const Record& record : choice.tie_set) texts.push_back(record.config);
  return texts;
}

TEST(Choose, TakesTheFastestWhenNothingTies) {
  const auto choice = choose({row("a=1", 1.9, 2.0, 2.1, 10), row("a=2", 0.9, 1.0, 1.1, 99)});
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->best.config, "a=2");
  EXPECT_EQ(configs(*choice), std::vector<std::string>{"a=2"});
}

TEST(Choose, ATieGoesToFewerPredictedDramBytesThenToTheText) {
  const auto choice = choose({row("a=3", 1.05, 1.2, 1.3, 10), row("a=1", 0.9, 1.0, 1.1, 20),
                              row("a=2", 1.10, 1.2, 1.3, 10), row("a=4", 1.11, 1.2, 1.3, 1)});
  ASSERT_TRUE(choice);
  EXPECT_EQ(configs(*choice), (std::vector<std::string>{"a=2", "a=3", "a=1"}));
  EXPECT_EQ(choice->best.config, "a=2");
}

TEST(Choose, NeverTakesWhatWasNotVerifiedOrNotMeasured) {
  Record wrong = row("a=1", 0.1, 0.1, 0.1, 1);
  wrong.measurement->verification.passed = false;
  Record failed = row("a=2", 0.1, 0.1, 0.1, 1);
  failed.outcome = Outcome::failed;
  Record predicted = row("a=3", 0.1, 0.1, 0.1, 1);
  predicted.outcome = Outcome::predicted;
  predicted.measurement.reset();
  Record untimed = row("a=4", 0, 0, 0, 1);
  EXPECT_FALSE(choose({wrong, failed, predicted, untimed}));
  EXPECT_EQ(choose({wrong, failed, predicted, untimed, row("a=5", 8, 9, 10, 1)})->best.config, "a=5");
}

TEST(Choose, ARowWithoutPredictionLosesTies) {
  Record bare = row("a=1", 1, 1, 1, 0);
  bare.prediction.reset();
  EXPECT_EQ(choose({bare, row("a=2", 1, 1, 1, 1e12)})->best.config, "a=2");
}

TEST(Choose, HasNothingToSayAboutNoRows) {
  EXPECT_FALSE(choose({}));
}

}  // namespace
}  // namespace weir
