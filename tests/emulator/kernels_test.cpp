// Candidates of every shipped kernel, emulated on small problems with odd sizes: results, bytes, bank
// conflicts. A sample in which every value of every tunable occurs; all legal candidates with
// WEIR_ALL_CANDIDATES=1.
#include <gtest/gtest.h>

#include <cstdlib>

#include "candidate_sample.h"
#include "device_limits.h"
#include "emulate.h"

namespace weir::emulator::test {
namespace {

struct Case {
  const char* kernel;
  const char* problem;
};
void PrintTo(const Case& c, std::ostream* stream) {
  *stream << c.kernel << " " << c.problem;
}

class EmulatedCandidates : public testing::TestWithParam<Case> {};

TEST_P(EmulatedCandidates, AreRightAndCopyTheBytesOfTheirBlockProgramWithoutBankConflicts) {
  const Result<KernelDefinition> definition = find_kernel(WEIR_SOURCE_DIR "/kernels", GetParam().kernel);
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const Result<Problem> problem = definition->problem(GetParam().problem);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const std::vector<Candidate> legal = legal_candidates(*definition, *problem, device_limits(90));
  ASSERT_GE(legal.size(), 6u);
  const std::size_t number = std::hash<std::string>{}(GetParam().problem);
  const std::vector<Candidate> sample =
      std::getenv("WEIR_ALL_CANDIDATES") ? legal : covering_sample(legal, number % legal.size());

  for (const Candidate& candidate : sample) {
    SCOPED_TRACE(to_string(candidate.config));
    const Result<Emulation> emulation = emulate(candidate, {.schedule_seed = number});
    ASSERT_TRUE(emulation.ok()) << to_string(emulation.error());
    EXPECT_TRUE(emulation->verdict.passed) << emulation->verdict.detail;
    for (const EmulatedLaunch& launch : emulation->launches) {
      for (const TensorTraffic& traffic : launch.traffic) {
        // Tensors that the kernel reads in another way are not counted.
        if (traffic.copied_bytes > 0) {
          EXPECT_EQ(traffic.copied_bytes, traffic.loaded_bytes) << launch.name << ", " << traffic.tensor;
        }
        if (traffic.reduced_bytes > 0) {
          EXPECT_EQ(traffic.reduced_bytes, traffic.program_reduced_bytes)
              << launch.name << ", " << traffic.tensor;
        }
      }
      EXPECT_TRUE(launch.ldmatrix.conflict_free()) << launch.ldmatrix.needed << " wavefronts of ldmatrix";
      EXPECT_TRUE(launch.copies.conflict_free()) << launch.copies.needed << " wavefronts of cp.async";
      EXPECT_TRUE(launch.stores.conflict_free()) << launch.stores.needed << " wavefronts of stores";
      EXPECT_TRUE(launch.loads.conflict_free()) << launch.loads.needed << " wavefronts of loads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    ShippedKernels, EmulatedCandidates,
    testing::Values(
        Case{"stream_copy", "bytes=16"}, Case{"stream_copy", "bytes=100000"},
        // Parts of blocks that end inside a tile.
        Case{"memory_probe", "pattern=private_reads,bytes=1114112,passes=2"},
        Case{"memory_probe", "pattern=shared_reads,bytes=65536"},
        Case{"memory_probe", "pattern=strided_reads,bytes=1048576,stride=4"},
        Case{"memory_probe", "pattern=writes,bytes=196608"},
        // Blocks at the end that are not whole, rows that see no key; heads whose rows have 8 and 12 chunks.
        Case{"attention_block_mass",
             "batch=2,heads_q=4,heads_kv=2,seq_q=100,seq_kv=130,head_dim=64,block_q=32,causal=true"},
        Case{"attention_block_mass",
             "heads_q=2,seq_q=150,seq_kv=77,head_dim=96,block_q=16,block_kv=5,causal=true,dtype=f16"},
        Case{"attention_block_mass", "heads_q=1,seq_q=50,seq_kv=1000,head_dim=128,block_q=7"},
        // Every edge: rows, columns and depth that no tile divides; C stored by 16, 4 and 2 bytes.
        Case{"gemm", "m=1,n=1,k=8"}, Case{"gemm", "m=129,n=200,k=104"},
        Case{"gemm", "m=257,n=130,k=40,dtype=f16"}, Case{"gemm", "m=70,n=131,k=328"},
        // Depth enough to be divided among eight blocks, in parts of different lengths.
        Case{"gemm", "m=130,n=72,k=2184"}, Case{"attention_forward", "heads_q=2,seq_q=129,head_dim=64"},
        Case{"attention_forward", "heads_q=2,heads_kv=1,seq_q=130,head_dim=128,causal=true,dtype=f16"},
        // Grouped heads, more keys than queries.
        Case{"attention_forward",
             "batch=2,heads_q=4,heads_kv=2,seq_q=70,seq_kv=150,head_dim=64,causal=true,dtype=f16"},
        // Queries that see no key.
        Case{"attention_forward", "heads_q=1,seq_q=150,seq_kv=37,head_dim=128,causal=true"},
        // One query; one key.
        Case{"attention_forward", "heads_q=3,seq_q=1,seq_kv=77,head_dim=128"},
        Case{"attention_forward", "heads_q=2,seq_q=5,seq_kv=1,head_dim=64,causal=true"},
        Case{"attention_backward", "heads_q=2,heads_kv=1,seq_q=130,seq_kv=150,head_dim=64,causal=true"},
        Case{"attention_backward", "batch=2,heads_q=1,seq_q=75,seq_kv=40,head_dim=96,dtype=f16"},
        // Queries that see no key.
        Case{"attention_backward", "heads_q=4,heads_kv=2,seq_q=140,seq_kv=37,head_dim=128,causal=true"},
        Case{"attention_backward", "heads_q=1,seq_q=70,head_dim=256,dtype=f16"},
        // One query; one key.
        Case{"attention_backward", "heads_q=3,heads_kv=1,seq_q=1,seq_kv=77,head_dim=64"},
        Case{"attention_backward", "heads_q=2,seq_q=5,seq_kv=1,head_dim=128,causal=true"},
        // Windows on both sides, on one side, of the diagonal alone.
        Case{"attention_backward",
             "heads_q=1,seq_q=150,seq_kv=210,head_dim=64,window_left=20,window_right=9"},
        Case{"attention_backward", "heads_q=1,seq_q=210,seq_kv=100,head_dim=96,window_left=30,causal=true"},
        Case{"attention_backward", "heads_q=2,seq_q=130,head_dim=64,window_left=0,window_right=0"},
        // The chain rule through softcap and formula; tiles that a mask formula hides.
        Case{"attention_backward",
             "heads_q=2,seq_q=100,head_dim=64,softcap=1.5,score=score * score / 4 - 0.01 * abs(q_index - "
             "k_index)"},
        Case{"attention_backward",
             "heads_q=2,seq_q=200,head_dim=64,mask=q_index / 64 == k_index / 64 && head != 1"}),
    [](const auto& info) { return std::string(info.param.kernel) + "_" + std::to_string(info.index); });

}  // namespace
}  // namespace weir::emulator::test
