// attention_backward where a sample of candidates on small problems does not reach: packed batches, every way
// in which warps share the work for every head dimension, and what a GPU before compute capability 9.0 does.
#include "kernel_case.h"

namespace weir::emulator {
namespace {

using test::KernelCase;

class AttentionBackward : public testing::TestWithParam<KernelCase> {};

TEST_P(AttentionBackward, IsRightAndCopiesWhatItsProgramLoads) {
  test::expect_right("attention_backward", GetParam());
}

const std::string kGroups = "heads_q=4,heads_kv=2,seq_q=150,seq_kv=210,causal=true,head_dim=";

INSTANTIATE_TEST_SUITE_P(
    OwnedKeys, AttentionBackward,
    testing::Values(
        KernelCase{kGroups + "64", "tile_q=32,tile_kv=128,warps=4,exchange=0,stages=2,variant=reduce"},
        KernelCase{kGroups + "96", "tile_q=32,tile_kv=64,warps=4,exchange=0,stages=2,variant=reduce"},
        KernelCase{kGroups + "128", "tile_q=64,tile_kv=128,warps=8,exchange=0,stages=1,variant=reduce"},
        KernelCase{kGroups + "64",
                   "tile_q=32,tile_kv=64,warps=4,exchange=0,stages=1,v_in_registers=1,variant=reduce"}));

INSTANTIATE_TEST_SUITE_P(
    SharedWeights, AttentionBackward,
    testing::Values(
        KernelCase{kGroups + "64", "tile_q=128,tile_kv=128,warps=8,exchange=1,stages=2,variant=reduce"},
        KernelCase{kGroups + "96", "tile_q=64,tile_kv=128,warps=8,exchange=1,stages=2,variant=reduce"},
        KernelCase{kGroups + "128", "tile_q=64,tile_kv=128,warps=8,exchange=1,stages=2,variant=reduce"},
        KernelCase{kGroups + "256", "tile_q=64,tile_kv=64,warps=8,exchange=1,stages=2,variant=reduce"}));

INSTANTIATE_TEST_SUITE_P(
    QueryPass, AttentionBackward,
    testing::Values(
        KernelCase{kGroups + "64", "stages=2,dq_tile_q=128,dq_warps=4,dq_tile_kv=32,variant=recompute"},
        KernelCase{kGroups + "96", "stages=2,dq_tile_q=128,dq_warps=8,dq_tile_kv=64,variant=recompute"},
        KernelCase{kGroups + "128", "stages=2,dq_tile_q=128,dq_warps=8,dq_tile_kv=64,variant=recompute"},
        KernelCase{kGroups + "256", "stages=1,dq_tile_q=64,dq_warps=4,dq_tile_kv=32,variant=recompute"}));

// Steps that go round the rings several times, dQ by columns and in turns, queries that see nothing.
INSTANTIATE_TEST_SUITE_P(
    Warpgroups, AttentionBackward,
    testing::Values(KernelCase{kGroups + "64", "tile_q=64,tile_kv=64,stages=3,variant=wgmma"},
                    KernelCase{kGroups + "64", "tile_q=64,tile_kv=128,stages=3,dq_turns=true,variant=wgmma"},
                    KernelCase{kGroups + "128", "tile_q=64,tile_kv=64,stages=3,variant=wgmma"},
                    KernelCase{kGroups + "128,dtype=f16", "tile_q=64,tile_kv=128,stages=2,variant=wgmma"},
                    KernelCase{kGroups + "96", "tile_q=64,tile_kv=64,stages=3,variant=wgmma"},
                    KernelCase{kGroups + "96", "tile_q=64,tile_kv=128,stages=2,dq_turns=true,variant=wgmma"},
                    KernelCase{"batch=2,heads_q=3,seq_q=330,seq_kv=130,head_dim=64",
                               "tile_q=64,tile_kv=128,stages=3,dq_turns=true,variant=wgmma"},
                    KernelCase{"heads_q=2,seq_q=300,seq_kv=37,head_dim=128,causal=true",
                               "tile_q=64,tile_kv=128,stages=3,variant=wgmma"}));

INSTANTIATE_TEST_SUITE_P(
    WarpgroupsQueryPass, AttentionBackward,
    testing::Values(KernelCase{kGroups + "64,deterministic=true",
                               "tile_q=64,tile_kv=128,stages=3,dq_tile_q=128,dq_tile_kv=96,dq_stages=2,"
                               "variant=wgmma_recompute"},
                    KernelCase{kGroups + "96",
                               "tile_q=64,tile_kv=128,stages=3,dq_tile_q=128,dq_tile_kv=96,dq_stages=2,"
                               "variant=wgmma_recompute"},
                    // Two warpgroups divide the columns of the same keys' gradients.
                    KernelCase{kGroups + "256",
                               "tile_q=64,tile_kv=64,stages=2,dq_tile_q=128,dq_tile_kv=48,dq_stages=2,"
                               "variant=wgmma_recompute"},
                    KernelCase{"batch=2,heads_q=1,seq_q=200,seq_kv=37,head_dim=256,dtype=f16",
                               "tile_q=64,tile_kv=64,stages=1,dq_tile_q=64,dq_tile_kv=32,dq_stages=2,"
                               "variant=wgmma_recompute"},
                    KernelCase{"heads_q=2,heads_kv=1,seq_q=300,seq_kv=37,head_dim=128,causal=true,dtype=f16",
                               "tile_q=64,tile_kv=64,stages=3,dq_tile_q=64,dq_tile_kv=64,dq_stages=2,"
                               "variant=wgmma_recompute"}));

const test::Tables kLengths = {{"cu_seq_q", {0, 5, 5, 135, 199, 200}},
                               {"cu_seq_kv", {0, 70, 90, 90, 154, 255}}};
const std::string kPacked = "batch=5,heads_q=2,heads_kv=1,seq_q=130,seq_kv=101,head_dim=64,packed=true";

// Sequences without queries, without keys, of one query.
INSTANTIATE_TEST_SUITE_P(Packed, AttentionBackward,
                         testing::Values(KernelCase{kPacked, "variant=reduce", kLengths},
                                         KernelCase{kPacked, "variant=recompute", kLengths},
                                         KernelCase{kPacked + ",causal=true,window_left=20",
                                                    "tile_q=64,tile_kv=64,warps=4,stages=2,variant=reduce",
                                                    kLengths},
                                         KernelCase{kPacked + ",mask=(q_index + k_index + batch) % 4 < 2",
                                                    "stages=2,variant=recompute", kLengths}));

INSTANTIATE_TEST_SUITE_P(
    Formulas, AttentionBackward,
    testing::Values(
        KernelCase{"heads_q=2,seq_q=100,head_dim=64,causal=true,softcap=1.5,"
                   "score=score * score / 4 - 0.01 * (head + 1) * abs(q_index - k_index)",
                   "tile_q=32,tile_kv=64,warps=4,exchange=0,variant=reduce"},
        KernelCase{"heads_q=1,seq_q=100,head_dim=64,score=tanh(score) + exp(-abs(score))",
                   "variant=recompute"},
        // Whole tiles are left out, in the kernel and in the block program, some of them of one head alone.
        KernelCase{"heads_q=4,heads_kv=2,seq_q=200,seq_kv=250,head_dim=64,"
                   "mask=q_index / 64 == k_index / 64 && head != 1",
                   "tile_q=32,tile_kv=64,warps=4,variant=reduce"},
        KernelCase{"heads_q=2,seq_q=200,head_dim=96,mask=k_index < 40 || k_index >= 150",
                   "stages=2,variant=recompute"}));

}  // namespace
}  // namespace weir::emulator
