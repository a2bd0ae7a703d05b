// attention_forward with everything that its problems can ask for, emulated: results, bytes, bank conflicts.
// Three configurations stand for its three schedules; the sample over all tunables is kernels_test's.
#include <gtest/gtest.h>

#include "device_limits.h"
#include "emulate.h"
#include "kernels/definition.h"

namespace weir::emulator::test {
namespace {

constexpr const char* kSingle = "tile_q=64,tile_kv=32,warps=4,stages=1,q_in_registers=0,overlap=0";
constexpr const char* kAhead = "tile_q=64,tile_kv=32,warps=4,stages=3,q_in_registers=0,overlap=0";
constexpr const char* kOverlap = "tile_q=64,tile_kv=32,warps=4,stages=2,q_in_registers=1,overlap=1";
// Hopper: consumers that take turns, with the next query tile's rows of Q ahead; without, and O from
// registers; one step after another.
constexpr const char* kTurns =
    "tile_q=128,tile_kv=64,stages=2,query_stages=2,overlap=true,ping_pong=true,store_through_queries=true,"
    "persistent=true,variant=wgmma";
constexpr const char* kThreeTurns =
    "tile_q=192,tile_kv=64,stages=2,overlap=true,ping_pong=true,store_through_queries=false,persistent=true,"
    "variant=wgmma";
constexpr const char* kPlain =
    "tile_q=64,tile_kv=80,stages=2,query_stages=2,store_through_queries=true,persistent=true,variant=wgmma";
// Query tiles from a queue, one begun while the one before ends, and on a multiprocessor that two blocks
// share.
constexpr const char* kQueue =
    "tile_q=128,tile_kv=64,stages=2,query_stages=2,overlap=true,head_group=1,variant=wgmma_queue";
constexpr const char* kQueueShared =
    "tile_q=64,tile_kv=80,stages=2,query_stages=1,overlap=false,blocks_per_sm=2,variant=wgmma_queue";
// Two row tiles for each warp, keys that no tile of 32 divides.
constexpr const char* kTall = "tile_q=128,tile_kv=64,warps=4,stages=2,q_in_registers=0,overlap=0";
constexpr const char* kWide = "tile_q=64,tile_kv=32,warps=4,stages=2,blocks_per_sm=1";
constexpr const char* kWideSingle = "tile_q=128,tile_kv=32,warps=8,stages=1,blocks_per_sm=1";

struct Case {
  const char* what;
  const char* problem;
  std::vector<const char*> configs;
  std::map<std::string, std::vector<std::int64_t>> tables = {};
};
void PrintTo(const Case& c, std::ostream* stream) {
  *stream << c.problem;
}

class AttentionForward : public testing::TestWithParam<Case> {};

TEST_P(AttentionForward, IsRightAndCopiesTheBytesOfItsBlockProgramWithoutBankConflicts) {
  const Result<KernelDefinition> definition = find_kernel(WEIR_SOURCE_DIR "/kernels", "attention_forward");
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const Result<Problem> problem = definition->problem(GetParam().problem, GetParam().tables);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  for (const char* text : GetParam().configs) {
    SCOPED_TRACE(text);
    const Result<Candidate> candidate =
        definition->resolve(*problem, *definition->config(text, true), device_limits(90));
    ASSERT_TRUE(candidate.ok()) << to_string(candidate.error());
    const Result<Emulation> emulation = emulate(*candidate);
    ASSERT_TRUE(emulation.ok()) << to_string(emulation.error());
    EXPECT_TRUE(emulation->verdict.passed) << emulation->verdict.detail;
    const EmulatedLaunch& launch = emulation->launches.at(0);
    for (const char* tensor : {"q", "k", "v"}) {
      EXPECT_EQ(emulation->traffic(0, tensor).copied_bytes, emulation->traffic(0, tensor).loaded_bytes)
          << tensor;
    }
    EXPECT_TRUE(launch.ldmatrix.conflict_free()) << launch.ldmatrix.needed << " wavefronts of ldmatrix";
    EXPECT_TRUE(launch.copies.conflict_free()) << launch.copies.needed << " wavefronts of cp.async";
  }
}

#define ALIBI "score=score + exp2(-8 * (head + 1) / 16) * (k_index - q_index)"

INSTANTIATE_TEST_SUITE_P(
    Variants, AttentionForward,
    testing::Values(
        Case{"Heads96",
             "heads_q=2,heads_kv=1,seq_q=100,seq_kv=141,head_dim=96,causal=true",
             {kSingle, kOverlap, kTall}},
        Case{"Heads256",
             "heads_q=2,seq_q=70,seq_kv=99,head_dim=256,causal=true,dtype=f16",
             {kWide, kWideSingle}},
        Case{"WindowOnBothSides",
             "batch=2,heads_q=2,seq_q=130,seq_kv=150,head_dim=64,window_left=33,window_right=7",
             {kSingle, kOverlap}},
        Case{"WindowOfTheDiagonal", "heads_q=1,seq_q=97,head_dim=128,causal=true,window_left=0", {kAhead}},
        Case{"WindowPastAllKeys",
             "heads_q=2,seq_q=150,seq_kv=40,head_dim=64,window_left=10,window_right=10",
             {kSingle, kOverlap}},
        Case{"WindowToTheRight",
             "heads_q=1,seq_q=40,seq_kv=200,head_dim=64,window_right=0,dtype=f16",
             {kAhead, kTall}},
        Case{"Alibi",
             "heads_q=4,heads_kv=2,seq_q=130,head_dim=64,causal=true," ALIBI,
             {kSingle, kOverlap, kTall}},
        Case{"Distance",
             "heads_q=1,seq_q=65,seq_kv=129,head_dim=96,score=score - 0.5 * abs(q_index - k_index)",
             {kAhead}},
        Case{"Softcap", "heads_q=2,seq_q=100,head_dim=64,softcap=2.5,dtype=f16", {kSingle, kOverlap}},
        Case{"Prefix",
             "heads_q=2,seq_q=200,head_dim=64,mask=k_index < 50 || k_index <= q_index",
             {kSingle, kOverlap}},
        Case{"Documents",
             "heads_q=1,seq_q=300,head_dim=64,mask=q_index / 100 == k_index / 100",
             {kSingle, kAhead, kOverlap}},
        Case{"MaskOfAHead",
             "heads_q=3,seq_q=64,seq_kv=100,head_dim=64,mask=(k_index + head) % 3 == 0",
             {kTall}},
        Case{"NothingVisible",
             "heads_q=1,seq_q=40,seq_kv=100,head_dim=64,mask=k_index >= 128",
             {kSingle, kOverlap}},
        // Far more tiles than a warp asks about at once, most of them hidden.
        Case{"LongMask",
             "heads_q=1,seq_q=20,seq_kv=2500,head_dim=64,mask=k_index % 800 < 40",
             {kAhead, kOverlap}},
        // More query tiles than multiprocessors, in rounds that alternate.
        Case{"HopperPersistent",
             "batch=2,heads_q=4,heads_kv=2,seq_q=330,seq_kv=390,head_dim=64,causal=true",
             {kTurns, kThreeTurns, kPlain, kQueue, kQueueShared}},
        Case{"HopperPersistentWithRowsThatSeeNothing",
             "heads_q=5,seq_q=300,seq_kv=111,head_dim=96,causal=true,dtype=f16",
             {kTurns, kPlain, kQueue, kQueueShared}},
        Case{"HopperAlibi",
             "batch=2,heads_q=4,heads_kv=2,seq_q=330,seq_kv=390,head_dim=64,causal=true," ALIBI,
             {kTurns, kThreeTurns, kPlain}},
        Case{"HopperSoftcap",
             "heads_q=7,seq_q=200,seq_kv=111,head_dim=128,softcap=2.5,score=score - 0.5 * abs(q_index - "
             "k_index)",
             {kTurns, kPlain}},
        // The last tiles, which come first, have nothing but scores of -inf.
        Case{"ScoresOfMinusInfinity",
             "heads_q=7,seq_q=130,seq_kv=300,head_dim=64,score=score + log(1 - min(1, k_index / 70))",
             {kAhead, kOverlap, kTurns, kPlain}},
        // No queries, no keys, one query.
        Case{"Packed",
             "batch=4,heads_q=2,heads_kv=1,seq_q=113,seq_kv=140,head_dim=64,causal=true,packed=true",
             {kSingle, kOverlap},
             {{"cu_seq_q", {0, 37, 37, 150, 151}}, {"cu_seq_kv", {0, 50, 60, 60, 200}}}},
        Case{"Everything",
             "batch=3,heads_q=4,heads_kv=2,seq_q=130,seq_kv=150,head_dim=96,causal=true,window_left=70,"
             "softcap=20,"
             "mask=q_index / 60 == k_index / 70,packed=true,dtype=f16," ALIBI,
             {kSingle, kAhead, kOverlap},
             {{"cu_seq_q", {0, 130, 131, 190}}, {"cu_seq_kv", {0, 129, 279, 300}}}}),
    [](const auto& info) { return std::string(info.param.what); });

}  // namespace
}  // namespace weir::emulator::test
