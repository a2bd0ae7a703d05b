// Block-sparse attention and its gradients emulated: every relation of tiles and mask blocks, masks for all
// heads and for each, rows that keep nothing. Results against dense attention with the same mask, bytes, bank
// conflicts.
#include <gtest/gtest.h>

#include "candidate_sample.h"
#include "kernel_case.h"
#include "masks/problem_mask.h"

namespace weir::emulator::test {
namespace {

constexpr const char* kSingle = "tile_q=64,tile_kv=32,warps=4,stages=1,q_in_registers=0,overlap=0";
constexpr const char* kAhead = "tile_q=64,tile_kv=64,warps=4,stages=3,q_in_registers=0,overlap=0";
constexpr const char* kOverlap = "tile_q=64,tile_kv=32,warps=4,stages=2,q_in_registers=1,overlap=1";
// Two row tiles for each warp.
constexpr const char* kTall = "tile_q=128,tile_kv=64,warps=4,stages=2,q_in_registers=0,overlap=0";
constexpr const char* kTallOverlap =
    "tile_q=128,tile_kv=32,warps=4,stages=2,q_in_registers=1,overlap=1,blocks_per_sm=2";
constexpr const char* kLong = "tile_q=64,tile_kv=128,warps=4,stages=1,blocks_per_sm=2";
// Hopper: key tiles as long as blocks, shorter, longer, and such that blocks end inside; one step after
// another, overlapped, in turns.
constexpr const char* kHopperPlain = "tile_q=64,tile_kv=64,stages=2,overlap=false,variant=wgmma";
constexpr const char* kHopperLong =
    "tile_q=64,tile_kv=112,stages=2,overlap=true,store_through_queries=false,variant=wgmma";
constexpr const char* kHopperTurns =
    "tile_q=128,tile_kv=80,stages=2,overlap=true,ping_pong=true,variant=wgmma";
// Needs more query tiles than multiprocessors.
constexpr const char* kHopperPersistent =
    "tile_q=64,tile_kv=96,stages=2,query_stages=2,overlap=true,persistent=true,head_group=1,variant=wgmma";
constexpr const char* kHopperPersistentTurns =
    "tile_q=128,tile_kv=144,stages=2,query_stages=2,overlap=true,ping_pong=true,persistent=true,variant="
    "wgmma";
constexpr const char* kHopperThree =
    "tile_q=192,tile_kv=64,stages=2,overlap=true,ping_pong=true,persistent=true,variant=wgmma";
// Query tiles from a queue: one begun while the one before ends, with rows of Q for two and for three; and
// one after another, on a multiprocessor that two blocks share.
constexpr const char* kHopperQueue =
    "tile_q=64,tile_kv=64,stages=2,query_stages=2,overlap=true,variant=wgmma_queue";
constexpr const char* kHopperQueueLong =
    "tile_q=128,tile_kv=112,stages=2,query_stages=3,overlap=true,head_group=1,variant=wgmma_queue";
constexpr const char* kHopperQueueShared =
    "tile_q=64,tile_kv=80,stages=2,query_stages=1,overlap=false,blocks_per_sm=2,variant=wgmma_queue";

struct Case {
  const char* what;
  const char* problem;
  const char* mask;
  std::vector<const char*> configs;
};
void PrintTo(const Case& c, std::ostream* stream) {
  *stream << c.problem << " with " << c.mask;
}

Problem problem_of(const KernelDefinition& definition, const std::string& text, const std::string& mask) {
  const Result<Problem> problem = masked_problem(definition, text, {}, mask);
  if (!problem) throw std::runtime_error(to_string(problem.error()));
  return *problem;
}

KernelDefinition block_sparse(const std::string& kernel = "attention_block_sparse") {
  const Result<KernelDefinition> definition = find_kernel(WEIR_SOURCE_DIR "/kernels", kernel);
  if (!definition) throw std::runtime_error(to_string(definition.error()));
  return *definition;
}

void expect_candidate_right(const KernelDefinition& definition, const Problem& problem,
                            const std::string& config) {
  expect_right(definition.name(), {to_string(problem), config, problem.tables});
}

void expect_case_right(const std::string& kernel, const Case& c) {
  const KernelDefinition definition = block_sparse(kernel);
  const Problem problem = problem_of(definition, c.problem, c.mask);
  for (const char* config : c.configs) {
    SCOPED_TRACE(config);
    expect_candidate_right(definition, problem, config);
  }
}

class AttentionBlockSparse : public testing::TestWithParam<Case> {};

TEST_P(AttentionBlockSparse, IsRightAndCopiesTheBytesOfItsBlockProgramWithoutBankConflicts) {
  expect_case_right("attention_block_sparse", GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Masks, AttentionBlockSparse,
    testing::Values(
        Case{"BlocksOfOneTile",
             "heads_q=2,seq_q=300,head_dim=64,block_q=64,block_kv=32",
             "butterfly",
             {kSingle, kOverlap}},
        Case{"BlocksOfManyTiles",
             "heads_q=2,heads_kv=1,seq_q=300,seq_kv=333,head_dim=64,block_q=128,causal=true,dtype=f16",
             "random(density=0.4,seed=1)",
             {kSingle, kAhead, kOverlap, kTall, kHopperPlain, kHopperLong, kHopperTurns, kHopperPersistent,
              kHopperQueue, kHopperQueueLong, kHopperQueueShared}},
        // The first rows of blocks see no key at all, and the row on the diagonal only some.
        Case{"MoreQueriesThanKeys",
             "batch=2,heads_q=1,seq_q=300,seq_kv=140,head_dim=64,block_q=64,causal=true",
             "window(left=1,right=1)",
             {kSingle, kAhead, kOverlap, kHopperPlain, kHopperLong, kHopperPersistent, kHopperQueue,
              kHopperQueueShared}},
        Case{"TilesOfManyColumns",
             "heads_q=2,heads_kv=1,seq_q=200,seq_kv=333,head_dim=64,block_q=64,block_kv=16",
             "random(density=0.3,seed=2)",
             {kSingle, kAhead, kOverlap, kLong, kHopperPlain, kHopperLong, kHopperPersistent, kHopperQueue}},
        Case{"TilesOfManyRows",
             "heads_q=2,seq_q=330,head_dim=64,block_q=32,block_kv=64,causal=true",
             "butterfly(stride=4) + global(columns=1)",
             {kSingle, kAhead, kOverlap, kTall, kTallOverlap}},
        Case{"TilesOfManyRowsAndColumns",
             "heads_q=1,seq_q=270,seq_kv=200,head_dim=128,block_q=16,dtype=f16",
             "random(density=0.2,seed=3)",
             {kSingle, kOverlap, kLong}},
        Case{"AMaskForEachHead",
             "batch=2,heads_q=4,heads_kv=2,seq_q=150,head_dim=64,block_q=64,mask_heads=4,causal=true",
             "random(density=0.5,seed=4)",
             {kSingle, kAhead, kHopperPlain, kHopperPersistent, kHopperQueue}},
        Case{"AMaskForEachHeadOfEachSequence",
             "batch=2,heads_q=2,seq_q=150,head_dim=64,block_q=32,mask_heads=4",
             "random(density=0.3,seed=5)",
             {kTall, kOverlap}},
        Case{"GlobalRowsAndColumns",
             "heads_q=1,seq_q=500,head_dim=64,block_q=64",
             "window + global(rows=1,columns=1)",
             {kAhead, kOverlap, kHopperLong, kHopperPersistent}},
        // More keys than a window reaches: rows whose band lies beyond the keys keep nothing.
        Case{"OneKey",
             "heads_q=2,seq_q=70,seq_kv=1,head_dim=64,block_q=64",
             "full",
             {kSingle, kOverlap, kHopperPlain, kHopperLong, kHopperQueue}},
        Case{"NoKey",
             "heads_q=2,seq_q=70,seq_kv=300,head_dim=64,block_q=64",
             "global",
             {kSingle, kAhead, kOverlap, kTall, kHopperPlain, kHopperLong, kHopperQueue}},
        // Rows that keep nothing, one block, all; blocks that are cut by the diagonal and by the end.
        Case{"HopperPersistent",
             "batch=2,heads_q=4,heads_kv=2,seq_q=450,seq_kv=500,head_dim=64,block_q=192,block_kv=48,mask_"
             "heads=8,causal=true",
             "random(density=0.2,seed=8)",
             {kHopperPersistent, kHopperThree, kHopperQueue, kHopperQueueShared}},
        Case{"HopperPersistentTurns",
             "batch=2,heads_q=3,heads_kv=1,seq_q=500,seq_kv=300,head_dim=128,causal=true,dtype=f16",
             "window(left=1) + global(rows=1)",
             {kHopperPersistent, kHopperPersistentTurns, kHopperQueue, kHopperQueueLong}},
        Case{"AllKeys",
             "heads_q=2,seq_q=130,seq_kv=200,head_dim=128,causal=true",
             "full",
             {kSingle, kAhead, kOverlap, kHopperPlain, kHopperTurns}}),
    [](const auto& info) { return std::string(info.param.what); });

// Of the backward pass: each warp its keys, and warps that share weights; dQ in a pass of its own, and added
// up.
constexpr const char* kOwnKeys =
    "tile_q=32,tile_kv=64,warps=4,exchange=0,stages=2,dq_tile_q=64,dq_tile_kv=32,dq_warps=4,variant="
    "recompute";
constexpr const char* kWide =
    "tile_q=64,tile_kv=128,warps=8,exchange=1,stages=1,dq_tile_q=128,dq_tile_kv=64,dq_warps=8,variant="
    "recompute";
constexpr const char* kAdd = "tile_q=64,tile_kv=64,warps=4,exchange=1,stages=2,variant=reduce";
constexpr const char* kAddLong = "tile_q=128,tile_kv=32,warps=4,exchange=1,stages=1,variant=reduce";

class AttentionBlockSparseBackward : public testing::TestWithParam<Case> {};

TEST_P(AttentionBlockSparseBackward, IsRightAndCopiesTheBytesOfItsBlockProgramWithoutBankConflicts) {
  expect_case_right("attention_block_sparse_backward", GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Masks, AttentionBlockSparseBackward,
    testing::Values(
        Case{"BlocksOfOneTile",
             "heads_q=2,seq_q=200,head_dim=64,block_q=64,block_kv=64",
             "butterfly(stride=2)",
             {kOwnKeys, kAdd}},
        Case{"BlocksOfManyTiles",
             "heads_q=2,heads_kv=1,seq_q=200,seq_kv=233,head_dim=64,block_q=128,causal=true,dtype=f16",
             "random(density=0.4,seed=1)",
             {kOwnKeys, kWide, kAdd, kAddLong}},
        // The first rows of blocks see no key, and the last columns are seen by few queries.
        Case{"MoreQueriesThanKeys",
             "batch=2,heads_q=1,seq_q=300,seq_kv=140,head_dim=64,block_q=64,causal=true",
             "window(left=1)",
             {kOwnKeys, kAdd}},
        Case{"MoreKeysThanQueries",
             "heads_q=2,heads_kv=1,seq_q=70,seq_kv=300,head_dim=64,block_q=64,causal=true",
             "window(left=1) + global(columns=1)",
             {kOwnKeys, kWide, kAddLong}},
        Case{"TilesOfManyRows",
             "heads_q=2,seq_q=230,head_dim=64,block_q=32,block_kv=64,causal=true",
             "butterfly(stride=4) + global(columns=1)",
             {kOwnKeys, kWide, kAdd, kAddLong}},
        Case{"TilesOfManyColumns",
             "heads_q=2,heads_kv=1,seq_q=200,seq_kv=190,head_dim=64,block_q=64,block_kv=16",
             "random(density=0.3,seed=2)",
             {kOwnKeys, kAdd, kAddLong}},
        Case{"TilesOfManyRowsAndColumns",
             "heads_q=1,seq_q=150,seq_kv=200,head_dim=128,block_q=32,dtype=f16",
             "random(density=0.2,seed=3)",
             {kOwnKeys, kWide, kAdd}},
        // Heads that share keys and have masks of their own.
        Case{"AMaskForEachHead",
             "batch=2,heads_q=4,heads_kv=2,seq_q=150,head_dim=64,block_q=64,mask_heads=4,causal=true",
             "random(density=0.6,seed=4)",
             {kOwnKeys, kAdd}},
        Case{"AMaskForEachHeadOfEachSequence",
             "batch=2,heads_q=2,seq_q=150,head_dim=64,block_q=64,mask_heads=4",
             "random(density=0.5,seed=5)",
             {kWide, kAdd}},
        Case{"NoKey", "heads_q=2,seq_q=70,seq_kv=200,head_dim=64,block_q=64", "global", {kOwnKeys, kAdd}},
        Case{"AllKeys", "heads_q=2,seq_q=130,head_dim=128,causal=true", "full", {kOwnKeys, kWide, kAdd}}),
    [](const auto& info) { return std::string(info.param.what); });

// Every value of every tunable, on masks whose blocks some tiles divide and others unite.
class AttentionBlockSparseTunables : public testing::TestWithParam<Case> {};

TEST_P(AttentionBlockSparseTunables, AreRight) {
  const KernelDefinition definition = block_sparse(GetParam().what);
  const Problem problem = problem_of(definition, GetParam().problem, GetParam().mask);
  const std::vector<Candidate> legal = legal_candidates(definition, problem, device_limits(90));
  ASSERT_GE(legal.size(), 30u);
  for (const Candidate& candidate : covering_sample(legal, legal.size() / 2)) {
    SCOPED_TRACE(to_string(candidate.config));
    expect_candidate_right(definition, problem, to_string(candidate.config));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, AttentionBlockSparseTunables,
    testing::Values(Case{"attention_block_sparse",
                         "heads_q=3,heads_kv=1,seq_q=300,seq_kv=350,head_dim=64,block_q=64,causal=true",
                         "random(density=0.5,seed=6)",
                         {}},
                    Case{"attention_block_sparse",
                         "heads_q=2,seq_q=290,head_dim=128,block_q=256,block_kv=96,dtype=f16",
                         "random(density=0.5,seed=6)",
                         {}},
                    Case{"attention_block_sparse_backward",
                         "heads_q=2,heads_kv=1,seq_q=150,seq_kv=190,head_dim=64,block_q=64,causal=true",
                         "random(density=0.5,seed=7)",
                         {}},
                    Case{"attention_block_sparse_backward",
                         "heads_q=1,seq_q=200,head_dim=128,block_q=128,dtype=f16",
                         "butterfly",
                         {}}),
    [](const auto& info) { return std::string(info.param.what) + "_" + std::to_string(info.index); });

// What lists by hand say, in any order of rows.
TEST(AttentionBlockSparseTables, NeedNoNamedMask) {
  const KernelDefinition definition = block_sparse();
  const Result<Problem> problem = definition.problem("heads_q=1,seq_q=200,seq_kv=256,head_dim=64,block_q=64",
                                                     {{"row_first", {0, 2, 2, 3, 6}},
                                                      {"row_blocks", {0, 3, 1, 0, 1, 2}},
                                                      {"row_order", {1, 3, 0, 2}},
                                                      {"visible_pairs", {64 * 64 * 3 + 8 * 64 * 3}}});
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  expect_candidate_right(definition, *problem, kSingle);
  expect_candidate_right(definition, *problem, kTall);
  expect_candidate_right(definition, *problem, kHopperPlain);
  expect_candidate_right(definition, *problem, kHopperLong);
}

}  // namespace
}  // namespace weir::emulator::test
