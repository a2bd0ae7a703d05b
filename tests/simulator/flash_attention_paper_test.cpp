// The counts of the FlashAttention paper: Dao, Fu, Ermon, Rudra and Ré (2022), Algorithm 1 and the block-size
// sweep of figure 2 (middle), forward pass; and of the loop order of FlashAttention-2 (Dao, 2023).
#include <gtest/gtest.h>

#include <cmath>

#include "tests/simulator/definitions.h"

namespace weir {
namespace {

using testing_definitions::profile_of;

// GPT-2 medium as in the figure: 64 sequences of 1024 tokens, 16 heads of 64, 16-bit elements.
constexpr double kHeads = 64 * 16, kN = 1024, kD = 64, kElement = 2, kStatistic = 4;
const std::string kGpt2 = "batch=64,heads=16,seq=1024,head_dim=64";
constexpr double kTensor = kHeads * kN * kD * kElement;  // one of Q, K, V, O
constexpr double kVector = kHeads * kN * kStatistic;     // one of l, m

// Algorithm 1 reads K and V once, and for each of the N / B_c blocks of them all of Q, O, l and m, and writes
// O, l and m. The paper's count leaves out l and m, which are of lower order.
double algorithm_1(double block_kv) {
  const double passes = std::ceil(kN / block_kv);
  return 2 * kTensor + passes * (3 * kTensor + 4 * kVector);
}

// A block owns B_r queries: Q is read and O and the log-sum-exp written once, K and V are read by every
// block.
double flash_attention_2(double block_q) {
  return 2 * kTensor + kVector + std::ceil(kN / block_q) * 2 * kTensor;
}

Prediction predict_paper(const std::string& variant, int block_kv, int block_q, Fidelity fidelity,
                         const std::string& problem = kGpt2) {
  const DeviceProfile a100 = profile_of("a100-sxm4-40gb");  // the paper's GPU
  const auto definition = KernelDefinition::load(std::filesystem::path(WEIR_SOURCE_DIR) /
                                                 "examples/definitions/flash_attention_paper.yaml");
  if (!definition.ok()) throw std::runtime_error(to_string(definition.error()));
  const auto config = definition->config("block_kv=" + std::to_string(block_kv) +
                                         ",block_q=" + std::to_string(block_q) + ",variant=" + variant);
  if (!config.ok()) throw std::runtime_error(to_string(config.error()));
  const auto candidate =
      definition->resolve(definition->problem(problem, {}).value(), *config, limits_of(a100));
  if (!candidate.ok()) throw std::runtime_error(to_string(candidate.error()));
  const auto prediction = predict(a100, *candidate, {.fidelity = fidelity});
  if (!prediction.ok()) throw std::runtime_error(to_string(prediction.error()));
  return *prediction;
}

double tensor_bytes(const Prediction& prediction, const std::string& tensor) {
  for (const TensorTraffic& t : prediction.tensors) {
    if (t.tensor == tensor) return t.traffic.l2_read_bytes + t.traffic.l2_write_bytes;
  }
  return 0;
}

class BlockSizeSweep : public testing::TestWithParam<int> {};

TEST_P(BlockSizeSweep, CountsWhatAlgorithm1ReadsAndWrites) {
  const Prediction p = predict_paper("algorithm_1", GetParam(), 64, Fidelity::bounds);
  EXPECT_DOUBLE_EQ(p.bounds.sram_level_bytes, algorithm_1(GetParam()));
}

TEST_P(BlockSizeSweep, CountsWhatFlashAttention2ReadsAndWritesWhateverTheBlockOfKeys) {
  for (const int block_q : {64, 128}) {
    const Prediction p = predict_paper("flash_attention_2", GetParam(), block_q, Fidelity::bounds);
    EXPECT_DOUBLE_EQ(p.bounds.sram_level_bytes, flash_attention_2(block_q));
  }
}

// The walk through the L2 asks for the same bytes, tensor by tensor.
TEST_P(BlockSizeSweep, TheCacheModelAsksTheL2ForTheCountedBytes) {
  const Prediction p = predict_paper("algorithm_1", GetParam(), 64, Fidelity::cache);
  const double passes = kN / GetParam();
  EXPECT_DOUBLE_EQ(p.bounds.sram_level_bytes, algorithm_1(GetParam()));
  for (const char* once : {"k", "v"}) EXPECT_DOUBLE_EQ(tensor_bytes(p, once), kTensor) << once;
  EXPECT_DOUBLE_EQ(tensor_bytes(p, "q"), passes * kTensor);
  EXPECT_DOUBLE_EQ(tensor_bytes(p, "o"), passes * 2 * kTensor);
  for (const char* vector : {"l", "m"})
    EXPECT_DOUBLE_EQ(tensor_bytes(p, vector), passes * 2 * kVector) << vector;
}

// What the paper counts is not what DRAM sees. One sequence's 16 heads are 8 MB: the L2 of 40 MiB serves all
// that is read again. Of 1024 heads hundreds are worked on at a time, and much of it goes to DRAM.
TEST_P(BlockSizeSweep, DramReadsEachInputOnceWhereTheHeadsInWorkFitInTheL2) {
  const double inputs = 4 * kTensor + 2 * kVector;
  const Prediction one = predict_paper("algorithm_1", GetParam(), 64, Fidelity::cache, "heads=16,seq=1024");
  EXPECT_NEAR(one.traffic.dram_read_bytes, inputs / 64, 1e-3 * inputs / 64);
  const Prediction all = predict_paper("algorithm_1", GetParam(), 64, Fidelity::cache);
  EXPECT_GT(all.traffic.dram_read_bytes, 1.2 * inputs);
  EXPECT_LE(all.traffic.dram_read_bytes, all.traffic.l2_read_bytes);
}

INSTANTIATE_TEST_SUITE_P(Figure2, BlockSizeSweep, testing::Values(64, 128, 256, 512));

// What the paper plots, in GB and without l and m: figures computed by hand from Algorithm 1 for this shape.
TEST(FlashAttentionPaper, TheSweepFallsAsInFigure2) {
  const std::map<int, double> gigabytes{{64, 6.71}, {128, 3.49}, {256, 1.88}, {512, 1.07}};
  for (const auto& [block, expected] : gigabytes) {
    const Prediction p = predict_paper("algorithm_1", block, 64, Fidelity::bounds);
    const double statistics = kN / block * 4 * kVector;
    EXPECT_NEAR((p.bounds.sram_level_bytes - statistics) / 1e9, expected, 0.005) << block;
  }
}

TEST(FlashAttentionPaper, BothLoopOrdersStayAboveTheLowerBoundAndItsOrderOfGrowth) {
  // M elements of registers and shared memory on an A100's SM; constants as derived in docs/model.md.
  const double m = (4 * 65536.0 + 164 * 1024) / kElement, sms = 108;
  const double attention = kHeads * kN * kN * kD / (m / kD + 2 * kD) - m * sms;
  const double expected = std::max(4 * kTensor, attention * kElement);
  for (const char* variant : {"algorithm_1", "flash_attention_2"}) {
    const Prediction p = predict_paper(variant, 512, 64, Fidelity::bounds);
    EXPECT_NEAR(p.bounds.lower_bound_bytes, expected, 0.005 * expected) << variant;
    EXPECT_GT(sram_over_lower_bound(p.bounds), 1) << variant;
  }
}

}  // namespace
}  // namespace weir
