// The baseline by layers gives the right results, forward and backward: odd lengths, groups, masks, tilings.
#include "kernel_case.h"

namespace weir::emulator {
namespace {

using test::KernelCase;

class AttentionStandard : public testing::TestWithParam<KernelCase> {};

TEST_P(AttentionStandard, IsRightAndCopiesWhatItsProgramLoads) {
  // Rows of scores begin at multiples of 16 bytes.
  test::expect_right("attention_standard", GetParam(), false);
}

TEST_P(AttentionStandard, HasTheRightGradients) {
  // Rows of scores begin at multiples of 16 bytes.
  test::expect_right("attention_standard_backward", GetParam(), false);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionStandard,
    testing::Values(KernelCase{"heads_q=3,seq_q=1,head_dim=64"},
                    KernelCase{"heads_q=2,seq_q=200,head_dim=64,causal=true"},
                    KernelCase{"batch=2,heads_q=4,heads_kv=2,seq_q=77,seq_kv=301,head_dim=96"},
                    KernelCase{"heads_q=3,heads_kv=1,seq_q=130,seq_kv=65,head_dim=128,causal=true,dtype=f16"},
                    KernelCase{"heads_q=1,seq_q=67,seq_kv=150,head_dim=256"}));

INSTANTIATE_TEST_SUITE_P(
    Tilings, AttentionStandard,
    testing::Values(
        KernelCase{"heads_q=2,heads_kv=1,seq_q=130,seq_kv=165,head_dim=128",
                   "warps=8,tile_m=64,tile_n=64,tile_k=64,head_tile_m=64,head_tile_n=128,head_tile_k=64,"
                   "stages=4,hold_rows=true,group_m=1"},
        KernelCase{"heads_q=1,seq_q=129,seq_kv=2050,head_dim=256",
                   "warps=8,tile_m=64,tile_n=128,tile_k=64,head_tile_m=64,head_tile_n=256,stages=3,"
                   "hold_rows=true,row_threads=256"},
        KernelCase{"heads_q=1,seq_q=129,seq_kv=1030,head_dim=96",
                   "warps=4,tile_m=64,head_tile_m=64,head_tile_n=128,"
                   "row_threads=128,group_m=1,stages=3"}));

INSTANTIATE_TEST_SUITE_P(
    Masks, AttentionStandard,
    testing::Values(
        KernelCase{"heads_q=2,seq_q=60,seq_kv=100,head_dim=64,windowed=true,window_left=30,window_right=9"},
        KernelCase{"heads_q=2,seq_q=50,head_dim=64,causal=true,softcap=4"},
        KernelCase{"heads_q=2,seq_q=50,head_dim=64,mask=(q_index + k_index + head) % 3 == 0"}));

INSTANTIATE_TEST_SUITE_P(Lengths, AttentionStandard,
                         testing::Values(KernelCase{
                             "batch=3,heads_q=2,seq_q=70,seq_kv=90,head_dim=64,causal=true,packed=true",
                             "",
                             {{"cu_seq_q", {0, 70, 70, 83}}, {"cu_seq_kv", {0, 30, 31, 121}}}}));

TEST(AttentionStandardScores, MayHaveAFormula) {
  const std::string problem =
      "batch=2,heads_q=4,heads_kv=2,seq_q=50,head_dim=64,score=score - 0.05 * (head + 1) * "
      "abs(q_index - k_index)";
  test::expect_right("attention_standard", {problem}, false);
  test::expect_right("attention_standard_backward", {problem + ",modified=true"}, false);
}

}  // namespace
}  // namespace weir::emulator
