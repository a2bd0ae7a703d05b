// From queries and keys to an adaptive mask and what it costs, all kernels emulated.
#include "masks/adaptive_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "device_limits.h"
#include "emulate.h"
#include "kernels/element_values.h"
#include "masks/adaptive_mask.h"

namespace weir::emulator::test {
namespace {

constexpr std::int64_t kHeads = 2, kKeyHeads = 1, kQueries = 200, kKeys = 264, kColumns = 64, kBlock = 32;
const std::string kProblem = "heads_q=2,heads_kv=1,seq_q=200,seq_kv=264,head_dim=64,causal=true,block_q=32";

// Runs on the emulator, which also compares every output with the kernel's reference.
Result<TensorBytes> run(const Candidate& candidate, const TensorBytes& inputs) {
  Result<Emulation> emulation = emulate(candidate, {.inputs = inputs});
  if (!emulation) return emulation.error();
  EXPECT_TRUE(emulation->verdict.passed) << candidate.kernel << ": " << emulation->verdict.detail;
  return std::move(emulation->outputs);
}

// The share of exact attention that the mask keeps, from the definition.
double exact_share(const BlockMask& mask, const TensorBytes& inputs) {
  const std::vector<float> q = to_floats(Element::bf16, inputs.at("q")),
                           k = to_floats(Element::bf16, inputs.at("k"));
  double shares = 0;
  for (std::int64_t head = 0; head < kHeads; ++head) {
    for (std::int64_t query = 0; query < kQueries; ++query) {
      double kept = 0, all = 0;
      for (std::int64_t key = 0; key <= query + kKeys - kQueries; ++key) {
        double product = 0;
        for (std::int64_t i = 0; i < kColumns; ++i)
          product += q[static_cast<std::size_t>((query * kHeads + head) * kColumns + i)] *
                     k[static_cast<std::size_t>(key * kKeyHeads * kColumns + i)];
        const double weight = std::exp(product / std::sqrt(static_cast<double>(kColumns)));
        all += weight;
        if (mask.kept(head, query / kBlock, key / kBlock)) kept += weight;
      }
      shares += kept / all / (kHeads * kQueries);
    }
  }
  return shares;
}

class AdaptiveAttentionTest : public testing::Test {
 protected:
  AdaptiveKernels kernels_ = AdaptiveKernels::find(WEIR_SOURCE_DIR "/kernels").value();
  TensorBytes inputs_ = topical_inputs(kernels_.sparse, kProblem, kBlock, 4, 1).value();

  AdaptiveAttention adapted(double share) {
    Result<AdaptiveAttention> result = adapt(kernels_, kProblem, device_limits(90), inputs_, share, run);
    if (!result) throw std::runtime_error(to_string(result.error()));
    return std::move(*result);
  }
};

TEST_F(AdaptiveAttentionTest, KeepsTheShareThatItReportsAndMostOfWhatWasAskedFor) {
  const AdaptiveAttention result = adapted(0.9);
  EXPECT_NEAR(result.kept_share, exact_share(result.mask, inputs_), 2e-3);
  EXPECT_GE(result.estimated_share, 0.9);
  EXPECT_GT(result.kept_share, 0.8) << "topics make the estimate a good one";
  EXPECT_LT(result.mask.density(), 0.6);
  EXPECT_GT(result.output_error, 1e-3);
  EXPECT_LT(result.output_error, 0.5);
  EXPECT_NE(result.problem.find("mask_heads=2"), std::string::npos);
}

TEST_F(AdaptiveAttentionTest, AMaskThatKeepsEverythingChangesNothing) {
  const AdaptiveAttention result = adapted(1.0);
  EXPECT_NEAR(result.kept_share, 1, 1e-3);
  EXPECT_LT(result.output_error, 5e-3) << "only the order of sums differs";
}

TEST_F(AdaptiveAttentionTest, InputsOfAnotherSizeAreAnError) {
  inputs_["k"].resize(16);
  const auto result = adapt(kernels_, kProblem, device_limits(90), inputs_, 0.9, run);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::usage);
  EXPECT_NE(result.error().message.find("input k has 16 bytes"), std::string::npos);
}

}  // namespace
}  // namespace weir::emulator::test
