#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr const char* kAttention = R"(
format: 1
kernel: attention
problem:
  heads_q: {type: int, min: 1}
  heads_kv: {type: int, min: 1, max: heads_q, default: heads_q, summary: key heads}
  seq: {type: int, min: 1, max: 65536}
  head_dim: {type: int, multiple_of: 16, default: 128}
  causal: {type: bool, default: false}
  dtype: {type: enum, values: [f16, bf16], default: bf16}
tables:
  mask: {length: seq}
tensors:
  q: {role: in, element: dtype, shape: [heads_q, seq, head_dim]}
tunables:
  rows: [64, 128]
  split: [false, true]
default: {rows: 64, split: false}
launches:
  - {name: main, grid: 1, threads: 32, program: [{load: q, at: [0, 0, 0], extent: [1, 1, 1]}]}
)";

const std::map<std::string, std::vector<std::int64_t>> kMask{{"mask", {1, 0}}};

std::string problem_error(const std::string& text) {
  const auto problem = test::parse_or_stop(kAttention).problem(text, kMask);
  return problem ? "no error" : problem.error().message;
}

TEST(ProblemText, FillsInDefaultsInTheDefinitionsOrder) {
  const KernelDefinition definition = test::parse_or_stop(test::gemm_yaml());
  EXPECT_EQ(to_string(*definition.problem("k=64, n=2 ,m=1")), "m=1,n=2,k=64,dtype=bf16");
  const auto problem = test::parse_or_stop(kAttention).problem("seq=2,heads_q=8,causal=1", kMask);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  EXPECT_THAT(to_string(*problem),
              HasSubstr("heads_q=8,heads_kv=8,seq=2,head_dim=128,causal=true,dtype=bf16,tables="));
  EXPECT_EQ(value_of(problem->values, "causal"), 1);
  EXPECT_EQ(value_of(problem->values, "dtype"), static_cast<std::int64_t>(Element::bf16));
  EXPECT_THROW(value_of(problem->values, "nothing"), std::out_of_range);
}

TEST(ProblemText, IsItsOwnCanonicalForm) {
  const KernelDefinition definition = test::parse_or_stop(kAttention);
  const auto problem = definition.problem("seq=2,heads_q=8,heads_kv=2,causal=0", kMask);
  ASSERT_TRUE(problem.ok());
  const auto again = definition.problem(to_string(*problem), kMask);
  ASSERT_TRUE(again.ok()) << to_string(again.error());
  EXPECT_EQ(*problem, *again);
  const auto other = definition.problem(to_string(*problem), {{"mask", {1, 1}}});
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message, HasSubstr("expected the tables that the problem was written with"));
}

TEST(ProblemText, TellsTablesApart) {
  const KernelDefinition definition = test::parse_or_stop(kAttention);
  const std::string one = to_string(*definition.problem("seq=2,heads_q=8", kMask));
  const std::string other = to_string(*definition.problem("seq=2,heads_q=8", {{"mask", {0, 1}}}));
  EXPECT_NE(one, other);
  EXPECT_EQ(one.size(), other.size());
  EXPECT_EQ(one.size() - one.find("tables=") - 7, 16u);
}

TEST(ProblemText, ErrorsSayWhatIsLegal) {
  EXPECT_EQ(problem_error("seq=2"),
            "the problem of attention has no value for 'heads_q'; expected an integer, at least 1");
  EXPECT_EQ(problem_error("heads_q=0,seq=2"),
            "found heads_q=0 in the problem of attention; expected an integer, at least 1");
  EXPECT_EQ(problem_error("heads_q=4,heads_kv=8,seq=2"),
            "found heads_kv=8 in the problem of attention; expected an integer, at least 1, at most heads_q");
  EXPECT_EQ(problem_error("heads_q=4,seq=2,head_dim=72"),
            "found head_dim=72 in the problem of attention; expected an integer, a multiple of 16");
  EXPECT_EQ(problem_error("heads_q=4,seq=2k"),
            "found seq=2k in the problem of attention; expected an integer, at least 1, at most 65536");
  EXPECT_EQ(problem_error("heads_q=4,seq=2,causal=yes"),
            "found causal=yes in the problem of attention; expected true or false");
  EXPECT_EQ(
      problem_error("heads_q=4,seq=2,dtype=bf17"),
      "found dtype=bf17 in the problem of attention; expected one of f16 and bf16, did you mean 'bf16'?");
  EXPECT_THAT(problem_error("head_q=4,seq=2"), HasSubstr("unknown problem parameter 'head_q' of attention"));
  EXPECT_THAT(problem_error("head_q=4,seq=2"), HasSubstr("did you mean 'heads_q'?"));
  EXPECT_EQ(problem_error("heads_q,seq=2"), "found 'heads_q'; expected name=value, separated by commas");
  EXPECT_EQ(problem_error("heads_q=1,heads_q=2"), "found 'heads_q' twice; expected each name once");
  EXPECT_EQ(problem_error("heads_q=4,seq=3"), "found 2 entries in the table 'mask'; expected 3 (seq)");
}

TEST(ProblemText, ErrorsNameTables) {
  const KernelDefinition definition = test::parse_or_stop(kAttention);
  EXPECT_EQ(definition.problem("heads_q=4,seq=2").error().message,
            "the problem of attention has no table 'mask'; expected a list of integers");
  EXPECT_THAT(definition.problem("heads_q=4,seq=2", {{"mask", {0, 0}}, {"maks", {}}}).error().message,
              HasSubstr("found the unknown table 'maks' of attention; expected mask, did you mean 'mask'?"));
}

TEST(ConfigText, FillsInTheSafeDefaultIfAsked) {
  const KernelDefinition definition = test::parse_or_stop(kAttention);
  EXPECT_EQ(to_string(*definition.config("rows=128")), "rows=128,split=false");
  EXPECT_EQ(to_string(*definition.config("split=1")), "rows=64,split=true");
  EXPECT_EQ(to_string(*definition.config("")), "rows=64,split=false");
  EXPECT_EQ(definition.config("rows=128", false).error().message,
            "found no value for the tunable 'split'; expected every tunable");
  EXPECT_EQ(*definition.default_config(test::h100()), *definition.config(""));
}

TEST(ConfigText, ErrorsSayWhatIsLegal) {
  const KernelDefinition definition = test::parse_or_stop(kAttention);
  EXPECT_EQ(definition.config("rows=96").error().message, "found rows=96; expected one of 64 and 128");
  EXPECT_EQ(definition.config("split=maybe").error().message,
            "found split=maybe; expected one of false and true");
  EXPECT_EQ(definition.config("row=64").error().message,
            "found the unknown tunable 'row'; expected tunables: rows and split, did you mean 'rows'?");
  EXPECT_EQ(definition.config("variant=fast").error().message,
            "found the unknown variant 'fast' of attention; expected no variant");
}

}  // namespace
}  // namespace weir
