#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "reports/report.h"

namespace weir::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ReportData with_errors(double median, double p90) {
  return {.kernels = {{.kernel = "gemm",
                       .device = "H100",
                       .dram_reads = {.count = 9, .median = median, .p90 = p90, .worst = 1}}}};
}

TEST(Gates, HoldAtTheLimitItself) {
  EXPECT_THAT(check_gates(with_errors(0.02, 0.1), {.read_median = 0.02, .read_p90 = 0.1}), IsEmpty());
}

TEST(Gates, NameKernelQuantityValueAndLimit) {
  EXPECT_THAT(check_gates(with_errors(0.031, 0.1), {.read_median = 0.02, .read_p90 = 0.1}),
              ElementsAre("gemm on H100: median error of DRAM reads is 3.10%, above the limit of 2.00%"));
}

TEST(Gates, DoNotPassWhatWasNotMeasured) {
  EXPECT_THAT(check_gates(with_errors(0.01, 0.02), {.write_median = 0.5}),
              ElementsAre("gemm on H100: median error of DRAM writes was not measured"));
  EXPECT_THAT(check_gates({}, {}), ElementsAre("the report has no rows to check"));
}

TEST(Gates, DoNotPassNan) {
  EXPECT_EQ(
      check_gates(with_errors(std::numeric_limits<double>::quiet_NaN(), 0), {.read_median = 0.5}).size(), 1u);
}

TEST(Gates, ThatAreUnsetCheckNothing) {
  EXPECT_THAT(check_gates(with_errors(9, 9), {}), IsEmpty());
}

}  // namespace
}  // namespace weir::report
