// Real and formula parameters, tables as arguments, and preparing launches, from YAML to a candidate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/gemm_definition.h"
#include "tests/kernels/program_walk.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kYaml = R"(
format: 1
kernel: masked
problem:
  batch: {type: int, min: 1, default: 1}
  seq: {type: int, min: 1}
  softcap: {type: real, min: 0, default: 0, compile_time: true}
  scale: {type: real, max: 4.0, default: 1.0 / batch}
  capped: {type: bool, default: softcap > 0}
  packed: {type: bool, default: false}
  score: {type: formula, variables: [score, q_index, k_index, head, batch], gives: real, default: score}
  mask: {type: formula, variables: [q_index, k_index, head, batch], gives: bool, default: 'true'}
tables:
  starts: {length: 'packed ? batch + 1 : 0'}
tensors:
  q: {role: in, element: f32, shape: [seq]}
  k: {role: in, element: f32, shape: [seq]}
  o: {role: out, element: f32, shape: [seq]}
tunables:
  tile: [16, 32]
default: {tile: 16}
restrictions:
  - {require: softcap <= 50, reason: too large a cap}
launches:
  - name: main
    entry: masked
    grid: ceil_div(seq, tile)
    threads: 32
    arguments: [o, q, {f32: softcap}, {f32: seq * 2}, {table: starts}]
    program:
      - {load: q, at: [block * tile], extent: [tile]}
      - for: key
        in: [0, seq, tile]
        do:
          - let: {last_row: block * tile + tile - 1, last_key: key + tile - 1}
          - if: mask_some(block * tile, last_row, key, last_key, 0, 0, 0, 0)
            then:
              - {load: k, at: [key], extent: [tile]}
              - if: '!mask_all(block * tile, last_row, key, last_key, 0, 0, 0, 0)'
                then: [{compute: {tensor_flops: 1}}]
      - {store: o, at: [block * tile], extent: [tile]}
verify:
  source: reference.cu
  exact: exact
  low: low
  grid: 1
  threads: 32
  arguments: [o, q, {f32: scale}, {table: starts}]
  deterministic: tile == 16
  prepare:
    - {entry: make_q, grid: [seq], threads: [32, 2], shared_bytes: 4 * seq, arguments: [q, k, {i32: seq}]}
)";

KernelDefinition definition() {
  return test::parse_or_stop(kYaml);
}
std::string problem_text(const std::string& text) {
  const auto problem = definition().problem(text);
  return problem ? to_string(*problem) : problem.error().message;
}
std::string load_error(const std::string& from, const std::string& to) {
  const auto parsed = KernelDefinition::parse(test::replaced(kYaml, from, to), "kernel.yaml");
  return parsed ? "no error" : parsed.error().message;
}

TEST(ProblemFormula, TextHasRealsAndFormulasInCanonicalForm) {
  EXPECT_EQ(problem_text("seq=64"),
            "batch=1,seq=64,softcap=0,scale=1,capped=false,packed=false,score=score,mask=true");
  EXPECT_EQ(
      problem_text(
          "seq=64,softcap=30.0,score=score-max(softcap,1)*( q_index ),mask=k_index<=q_index&&batch==0"),
      "batch=1,seq=64,softcap=30,scale=1,capped=true,packed=false,score=score - max(softcap, 1) * q_index,"
      "mask=k_index <= q_index && batch == 0");
  EXPECT_EQ(problem_text("batch=8,seq=64,softcap=1e-05"),
            "batch=8,seq=64,softcap=1e-05,scale=0.125,capped=true,packed=false,score=score,mask=true");
}

TEST(ProblemFormula, TextIsItsOwnCanonicalForm) {
  const auto problem =
      definition().problem("seq=64,softcap=0.1,mask=q_index/8==k_index / 8,score=max(score, 0.5)");
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const auto again = definition().problem(to_string(*problem));
  ASSERT_TRUE(again.ok()) << to_string(again.error());
  EXPECT_EQ(*problem, *again);
}

TEST(ProblemFormula, ErrorsSayWhatIsLegal) {
  EXPECT_EQ(problem_text("seq=64,softcap=-1"),
            "found softcap=-1 in the problem of masked; expected a number, at least 0");
  EXPECT_EQ(problem_text("seq=64,scale=4.5"),
            "found scale=4.5 in the problem of masked; expected a number, at most 4.0");
  EXPECT_EQ(problem_text("seq=64,softcap=much"),
            "found softcap=much in the problem of masked; expected a number, at least 0");
  EXPECT_EQ(problem_text("seq=64,score=scor + 1"),
            "in the formula score=scor + 1 of masked, column 1: found the unknown name 'scor', did you mean "
            "'score'?");
  EXPECT_THAT(problem_text("seq=64,mask=q_index / k_index > 1"), HasSubstr("whose divisor may be 0"));
  EXPECT_THAT(problem_text("seq=64,mask=max(q_index, k_index"), HasSubstr("expected ')'"));
  EXPECT_THAT(problem_text("seq=64,packed=true"), HasSubstr("has no table 'starts'"));
}

TEST(ProblemFormula, HeaderHasConstantsAndFunctions) {
  const Candidate plain = test::resolve_or_stop(definition(), "seq=64", "", test::h100());
  EXPECT_THAT(plain.config_header, HasSubstr("constexpr float softcap = 0.0f;\n"));
  EXPECT_THAT(plain.config_header,
              HasSubstr("constexpr bool score_is_default = true;\n"
                        "__device__ inline float score(float score, auto q_index, auto k_index, auto "
                        "head, auto batch) {\n  return score;\n}\n"
                        "__device__ inline float score_derivative(float score, auto q_index, auto "
                        "k_index, auto head, auto batch) {\n  return 1.0f;\n}\n"
                        "enum class Range { none, some, all };\n"));
  EXPECT_THAT(plain.config_header,
              HasSubstr("constexpr bool mask_is_default = true;\n__device__ inline bool mask(int"));
  EXPECT_THAT(plain.config_header, HasSubstr("{\n  return true;\n}\n"));
  EXPECT_THAT(plain.config_header, testing::Not(HasSubstr("scale")));

  const Candidate other = test::resolve_or_stop(
      definition(), "seq=64,softcap=20,score=softcap * tanh(score / softcap),mask=k_index <= q_index", "",
      test::h100());
  EXPECT_THAT(other.config_header, HasSubstr("constexpr bool score_is_default = false;\n"));
  EXPECT_THAT(other.config_header, HasSubstr("return (20.0f * ::tanhf((score / 20.0f)));"));
  EXPECT_THAT(other.config_header, HasSubstr("return formula::less_equal(k_index, q_index);"));
  EXPECT_THAT(other.reference_header, HasSubstr("::tanhf"));
  EXPECT_THAT(other.reference_header, testing::Not(HasSubstr("tile")));
}

TEST(ProblemFormula, ArgumentsAreFloatsAndTables) {
  const auto problem =
      definition().problem("seq=64,batch=2,packed=true,softcap=0.5", {{"starts", {0, 40, 64}}});
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const auto candidate = definition().resolve(*problem, *definition().config(""), test::h100());
  ASSERT_TRUE(candidate.ok()) << to_string(candidate.error());
  EXPECT_THAT(candidate->launches[0].arguments,
              ElementsAre(Argument{.tensor = 2}, Argument{.tensor = 0},
                          Argument{.kind = Argument::Kind::f32, .real = 0.5f},
                          Argument{.kind = Argument::Kind::f32, .real = 128.0f},
                          Argument{.kind = Argument::Kind::table}));
  EXPECT_THAT(candidate->table_names, ElementsAre("starts"));
  EXPECT_THAT(candidate->tables[0], ElementsAre(0, 40, 64));
  EXPECT_EQ(candidate->verify.arguments[2].real, 0.5f);  // scale is 1 / batch
}

TEST(ProblemFormula, AnEntryBeyond32BitsIsAnError) {
  const auto problem = definition().problem("seq=64,packed=true", {{"starts", {0, 3'000'000'000}}});
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const auto candidate = definition().resolve(*problem, *definition().config(""), test::h100());
  ASSERT_FALSE(candidate.ok());
  EXPECT_EQ(candidate.error().kind, ErrorKind::usage);
  EXPECT_THAT(candidate.error().message,
              HasSubstr("'starts' has the entry 3000000000 at index 1; expected 32 bits"));
}

TEST(ProblemFormula, VerificationPreparesInputsAndMayAskForTheSameBits) {
  const Candidate candidate = test::resolve_or_stop(definition(), "seq=64", "tile=16", test::h100());
  ASSERT_EQ(candidate.verify.prepare.size(), 1u);
  const PrepareLaunch& prepare = candidate.verify.prepare[0];
  EXPECT_EQ(prepare.entry, "make_q");
  EXPECT_EQ(prepare.grid, (std::array<std::int64_t, 3>{64, 1, 1}));
  EXPECT_EQ(prepare.threads, (std::array<std::int64_t, 3>{32, 2, 1}));
  EXPECT_EQ(prepare.shared_bytes, 256);
  EXPECT_EQ(prepare.arguments.size(), 3u);
  EXPECT_TRUE(candidate.verify.deterministic);
  EXPECT_FALSE(test::resolve_or_stop(definition(), "seq=64", "tile=32", test::h100()).verify.deterministic);
}

TEST(ProblemFormula, ARestrictionComparesARealParameter) {
  const auto problem = definition().problem("seq=64,softcap=50.5");
  const auto candidate = definition().resolve(*problem, *definition().config(""), test::h100());
  ASSERT_FALSE(candidate.ok());
  EXPECT_EQ(candidate.error().message, "too large a cap (required: softcap <= 50; softcap = 50.5)");
}

// Tiles of 16 rows and keys under a window of 20: what a block loads, and where it has to mask.
TEST(ProblemFormula, BlockProgramsSkipTilesThatAMaskEmpties) {
  const Candidate candidate = test::resolve_or_stop(
      definition(), "seq=160,mask=k_index <= q_index && q_index - k_index < 20", "tile=16", test::h100());
  std::int64_t loaded = 0, expected = 0, masked = 0;
  test::ProgramWalk walk(candidate, candidate.launches[0]);
  walk.walk([&](std::int64_t, const test::Box& box) {
    loaded += box.access == AccessKind::load && box.tensor == 1;
  });
  for (int row = 0; row < 160; row += 16) {
    for (int key = 0; key < 160; key += 16) {
      bool any = false, every = true;
      for (int q = row; q < row + 16; ++q) {
        for (int k = key; k < key + 16; ++k) {
          const bool seen = k <= q && q - k < 20;
          any = any || seen;
          every = every && seen;
        }
      }
      expected += any;
      masked += any && !every;
    }
  }
  EXPECT_EQ(loaded, expected);
  EXPECT_EQ(walk.tensor_flops(), masked);
}

TEST(ProblemFormula, DefinitionErrorsNameLineAndRemedy) {
  EXPECT_THAT(
      load_error("gives: bool, default: 'true'", "gives: flag, default: 'true'"),
      HasSubstr("found 'flag' as 'gives' of the problem parameter 'mask'; expected one of real and bool"));
  EXPECT_THAT(load_error("[q_index, k_index, head, batch], gives: bool", "[q_index, score], gives: bool"),
              HasSubstr("found 'score' in the variables of 'mask', a real number"));
  EXPECT_THAT(load_error("[score, q_index, k_index, head, batch]", "[q_index, score]"),
              HasSubstr("found 'score' after other entries"));
  EXPECT_THAT(load_error("[score, q_index, k_index, head, batch]", "[score, exp]"),
              HasSubstr("found 'exp' in the variables of 'score', which is reserved"));
  EXPECT_THAT(load_error("default: score}", "default: scores}"),
              HasSubstr("in the default of 'score' 'scores', column 1: found the unknown name 'scores'"));
  EXPECT_THAT(load_error("seq: {type: int, min: 1}", "seq: {type: int, min: 1, gives: real}"),
              HasSubstr("found 'gives' in the problem parameter 'seq'; expected it only with type: formula"));
  EXPECT_THAT(load_error("gives: real,", "gives: real, compile_time: false,"),
              HasSubstr("formulas are always compiled in"));
  EXPECT_THAT(load_error("softcap <= 50", "softcap * 2 <= 50"),
              HasSubstr("column 1: found a real parameter where an integer is needed"));
  EXPECT_THAT(load_error("{f32: seq * 2}", "{f64: seq}"),
              HasSubstr("found the unknown key 'f64' in an argument"));
  EXPECT_THAT(
      load_error("{f32: softcap}, {f32: seq * 2}, {table: starts}", "{table: stars}"),
      HasSubstr("found 'stars' as the table of an argument; expected one of starts, did you mean 'starts'?"));
  EXPECT_THAT(
      load_error("if: mask_some(block * tile, last_row, key, last_key, 0, 0, 0, 0)",
                 "if: mask_some(key, last_key)"),
      HasSubstr(
          "found mask_some with 2 arguments; expected 8, the first and the last value of each of q_index, "
          "k_index, head and batch"));
  EXPECT_THAT(load_error("if: mask_some(block * tile, last_row, key, last_key, 0, 0, 0, 0)", "if: mask"),
              HasSubstr("found the formula 'mask' alone; expected mask_some(first, last, …) or mask_all("));
  EXPECT_THAT(load_error("{last_row: ", "{mask_range: "),
              HasSubstr("which would hide the 'mask_range' of line 12"));
  EXPECT_THAT(load_error("entry: make_q, grid: [seq], threads", "entry: make_q, threads"),
              HasSubstr("found an entry of 'prepare' without 'grid'"));
  const std::string line = std::to_string(test::line_of(kYaml, "deterministic:"));
  EXPECT_THAT(load_error("tile == 16", "tiles == 16"),
              HasSubstr("kernel.yaml:" + line +
                        ": in 'deterministic' of 'verify' 'tiles == 16', column 1: found the "
                        "unknown name 'tiles', did you mean 'tile'?"));
}

TEST(ProblemFormula, ExpressionsKnowWhetherAFormulaIsItsDefault) {
  const std::string yaml =
      test::replaced(kYaml, "  - {require: softcap <= 50, reason: too large a cap}",
                     "  - {require: score_is_default || !mask_is_default, reason: only with a mask}");
  const KernelDefinition definition = test::parse_or_stop(yaml);
  const auto legal = [&](const std::string& problem) {
    return definition
        .resolve(test::problem_or_stop(definition, problem), test::config_or_stop(definition, ""),
                 test::h100())
        .ok();
  };
  EXPECT_TRUE(legal("seq=64"));
  EXPECT_TRUE(legal("seq=64,score=score"));
  EXPECT_FALSE(legal("seq=64,score=score - 1"));
  EXPECT_TRUE(legal("seq=64,score=score - 1,mask=k_index <= q_index"));
}

}  // namespace
}  // namespace weir
