// The block program of attention_forward asks for the tiles that a person counts: windows, mask formulas,
// packed batches; and counts the pairs that are visible.
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"
#include "tests/kernels/program_walk.h"

namespace weir {
namespace {

using test::bytes_moved;
using Tables = std::map<std::string, std::vector<std::int64_t>>;

Candidate candidate_of(const std::string& problem_text, const Tables& tables = {}) {
  const auto definition = find_kernel(WEIR_SOURCE_DIR "/kernels", "attention_forward");
  if (!definition) throw std::runtime_error(to_string(definition.error()));
  const auto problem = definition->problem(problem_text, tables);
  if (!problem) throw std::runtime_error(to_string(problem.error()));
  const auto config = definition->config("tile_q=64,tile_kv=64,warps=4,stages=2", true);
  if (!config) throw std::runtime_error(to_string(config.error()));
  const auto candidate = definition->resolve(*problem, *config, test::h100());
  if (!candidate) throw std::runtime_error(to_string(candidate.error()));
  return *candidate;
}

std::int64_t loaded(const Candidate& candidate, const char* tensor) {
  return bytes_moved(candidate, candidate.launches.at(0), tensor, AccessKind::load);
}

constexpr std::int64_t kRowBytes = 64 * 2;
constexpr std::int64_t kTileBytes = 64 * kRowBytes;

TEST(AttentionForwardProgram, LoadsTheTilesOfAWindow) {
  // Query tile t of 16 sees rows 64 t to 64 t + 63 and 128 keys before them: key tiles t - 2 to t.
  const Candidate causal = candidate_of("heads_q=1,seq_q=1024,head_dim=64,causal=true,window_left=128");
  EXPECT_EQ(loaded(causal, "k"), (1 + 2 + 14 * 3) * kTileBytes);
  EXPECT_EQ(loaded(causal, "v"), loaded(causal, "k"));
  // One key more on the left reaches one tile further, and one on the right tile t + 1.
  const Candidate both = candidate_of("heads_q=1,seq_q=1024,head_dim=64,window_left=129,window_right=1");
  EXPECT_EQ(loaded(both, "k"), (2 + 3 + 4 + 12 * 5 + 4) * kTileBytes);
  // Windows that are given and do not count.
  const Candidate off =
      candidate_of("heads_q=1,seq_q=1024,head_dim=64,window_left=129,window_right=1,windowed=false");
  EXPECT_EQ(loaded(off, "k"), 16 * 16 * kTileBytes);
}

TEST(AttentionForwardProgram, LoadsNoTileThatTheMaskFormulaHides) {
  // Documents of 256 tokens: each of 16 query tiles sees the 4 key tiles of its own document.
  const std::string problem = "heads_q=1,seq_q=1024,head_dim=64,mask=q_index / 256 == k_index / 256";
  EXPECT_EQ(loaded(candidate_of(problem), "k"), 16 * 4 * kTileBytes);
  // With the diagonal 1, 2, 3, 4 of them.
  EXPECT_EQ(loaded(candidate_of(problem + ",causal=true"), "k"), 4 * (1 + 2 + 3 + 4) * kTileBytes);
  // A prefix of 100 keys: tiles 0 and 1, and what is left of the diagonal.
  const Candidate prefix =
      candidate_of("heads_q=1,seq_q=1024,head_dim=64,mask=k_index < 100 || k_index <= q_index");
  EXPECT_EQ(loaded(prefix, "k"), (2 + 16 * 17 / 2 - 1) * kTileBytes);
}

TEST(AttentionForwardProgram, LoadsTheRowsOfPackedSequences) {
  // Sequences of 100, 0 and 30 queries and 70, 5 and 0 keys; 2 query heads share a key and value head.
  const Tables tables{{"cu_seq_q", {0, 100, 100, 130}}, {"cu_seq_kv", {0, 70, 75, 75}}};
  const Candidate candidate =
      candidate_of("batch=3,heads_q=2,heads_kv=1,seq_q=100,seq_kv=70,head_dim=64,packed=true", tables);
  EXPECT_EQ(loaded(candidate, "q"), 2 * 130 * kRowBytes);
  // Both query tiles of the first sequence walk its 70 keys.
  EXPECT_EQ(loaded(candidate, "k"), 2 * 2 * 70 * kRowBytes);
  const Launch& launch = candidate.launches.at(0);
  EXPECT_EQ(bytes_moved(candidate, launch, "o", AccessKind::store), 2 * 130 * kRowBytes);
  EXPECT_EQ(bytes_moved(candidate, launch, "lse", AccessKind::store), 2 * 130 * 4);
}

TEST(AttentionForwardProgram, CountsTheVisiblePairsOfWindows) {
  for (const int seq_q : {1, 50, 200}) {
    for (const int seq_kv : {1, 70, 200}) {
      for (const int left : {-1, 0, 13, 500}) {
        for (const int right : {-1, 0, 29, 500}) {
          for (const bool causal : {false, true}) {
            if (left < 0 && right < 0) continue;  // no windows
            std::int64_t pairs = 0;
            for (int i = 0; i < seq_q; ++i) {
              for (int j = 0; j < seq_kv; ++j) {
                const int diagonal = i + seq_kv - seq_q;
                pairs += (!causal || j <= diagonal) && (left < 0 || j >= diagonal - left) &&
                         (right < 0 || j <= diagonal + right);
              }
            }
            const std::string problem =
                "heads_q=3,head_dim=64,seq_q=" + std::to_string(seq_q) + ",seq_kv=" + std::to_string(seq_kv) +
                ",window_left=" + std::to_string(left) + ",window_right=" + std::to_string(right) +
                ",causal=" + (causal ? "true" : "false");
            EXPECT_EQ(candidate_of(problem).useful_flops, 3 * 4 * 64 * pairs) << problem;
          }
        }
      }
    }
  }
}

TEST(AttentionForwardProgram, DoesNotCountPairsThatHaveNoClosedForm) {
  EXPECT_EQ(candidate_of("heads_q=1,seq_q=64,head_dim=64,mask=k_index < 32").useful_flops, 0);
  EXPECT_EQ(candidate_of("heads_q=1,seq_q=64,head_dim=64,mask=k_index < 64").useful_flops, 4 * 64 * 64 * 64);
}

}  // namespace
}  // namespace weir
