// The block program of attention_block_sparse asks for the tiles that a person counts.
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"
#include "tests/kernels/program_walk.h"

namespace weir {
namespace {

using test::bytes_moved;
using Tables = std::map<std::string, std::vector<std::int64_t>>;

Result<Candidate> resolve(const std::string& problem_text, const Tables& tables,
                          const std::string& config_text) {
  const auto definition = find_kernel(WEIR_SOURCE_DIR "/kernels", "attention_block_sparse");
  if (!definition) return definition.error();
  const auto problem = definition->problem(problem_text, tables);
  if (!problem) return problem.error();
  const auto config = definition->config(config_text, true);
  if (!config) return config.error();
  return definition->resolve(*problem, *config, test::h100());
}

Candidate candidate_of(const std::string& problem, const Tables& tables, const std::string& config) {
  Result<Candidate> candidate = resolve(problem, tables, config);
  if (!candidate) throw std::runtime_error(to_string(candidate.error()));
  return *std::move(candidate);
}

std::int64_t loaded(const Candidate& candidate, const char* tensor) {
  return bytes_moved(candidate, candidate.launches.at(0), tensor, AccessKind::load);
}

constexpr std::int64_t kRowBytes = 64 * 2;

// Rows keep blocks {0, 3}, {}, {1}, {0, 1, 2} of four by four blocks of 64 by 64, the last row of 8 queries.
const std::string kProblem = "heads_q=2,heads_kv=1,seq_q=200,seq_kv=256,head_dim=64,block_q=64";
const Tables kTables{{"row_first", {0, 2, 2, 3, 6}},
                     {"row_blocks", {0, 3, 1, 0, 1, 2}},
                     {"row_order", {3, 0, 2, 1}},
                     {"visible_pairs", {64 * 64 * 3 + 8 * 64 * 3}}};

TEST(AttentionBlockSparseProgram, LoadsTheKeptBlocksOfEachRow) {
  for (const char* config :
       {"tile_q=64,tile_kv=64,warps=4,stages=2", "tile_q=64,tile_kv=32,warps=4,stages=1"}) {
    const Candidate candidate = candidate_of(kProblem, kTables, config);
    EXPECT_EQ(loaded(candidate, "q"), 2 * 200 * kRowBytes);
    EXPECT_EQ(loaded(candidate, "k"), 2 * 6 * 64 * kRowBytes);
    EXPECT_EQ(loaded(candidate, "v"), loaded(candidate, "k"));
    EXPECT_EQ(bytes_moved(candidate, candidate.launches[0], "o", AccessKind::store), 2 * 200 * kRowBytes);
    EXPECT_EQ(bytes_moved(candidate, candidate.launches[0], "lse", AccessKind::store), 2 * 200 * 4);
  }
}

TEST(AttentionBlockSparseProgram, LoadsOnceWhatSeveralRowsOfATileKeep) {
  // Rows 0 and 1 keep {0, 3}, rows 2 and 3 {0, 1, 2}.
  const Candidate two = candidate_of(kProblem, kTables, "tile_q=128,tile_kv=64,warps=4,stages=2");
  EXPECT_EQ(loaded(two, "k"), 2 * 5 * 64 * kRowBytes);
  // Each block is kept by one of all four.
  const Candidate four =
      candidate_of(kProblem, kTables, "tile_q=256,tile_kv=64,warps=8,stages=1,blocks_per_sm=1");
  EXPECT_EQ(loaded(four, "k"), 2 * 4 * 64 * kRowBytes);
  // A tile of 128 keys has blocks 0 and 1, or 2 and 3: two, none, one and two of them.
  const Candidate wide = candidate_of(kProblem, kTables, "tile_q=64,tile_kv=128,warps=4,stages=1");
  EXPECT_EQ(loaded(wide, "k"), 2 * 5 * 128 * kRowBytes);
}

TEST(AttentionBlockSparseProgram, LeavesOutWhatTheDiagonalHides) {
  // Row r sees keys up to 64 r + 63 + 56: block 3 is hidden from row 0, and nothing that the others keep.
  const Candidate candidate =
      candidate_of(kProblem + ",causal=true", kTables, "tile_q=64,tile_kv=64,warps=4,stages=2");
  EXPECT_EQ(loaded(candidate, "k"), 2 * 5 * 64 * kRowBytes);
}

TEST(AttentionBlockSparseProgram, StartsWithTheRowsOfMostWork) {
  const Candidate candidate =
      candidate_of(kProblem, kTables, "tile_q=64,tile_kv=64,warps=4,stages=2,head_group=8");
  std::vector<std::int64_t> rows;
  test::ProgramWalk(candidate, candidate.launches[0]).walk([&](std::int64_t, const test::Box& box) {
    if (candidate.tensors[static_cast<std::size_t>(box.tensor)].name == "q") rows.push_back(box.start[1]);
  });
  // Two heads side by side.
  EXPECT_EQ(rows, (std::vector<std::int64_t>{192, 192, 0, 0, 128, 128, 64, 64}));
}

TEST(AttentionBlockSparseProgram, CountsTheVisiblePairs) {
  const Candidate candidate = candidate_of(kProblem, kTables, "tile_q=64,tile_kv=64,warps=4,stages=2");
  EXPECT_EQ(candidate.useful_flops, 2 * 4 * 64 * (64 * 64 * 3 + 8 * 64 * 3));
}

TEST(AttentionBlockSparseProgram, RejectsTilesThatStraddleBlocksAndListsThatDoNotFit) {
  const std::string config = "tile_q=64,tile_kv=64,warps=4,stages=2";
  Tables tables = kTables;
  tables["row_blocks"].push_back(3);
  EXPECT_NE(resolve(kProblem, tables, config).error().message.find("as long as row_first says"),
            std::string::npos);
  Tables two{
      {"row_first", {0, 0, 0, 0}}, {"row_blocks", {}}, {"row_order", {0, 1, 2}}, {"visible_pairs", {0}}};
  EXPECT_NE(resolve("heads_q=1,seq_q=200,head_dim=64,block_q=96", two, config)
                .error()
                .message.find("must not straddle rows of mask blocks"),
            std::string::npos);
}

}  // namespace
}  // namespace weir
