#include "gpu/launch_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

// Read bytes, written bytes, sectors read and written, nanoseconds; and a metric that does not add up.
MetricValues values(double read, double write, double sectors_read, double sectors_written,
                    double nanoseconds) {
  return {{"dram__bytes_read.sum", read},
          {"dram__bytes_write.sum", write},
          {"lts__t_sectors_srcunit_tex_op_read.sum", sectors_read},
          {"lts__t_sectors_srcunit_tex_op_write.sum", sectors_written},
          {"gpu__time_duration.sum", nanoseconds},
          {"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active", 50}};
}

TEST(LaunchCounts, ASingleLaunchIsTheWhole) {
  const auto counters = counters_of(
      {"main"}, {{values(100, 10, 4, 2, 1000)}, {values(120, 10, 4, 2, 3000)}, {values(80, 10, 4, 2, 2000)}});
  ASSERT_TRUE(counters.ok());
  EXPECT_EQ(counters->dram_read_bytes, 100);
  EXPECT_EQ(counters->dram_write_bytes, 10);
  EXPECT_EQ(counters->l2_read_bytes, 128);
  EXPECT_EQ(counters->l2_write_bytes, 64);
  EXPECT_DOUBLE_EQ(counters->duration_seconds, 2e-6);
  EXPECT_EQ(counters->repeats, 3);
  EXPECT_DOUBLE_EQ(counters->dram_read_spread, 0.4);
  EXPECT_EQ(counters->raw.at("sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active"), 50);
  EXPECT_TRUE(counters->launches.empty());
}

TEST(LaunchCounts, APipelineIsTheSumOfItsLaunchesAndHasEach) {
  const auto counters = counters_of({"main", "sum"}, {{values(100, 10, 4, 2, 1000), values(1, 2, 3, 4, 50)},
                                                      {values(300, 10, 4, 2, 1000), values(2, 2, 3, 4, 70)},
                                                      {values(200, 10, 4, 2, 1000), values(9, 2, 3, 4, 60)}});
  ASSERT_TRUE(counters.ok());
  EXPECT_EQ(counters->dram_read_bytes, 209);  // the median of 101, 302 and 209
  EXPECT_EQ(counters->dram_write_bytes, 12);
  EXPECT_EQ(counters->l2_read_bytes, 7 * 32);
  EXPECT_DOUBLE_EQ(counters->duration_seconds, 1060e-9);
  EXPECT_FALSE(counters->raw.contains("sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active"));
  ASSERT_EQ(counters->launches.size(), 2u);
  EXPECT_EQ(counters->launches[0].launch, "main");
  EXPECT_EQ(counters->launches[0].dram_read_bytes, 200);
  EXPECT_EQ(counters->launches[1].launch, "sum");
  EXPECT_EQ(counters->launches[1].dram_read_bytes, 2);
  EXPECT_EQ(counters->launches[1].l2_write_bytes, 4 * 32);
  EXPECT_DOUBLE_EQ(counters->launches[1].duration_seconds, 60e-9);
}

TEST(LaunchCounts, ACounterThatOneLaunchLacksIsNoSum) {
  MetricValues partial = values(1, 2, 3, 4, 50);
  partial.erase("dram__bytes_write.sum");
  const auto counters = counters_of({"main", "sum"}, {{values(100, 10, 4, 2, 1000), partial}});
  ASSERT_FALSE(counters.ok());
  EXPECT_EQ(counters.error().kind, ErrorKind::failed);
  EXPECT_THAT(counters.error().message, HasSubstr("dram__bytes_write.sum gave no number"));
}

}  // namespace
}  // namespace weir
