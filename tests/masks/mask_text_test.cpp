#include "masks/mask_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "masks/patterns.h"
#include "masks/problem_mask.h"

namespace weir {
namespace {

const MaskShape kShape{.heads = 2, .seq_q = 60, .seq_kv = 80, .block_q = 10, .block_kv = 8, .causal = true};

BlockMask mask_of(const std::string& text) {
  const Result<BlockMask> mask = parse_mask(text, kShape);
  if (!mask) throw std::runtime_error(to_string(mask.error()));
  return *mask;
}
std::string error_of(const std::string& text) {
  const Result<BlockMask> mask = parse_mask(text, kShape);
  return mask ? "no error" : mask.error().message;
}

TEST(MaskText, NamesEveryPattern) {
  EXPECT_EQ(mask_of("full"), full_mask(kShape));
  EXPECT_EQ(mask_of("butterfly"), butterfly_mask(kShape, 16));
  EXPECT_EQ(mask_of("butterfly(stride=2)"), butterfly_mask(kShape, 2));
  EXPECT_EQ(mask_of("window"), window_mask(kShape, 0, 0));
  EXPECT_EQ(mask_of("window( left = 2 , right=1 )"), window_mask(kShape, 2, 1));
  EXPECT_EQ(mask_of("global(columns=3)"), global_mask(kShape, 0, 3));
  EXPECT_EQ(mask_of("random(density=0.25,seed=9)"), random_mask(kShape, 0.25, 9));
}

TEST(MaskText, JoinsPatterns) {
  BlockMask both = window_mask(kShape, 1, 0);
  both |= global_mask(kShape, 1, 1);
  EXPECT_EQ(mask_of("window(left=1) + global(rows=1,columns=1)"), both);
}

TEST(MaskText, ReadsFiles) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "_mask.txt");
  std::ofstream(file)
      << "# six rows\n10 00000000\n1100000000\n1110000000\n0000111100\n1000000010\n0000000000\n";
  const BlockMask mask = mask_of("file(" + file.string() + ")");
  EXPECT_TRUE(mask.kept(0, 0, 0));
  EXPECT_TRUE(mask.kept(1, 4, 8));
  EXPECT_FALSE(mask.kept(1, 4, 7));
  EXPECT_EQ(mask.kept_blocks(0, 3), 4);
  EXPECT_EQ(mask.kept_blocks(0, 5), 0);
  std::ofstream(file) << "101";
  EXPECT_EQ(error_of("file(" + file.string() + ")"), "found 3 blocks in the mask file " + file.string() +
                                                         "; expected 6 x 10, or that for each of 2 heads");
  std::filesystem::remove(file);
  EXPECT_EQ(error_of("file(/nonexistent)"), "no mask file '/nonexistent'");
}

TEST(MaskText, ErrorsSayWhatIsPossible) {
  EXPECT_EQ(error_of("buterfly"), "found the unknown mask 'buterfly', did you mean 'butterfly'?");
  EXPECT_EQ(error_of("window(left=1"), "found the mask 'window(left=1' without its closing parenthesis");
  EXPECT_EQ(error_of("window(lift=1)"), "found 'lift=1' in the mask window; expected left and right");
  EXPECT_EQ(error_of("window(left=-1)"), "found left=-1 in the mask window; expected an integer, at least 0");
  EXPECT_EQ(error_of("full(1)"), "found '1' in the mask full; expected nothing");
  EXPECT_EQ(error_of("random"), "found density= in the mask random; expected a number from 0 to 1");
  EXPECT_EQ(error_of("random(density=1.5)"),
            "found density=1.5 in the mask random; expected a number from 0 to 1");
  EXPECT_EQ(error_of("full + "), "found the unknown mask ''");
}

TEST(ProblemMask, HasTheShapeThatTheProblemSays) {
  const Result<KernelDefinition> definition =
      find_kernel(WEIR_SOURCE_DIR "/kernels", "attention_block_sparse");
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const std::string text = "heads_q=4,seq_q=1000,seq_kv=1500,head_dim=64,causal=true,block_q=64,mask_heads=4";
  const Result<MaskShape> shape = mask_shape(*definition, text);
  ASSERT_TRUE(shape.ok()) << to_string(shape.error());
  EXPECT_EQ(
      *shape,
      (MaskShape{.heads = 4, .seq_q = 1000, .seq_kv = 1500, .block_q = 64, .block_kv = 64, .causal = true}));
  const Result<Problem> problem = masked_problem(*definition, text, {}, "butterfly");
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  EXPECT_EQ(problem->tables, tables_for(*definition, butterfly_mask(*shape, 64)));
  // The problem's text identifies the mask.
  EXPECT_TRUE(masked_problem(*definition, to_string(*problem), {}, "butterfly").ok());
  EXPECT_FALSE(masked_problem(*definition, to_string(*problem), {}, "full").ok());
}

TEST(ProblemMask, NeedsAKernelThatTakesOne) {
  const Result<KernelDefinition> gemm = find_kernel(WEIR_SOURCE_DIR "/kernels", "gemm");
  ASSERT_TRUE(gemm.ok()) << to_string(gemm.error());
  const auto problem = masked_problem(*gemm, "m=8,n=8,k=8", {}, "full");
  ASSERT_FALSE(problem.ok());
  EXPECT_EQ(problem.error().message, "gemm takes no block mask");
  EXPECT_TRUE(masked_problem(*gemm, "m=8,n=8,k=8", {}, "").ok());
}

}  // namespace
}  // namespace weir
