// From queries and keys to an adaptive mask on a GPU. Without one, every test skips and says why.
#include "masks/adaptive_attention.h"

#include <gtest/gtest.h>

#include "gpu/driver.h"
#include "gpu/kernel_runner.h"

namespace weir {
namespace {

const std::string kProblem = "batch=2,heads_q=4,heads_kv=2,seq_q=4096,head_dim=128,causal=true";

class AdaptiveOnDevice : public testing::Test {
 protected:
  void SetUp() override {
    const Result<const Driver*> driver = open_driver();
    if (!driver) GTEST_SKIP() << driver.error().message;
  }
};

TEST_F(AdaptiveOnDevice, HigherSharesKeepMoreAndCostLessAccuracy) {
  const AdaptiveKernels kernels = AdaptiveKernels::find(WEIR_SOURCE_DIR "/kernels").value();
  Result<KernelRunner> runner = KernelRunner::open(0, WEIR_SOURCE_DIR "/kernels");
  ASSERT_TRUE(runner.ok()) << to_string(runner.error());
  const TensorBytes inputs = topical_inputs(kernels.sparse, kProblem, 256, 8, 1).value();
  double last_kept = 0, last_error = 1e9, last_density = 0;
  for (const double share : {0.5, 0.9, 0.99, 1.0}) {
    const Result<AdaptiveAttention> result =
        adapt(kernels, kProblem, runner->facts().limits, inputs, share,
              [&](const Candidate& candidate, const TensorBytes& of) { return runner->run(candidate, of); });
    ASSERT_TRUE(result.ok()) << to_string(result.error());
    EXPECT_GE(result->estimated_share, share - 1e-6);
    EXPECT_GE(result->kept_share, last_kept - 1e-6) << share;
    EXPECT_LE(result->output_error, last_error) << share;
    EXPECT_GE(result->mask.density(), last_density) << share;
    last_kept = result->kept_share;
    last_error = result->output_error;
    last_density = result->mask.density();
  }
  EXPECT_NEAR(last_kept, 1, 1e-3);
  EXPECT_LT(last_error, 5e-3);
}

}  // namespace
}  // namespace weir
