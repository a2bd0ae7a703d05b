// attention_decode gives the right results: group sizes, odd lengths, caches with pages, lengths from tables,
// masks, every way to divide the work.
#include "kernel_case.h"

namespace weir::emulator {
namespace {

using test::KernelCase;

class AttentionDecode : public testing::TestWithParam<KernelCase> {};

TEST_P(AttentionDecode, IsRightAndCopiesWhatItsProgramLoads) {
  test::expect_right("attention_decode", GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionDecode,
    testing::Values(
        KernelCase{"heads_q=4,seq_kv=1,head_dim=64"},  // one key
        KernelCase{"heads_q=8,heads_kv=2,seq_kv=301,head_dim=64,causal=true,seq_q=2"},
        KernelCase{"batch=2,heads_q=6,heads_kv=2,seq_kv=517,head_dim=96,dtype=f16", "warps=4,stages=3"},
        KernelCase{"batch=2,heads_q=5,heads_kv=1,seq_kv=640,head_dim=128,seq_q=3,causal=true",
                   "splits=4,warps=4,keys_per_warp=32"},
        KernelCase{"heads_q=2,heads_kv=1,seq_kv=700,head_dim=256,seq_q=5", "splits=2,warps=4,stages=2"},
        KernelCase{"heads_q=1,seq_kv=20,head_dim=64,seq_q=33,causal=true",  // rows that see nothing
                   "splits=1,variant=whole,warps=4"}));

INSTANTIATE_TEST_SUITE_P(
    Schedules, AttentionDecode,
    testing::Values(KernelCase{"batch=2,heads_q=20,heads_kv=2,seq_kv=333,head_dim=96,seq_q=7,causal=true",
                               "warps=8,warps_rows=2,tile_rows=64,splits=2"},
                    KernelCase{"batch=2,heads_q=20,heads_kv=2,seq_kv=333,head_dim=64,seq_q=7,causal=true",
                               "warps=8,warps_rows=4,tile_rows=64,keys_per_warp=32,splits=1,variant=whole"},
                    KernelCase{"batch=3,heads_q=4,heads_kv=4,seq_kv=517,head_dim=64",
                               "persistent=true,splits=8,stages=8"},
                    KernelCase{"batch=3,heads_q=32,heads_kv=4,seq_kv=90,head_dim=128,seq_q=4,causal=true",
                               "persistent=true,splits=1,variant=whole,tile_rows=32,warps=4,stages=3"}));

// Parts merged by the block that finishes last; parts that take turns with the keys, and parts with keys of
// their own.
INSTANTIATE_TEST_SUITE_P(
    Fused, AttentionDecode,
    testing::Values(
        KernelCase{"batch=2,heads_q=8,heads_kv=2,seq_kv=517,head_dim=128", "variant=fused,splits=4"},
        KernelCase{"batch=2,heads_q=8,heads_kv=2,seq_kv=517,head_dim=128",
                   "variant=fused,splits=4,values_after=true"},
        KernelCase{"batch=2,heads_q=8,heads_kv=2,seq_kv=517,head_dim=128",
                   "variant=split,splits=4,interleaved=true"},
        // More parts than are read at a time, in every width of a lane's share.
        KernelCase{"heads_q=4,heads_kv=1,seq_kv=700,head_dim=64",
                   "variant=fused,splits=16,warps=2,blocks_per_sm=2"},
        KernelCase{"heads_q=3,heads_kv=1,seq_kv=1100,head_dim=96",
                   "variant=fused,splits=32,warps=2,persistent=true"},
        KernelCase{"heads_q=2,heads_kv=1,seq_kv=700,head_dim=256,dtype=f16",
                   "variant=fused,splits=16,warps=2,stages=2"},
        // More rows than warps, the last tile not full; parts without keys for the first rows.
        KernelCase{"batch=2,heads_q=10,heads_kv=2,seq_kv=260,head_dim=64,seq_q=13,causal=true",
                   "variant=fused,warps=8,warps_rows=2,tile_rows=32,splits=4"},
        // Rows that see nothing; whole tiles that are left out.
        KernelCase{"heads_q=8,heads_kv=1,seq_kv=90,head_dim=64,seq_q=100,windowed=true,window_left=50,"
                   "window_right=0",
                   "variant=fused,tile_rows=32,warps=2,splits=2"},
        KernelCase{"batch=2,heads_q=4,heads_kv=2,seq_kv=600,head_dim=64,seq_q=3,mask=k_index < 40 || k_index "
                   ">= 480 + 30 * batch",
                   "variant=fused,splits=8,values_after=true"},
        KernelCase{"batch=4,heads_q=4,heads_kv=2,seq_q=2,seq_kv=300,head_dim=64,causal=true,ragged=true",
                   "variant=fused,splits=4",
                   {{"seq_lens", {300, 1, 0, 129}}}},
        KernelCase{"batch=3,heads_q=4,heads_kv=2,seq_q=5,seq_kv=260,head_dim=64,causal=true,packed=true",
                   "variant=fused,splits=4,persistent=true",
                   {{"cu_seq_q", {0, 5, 5, 7}}, {"cu_seq_kv", {0, 33, 133, 393}}}},
        KernelCase{
            "batch=2,heads_q=4,heads_kv=2,seq_q=2,seq_kv=70,head_dim=64,causal=true,page_size=16,pages=12",
            "variant=fused,splits=2,warps=2",
            {{"page_table", {3, 1, 11, 0, 7, 2, 4, 10, 6, 5}}}}));

INSTANTIATE_TEST_SUITE_P(
    Masks, AttentionDecode,
    testing::Values(
        KernelCase{"heads_q=8,heads_kv=1,seq_kv=700,head_dim=64,seq_q=4,windowed=true,window_left=100,"
                   "window_right=1",
                   "splits=4,warps=4,tile_rows=32"},
        KernelCase{"heads_q=8,heads_kv=1,seq_kv=30,head_dim=64,seq_q=40,windowed=true,window_left=5,"
                   "window_right=0",
                   "tile_rows=32"},
        KernelCase{"heads_q=4,heads_kv=2,seq_kv=200,head_dim=128,softcap=5"},
        KernelCase{
            "batch=2,heads_q=4,heads_kv=2,seq_kv=200,head_dim=128,seq_q=3,score=score - 0.05 * (head + "
            "1) * abs(q_index + 197 - k_index)"},
        // Whole tiles are left out, in the kernel and in the block program.
        KernelCase{"batch=2,heads_q=4,heads_kv=2,seq_kv=600,head_dim=64,seq_q=3,mask=k_index < 40 || k_index "
                   ">= 480 + 30 * batch",
                   "warps=4,splits=2"},
        KernelCase{"heads_q=4,heads_kv=2,seq_kv=200,head_dim=64,mask=k_index > 1000"}));

INSTANTIATE_TEST_SUITE_P(
    Lengths, AttentionDecode,
    testing::Values(
        KernelCase{"batch=4,heads_q=4,heads_kv=2,seq_q=2,seq_kv=300,head_dim=64,causal=true,ragged=true",
                   "splits=4,warps=4",
                   {{"seq_lens", {300, 1, 0, 129}}}},
        KernelCase{"batch=3,heads_q=4,heads_kv=2,seq_kv=300,head_dim=64,ragged=true",
                   "splits=1,variant=whole",
                   {{"seq_lens", {0, 299, 5}}}},
        KernelCase{"batch=3,heads_q=4,heads_kv=2,seq_q=5,seq_kv=260,head_dim=64,causal=true,packed=true",
                   "splits=4",
                   {{"cu_seq_q", {0, 5, 5, 7}}, {"cu_seq_kv", {0, 33, 133, 393}}}}));

INSTANTIATE_TEST_SUITE_P(
    Pages, AttentionDecode,
    testing::Values(
        KernelCase{
            "batch=2,heads_q=4,heads_kv=2,seq_q=2,seq_kv=70,head_dim=64,causal=true,page_size=16,pages=12",
            "",
            {{"page_table", {3, 1, 11, 0, 7, 2, 4, 10, 6, 5}}}},
        // Pages smaller than what a warp copies, and of no round size; lengths of their own.
        KernelCase{"batch=2,heads_q=4,heads_kv=2,seq_kv=40,head_dim=128,page_size=7,ragged=true",
                   "keys_per_warp=32,stages=3",
                   {{"page_table", {11, 0, 9, 2, 4, 5, 3, 6, 7, 8, 1, 10}}, {"seq_lens", {40, 13}}}},
        KernelCase{"batch=2,heads_q=4,heads_kv=2,seq_q=3,seq_kv=90,head_dim=96,page_size=64,packed=true",
                   "splits=1,variant=whole",
                   {{"page_table", {2, 0, 3, 1}}, {"cu_seq_q", {0, 1, 4}}, {"cu_seq_kv", {0, 90, 155}}}}));

TEST(AttentionDecode, LeavesItsCountersAsItFoundThem) {
  for (const char* config : {"variant=fused,splits=4", "variant=fused,splits=4,persistent=true,warps=2"}) {
    const Candidate candidate = test::candidate_of(
        "attention_decode", {"batch=2,heads_q=4,heads_kv=2,seq_kv=300,head_dim=64", config});
    const Result<Emulation> emulation = emulate(candidate, {.keep_zeroed = true});
    ASSERT_TRUE(emulation.ok()) << to_string(emulation.error());
    EXPECT_TRUE(emulation->verdict.passed) << emulation->verdict.detail;
  }
}

// What is added to the counters is what the block program says.
TEST(AttentionDecode, CountsThePartsThatHaveKeys) {
  const Candidate candidate = test::candidate_of(
      "attention_decode", {"batch=3,heads_q=4,heads_kv=2,seq_kv=300,head_dim=64,ragged=true",
                           "variant=fused,splits=4",
                           {{"seq_lens", {300, 1, 130}}}});
  const Result<Emulation> emulation = emulate(candidate);
  ASSERT_TRUE(emulation.ok()) << to_string(emulation.error());
  EXPECT_TRUE(emulation->verdict.passed) << emulation->verdict.detail;
  // Tiles of 64 keys: 4 parts, one that needs no counter, 3; of two heads each.
  EXPECT_EQ(emulation->traffic(0, "done").reduced_bytes, 2 * (4 + 3) * 4);
  EXPECT_EQ(emulation->traffic(0, "done").program_reduced_bytes, 2 * (4 + 3) * 4);
}

TEST(AttentionDecode, SaysWhyPartsWithoutKeysAreNoCandidates) {
  EXPECT_THROW(test::candidate_of("attention_decode", {"heads_q=4,seq_kv=64,head_dim=64", "splits=16"}),
               std::runtime_error);
}

}  // namespace
}  // namespace weir::emulator
