// Every mistake in a definition is told with its line, what was found and what was expected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

using test::gemm_yaml;
using test::line_of;
using test::replaced;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The error of `text`, which must be on the line where `marker` stands.
void expect_error(const std::string& text, const std::string& marker, const std::string& message) {
  const auto definition = KernelDefinition::parse(text, "folder/kernel.yaml");
  ASSERT_FALSE(definition.ok()) << "no error for " << marker;
  EXPECT_EQ(definition.error().kind, ErrorKind::usage);
  EXPECT_THAT(definition.error().message,
              StartsWith("folder/kernel.yaml:" + std::to_string(line_of(text, marker)) + ": "));
  EXPECT_THAT(definition.error().message, HasSubstr(message));
}

// The same after one change to the complete example.
void expect_error_after(const std::string& from, const std::string& to, const std::string& message) {
  expect_error(replaced(gemm_yaml(), from, to), to, message);
}

TEST(DefinitionLoader, LoadsTheCompleteExample) {
  const KernelDefinition definition = test::parse_or_stop(gemm_yaml());
  EXPECT_EQ(definition.name(), "gemm");
  EXPECT_EQ(definition.summary(), "C = A · transpose(B)");
  EXPECT_EQ(definition.file(), "folder/kernel.yaml");
  ASSERT_EQ(definition.parameters().size(), 4u);
  EXPECT_EQ(definition.parameters()[0].name, "m");
  EXPECT_EQ(definition.parameters()[0].summary, "rows of A and C");
  EXPECT_EQ(definition.parameters()[0].default_text, "");
  EXPECT_FALSE(definition.parameters()[0].compile_time);
  EXPECT_EQ(definition.parameters()[3].type, ParameterInfo::Type::enumeration);
  EXPECT_EQ(definition.parameters()[3].default_text, "bf16");
  EXPECT_EQ(definition.parameters()[3].values, (std::vector<std::string>{"bf16", "f16"}));
  EXPECT_TRUE(definition.parameters()[3].compile_time) << "element types are always compiled in";
  ASSERT_EQ(definition.variants().size(), 1u);
  EXPECT_EQ(definition.variants()[0].name, "");
  EXPECT_TRUE(definition.variants()[0].source.empty()) << "there is no folder/kernel.cu";
  ASSERT_EQ(definition.variants()[0].tunables.size(), 5u);
  EXPECT_EQ(definition.variants()[0].tunables[2].values, (std::vector<std::int64_t>{32, 64}));
}

TEST(DefinitionLoader, TellsUnknownKeysAndWhatWasMeant) {
  expect_error_after("tunables:", "tunable:",
                     "found the unknown key 'tunable' in a kernel definition, did you mean 'tunables'?");
  expect_error_after("role: in, element: dtype, shape: [m, k]", "role: in, element: dtype, shpae: [m, k]",
                     "found the unknown key 'shpae' in the tensor 'a', did you mean 'shape'?");
  expect_error_after("hint: evict_last", "cache: evict_last",
                     "found the unknown key 'cache' in a 'load' action");
  expect_error_after(
      "{tensor_flops:", "{tensor_flop:", "found the unknown key 'tensor_flop' in 'compute', did you mean");
  expect_error_after("type: int, min: 8", "type: int, least: 8", "found the unknown key 'least'");
}

TEST(DefinitionLoader, TellsMissingSections) {
  expect_error(replaced(gemm_yaml(), "format: 1\n", ""), "kernel: gemm",
               "without 'format'; expected format: 1");
  expect_error(replaced(gemm_yaml(), "kernel: gemm\n", ""), "format: 1", "without 'kernel'");
  expect_error(replaced(gemm_yaml(), "    threads: 256\n", ""), "- name: main", "without 'threads'");
  expect_error("format: 1\nkernel: x\nproblem: {m: {type: int}}\n", "format", "found no 'tensors'");
  expect_error(
      "format: 1\nkernel: x\nproblem: {m: {type: int}}\ntensors: {a: {role: in, element: f32, shape: [m]}}\n",
      "format", "found no 'launches'; expected at least one");
}

TEST(DefinitionLoader, TellsOtherFormats) {
  expect_error_after("format: 1", "format: 2", "found format 2; expected 1");
  expect_error_after("format: 1", "format: one", "found 'one' as 'format'; expected an integer");
}

TEST(DefinitionLoader, TellsWrongTypes) {
  expect_error_after(
      "tile_k: [32, 64]", "tile_k: 32",
      "found '32' as the values of the tunable 'tile_k'; expected a list of integers such as [64, 128]");
  expect_error_after("tile_k: [32, 64]", "tile_k: [32, large]", "found 'large' as one of the values");
  expect_error_after("tile_k: [32, 64]", "tile_k: [32, 32]", "found 32 twice");
  std::string many = "tile_k: [1";
  for (int i = 2; i <= 10'000; ++i) many += ", " + std::to_string(i);
  expect_error(replaced(gemm_yaml(), "tile_k: [32, 64]", many + "]"), "group_m: [1",
               "found more than 1000000 combinations of tunables up to 'group_m'");
  expect_error_after("m: {type: int, min: 1, summary: rows of A and C}", "m: int",
                     "found 'int' as the problem parameter 'm'; expected a map");
  expect_error_after("m: {type: int, min: 1,", "m: {type: integer, min: 1,",
                     "found 'integer' as the type of 'm'; expected one of int, bool, enum, real and formula, "
                     "did you mean 'int'?");
  expect_error_after("grid: [tiles_m * tiles_n]", "grid: [1, 2, 3, 4]", "found 4 dimensions as 'grid'");
  expect_error_after("compute: {tensor_flops: 2 * tile_m * tile_n * tile_k}", "compute: fast",
                     "found 'fast' as 'compute'; expected a map");
  expect_error_after("rule: twice_low_precision", "rule: exact", "found 'exact' as 'rule'");
  expect_error_after("{type: int, min: 8, multiple_of: 8}", "{type: bool, min: 8}",
                     "found 'min' in the problem parameter 'k'; expected it only with type: int");
  expect_error_after("multiple_of: 8", "multiple_of: 0", "found '0' as 'multiple_of'; expected at least 1");
}

TEST(DefinitionLoader, TellsNamesThatAreTakenOrReserved) {
  expect_error_after("  n: {type: int, min: 1}", "  m: {type: int, max: 1}",
                     "found 'm' a second time (the first is on line 6)");
  expect_error_after("  tiles_n: ceil", "  tile_n: ceil",
                     "found 'tile_n' as the name of a let, which would hide the 'tile_n' of line 18");
  expect_error_after("for: step", "for: m",
                     "found 'm' as the name of a loop variable, which would hide the 'm' of line 6");
  expect_error_after("let: {height:", "let: {first:", "found 'first' as the name of a let, which would hide");
  expect_error_after("  k: {type: int, min: 8", "  item: {type: int, min: 8",
                     "found 'item' as the name of a problem parameter, which is reserved");
  expect_error_after("  group_m: [1, 4, 8, 16]", "  for: [1, 4, 8, 16]", "which is reserved");
  expect_error_after("  group_m: [1, 4, 8, 16]", "  group-m: [1, 4, 8, 16]",
                     "expected a name of letters, digits and underscores");
}

TEST(DefinitionLoader, TellsUnknownNamesInExpressions) {
  expect_error_after("tiles_m: ceil_div(m, tile_m)", "tiles_m: ceil_div(m, tilem)",
                     "in the let 'tiles_m' 'ceil_div(m, tilem)', column 13: found the unknown name 'tilem', "
                     "did you mean 'tile_m'?");
  expect_error_after("tiles_m: ceil_div(m, tile_m)", "tiles_m: ceil_div(tiles_n, tile_m)",
                     "the name of the let itself or of a later one; expected earlier names only");
  expect_error_after("shape: [n, k]", "shape: [n, kk]", "found the unknown name 'kk'");
  expect_error_after("threads: 256", "threads: item", "found the unknown name 'item'");
  expect_error_after("at: [row * tile_m, step", "at: [row * tile_m, stp", "did you mean 'step'?");
}

TEST(DefinitionLoader, TellsUnknownTensorsTypesAndRoles) {
  expect_error_after("{load: a,", "{load: d,",
                     "found 'd' as the tensor of 'load'; expected one of a, b and c");
  expect_error_after("{store: c,", "{store: a,", "found a store to 'a', which has role: in");
  expect_error_after("{store: c,", "{reduce: b,", "found a reduce to 'b', which has role: in");
  expect_error_after("{load: a, at: [row", "{load: c, at: [row",
                     "found a load of the out tensor 'c' before anything is stored to it");
  expect_error_after("arguments: [a, b, c, {i32: m}, {i64:", "arguments: [a, b, d, {i32: m}, {i64:",
                     "found 'd' as an argument");
  expect_error_after("arguments: [a, b, c, {i32: m}, {i64:", "arguments: [a, b, c, {u32: m}, {i64:",
                     "found the unknown key 'u32' in an argument");
  expect_error_after("arguments: [a, b, c, {i32: m}, {i64:",
                     "arguments: [{tensor_map: d, box: [1, 1]}, b, c, {i32: m}, {i64:",
                     "found 'd' as the tensor of a tensor map; expected one of a, b and c");
  expect_error_after(
      "arguments: [a, b, c, {i32: m}, {i64:", "arguments: [{tensor_map: a, box: [8]}, b, c, {i32: m}, {i64:",
      "found 1 entries in 'box' of 'a'; expected 2, one per dimension");
  expect_error_after(
      "arguments: [a, b, c, {i32: m}, {i64:", "arguments: [{tensor_map: a, bx: [8]}, b, c, {i32: m}, {i64:",
      "found the unknown key 'bx' in a tensor map");
  expect_error_after("c: {role: out, element: dtype", "c: {role: out, element: f31",
                     "found 'f31' as the element of 'c'");
  expect_error_after("c: {role: out", "c: {role: output", "found 'output' as the role of the tensor 'c'");
}

TEST(DefinitionLoader, TellsWrongNumbersOfDimensions) {
  expect_error_after("extent: [tile_m, tile_k]", "extent: [tile_m]",
                     "found 1 entries in 'extent' of 'a'; expected 2, one per dimension");
  expect_error_after("at: [column * tile_n, step * tile_k]", "at: [column, step, 0]",
                     "found 3 entries in 'at' of 'b'; expected 2");
  expect_error_after("shape: [n, k]", "shape: [n, k], strides: [k]", "found 1 strides of 'b'; expected 2");
  expect_error_after("shape: [n, k]", "shape: []", "found an empty shape");
}

TEST(DefinitionLoader, TellsBadLoopsAndActions) {
  expect_error_after("in: [0, 'ceil_div(k, tile_k)']", "in: [0, k, 0]",
                     "found the step 0, with which 'step' never ends");
  expect_error_after("in: [0, 'ceil_div(k, tile_k)']", "in: [0]",
                     "found 1 entries in the range of 'step'; expected [from, to]");
  expect_error_after("- {store: c,", "- {stroe: c,",
                     "found 'stroe' as an action of the program; expected one of let, for, if, load, store, "
                     "reduce and compute, did you mean 'store'?");
  expect_error_after("- {store: c, at: [row", "- {store: c, multicast: 2, at: [row",
                     "found 'multicast' in a 'store' action");
  expect_error_after("hint: evict_last", "hint: sticky", "found 'sticky' as 'hint'");
}

TEST(DefinitionLoader, TellsBadDefaults) {
  expect_error_after("default: {tile_m: 128,", "default: {tile_m: 96,",
                     "found 96 as the default of 'tile_m'; expected one of its values 64, 128 and 256");
  expect_error_after("default: {tile_m: 128,", "default: {tilem: 128,",
                     "found 'tilem' in the default, did you mean 'tile_m'?");
  expect_error(replaced(gemm_yaml(), "default: {tile_m: 128,", "default: {"), "tile_m: [64",
               "found the tunable 'tile_m' without a value in the default");
  expect_error_after(
      "values: [bf16, f16], default: bf16", "values: [bf16, f16], default: f17",
      "in the default of 'dtype' 'f17', column 1: found the unknown name 'f17', did you mean 'f16'?");
  expect_error_after("values: [bf16, f16], default: bf16", "values: [bf16, f16], default: 1",
                     "found '1' as the default of 'dtype'; expected one of bf16 and f16");
  expect_error_after("{type: int, min: 8, multiple_of: 8}", "{type: int, min: 8, default: 4}",
                     "found '4' as the default of 'k'; expected at least 8");
  expect_error_after("values: [bf16, f16]", "values: [bf16, fast]", "found element types and other names");
  expect_error_after("values: [bf16, f16]", "values: [bf16, bf16]", "found 'bf16' twice");
}

TEST(DefinitionLoader, TellsExpressionsThatACommaCut) {
  expect_error_after(
      "in: [0, 'ceil_div(k, tile_k)']", "in: [0, ceil_div(k, tile_k)]",
      "found 'ceil_div(k', cut at a comma: inside [ ] and { } YAML splits at every comma; expected quotes "
      "around an expression that has one: 'ceil_div(k, tile_k)'");
  expect_error_after("let: {height: 'min(tiles_m - first, group_m)'}",
                     "let: {height: min(tiles_m - first, group_m)}",
                     "expected quotes around an expression that has one: 'min(tiles_m - first, group_m)'");
  expect_error_after("{require: shared <= device.shared_bytes_per_block,", "{require: max(shared, 1) < 9,",
                     "expected quotes around an expression that has one: 'max(shared, 1) < 9'");
}

TEST(DefinitionLoader, TellsExpressionsThatYamlMisreads) {
  const std::string table = replaced(gemm_yaml(), "tensors:\n", "tables: {kept: {}}\n\ntensors:\n");
  expect_error(replaced(table, "in: [0, 'ceil_div(k, tile_k)']", "in: [0, kept[0]]"), "in: [0, kept",
               "quotes");
  expect_error_after("in: [0, 'ceil_div(k, tile_k)']", "in: [0, m ? n : k]", "found no valid YAML");
  expect_error_after(
      "threads: 256", "threads: {x: 256}",
      "found a map as 'threads' of the launch 'main'; expected an expression (one with '? :' needs quotes");
  expect_error_after(
      "tiles_m: ceil_div(m, tile_m)", "tiles_m: m ? n : k",
      "found no valid YAML (column 18: illegal map value); expected YAML; expressions with '? :'");
  expect_error_after(
      "tiles_m: ceil_div(m, tile_m)", "tiles_m: !m",
      "found '!m' at the beginning of the let 'tiles_m', which YAML takes for a tag; expected quotes");
}

TEST(DefinitionLoader, TellsWhatIsNoYaml) {
  expect_error("format: 1\nkernel: [a\nproblem: x\n", "problem", "found no valid YAML");
  expect_error("", "", "expected a kernel definition");
  expect_error("- a\n- b\n", "", "found a list as a kernel definition; expected a map");
  expect_error(gemm_yaml() + "---\nsecond: 1\n", "second", "found a second document");
}

TEST(DefinitionLoader, RefusesHugeAndDeepFilesBeforeParsing) {
  const auto message = [](const std::string& text) {
    const auto definition = KernelDefinition::parse(text, "k.yaml");
    return definition ? "no error" : definition.error().message;
  };
  EXPECT_THAT(message(std::string(1'000'001, ' ')),
              HasSubstr("k.yaml:1: found 1000001 bytes; expected a kernel definition of at most 1 MB"));
  EXPECT_THAT(message("a: " + std::string(100'000, '[')),
              HasSubstr("k.yaml:1: found more than 64 nested levels"));
  EXPECT_THAT(message("a: " + std::string(100'000, '{')), HasSubstr("found more than 64 nested levels"));
  std::string dashes = "a:\n ";
  for (int i = 0; i < 10'000; ++i) dashes += "- ";
  EXPECT_THAT(message(dashes), HasSubstr("k.yaml:2: found more than 64 nested levels"));
  std::string indents;
  for (int i = 0; i < 100; ++i) indents += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(message(indents), HasSubstr("k.yaml:65: found more than 64 nested levels"));
}

TEST(DefinitionLoader, RefusesAliasesThatUnfoldWithoutEnd) {
  std::string text = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous + ", " + previous + "]\n";
  }
  const auto definition = KernelDefinition::parse(text, "k.yaml");
  ASSERT_FALSE(definition.ok());
  EXPECT_THAT(definition.error().message,
              HasSubstr("found aliases that unfold to a huge or endless document"));
}

TEST(DefinitionLoader, TellsFilesAndSourcesThatDoNotExist) {
  const auto missing = KernelDefinition::load("/nonexistent/kernel.yaml");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/kernel.yaml"));

  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / ("weir_no_reference_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "kernel.yaml") << gemm_yaml();
  const auto definition = KernelDefinition::load(folder / "kernel.yaml");
  ASSERT_FALSE(definition.ok());
  EXPECT_EQ(definition.error().kind, ErrorKind::missing);
  EXPECT_THAT(definition.error().message, HasSubstr("reference.cu' that it names does not exist"));
}

TEST(DefinitionLoader, AcceptsIntegersAndBooleansAsExpressions) {
  const std::string text = replaced(gemm_yaml(), "blocks_per_sm: 2", "blocks_per_sm: true");
  const Candidate candidate =
      test::resolve_or_stop(test::parse_or_stop(text), "m=8,n=8,k=8", "", test::h100());
  EXPECT_EQ(candidate.launches[0].blocks_per_sm_limit, 1);
}

TEST(DefinitionLoader, OrdersShapesAndLetsByWhatTheyNeed) {
  const std::string text =
      replaced(replaced(gemm_yaml(), "shape: [m, n]", "shape: [tiles_m * tile_m, n]"),
               "  tiles_n: ceil_div(n, tile_n)", "  tiles_n: ceil_div(n, tile_n)\n  output: c.bytes");
  const KernelDefinition definition = test::parse_or_stop(text);
  const Candidate candidate = test::resolve_or_stop(definition, "m=100,n=64,k=8", "", test::h100());
  EXPECT_EQ(candidate.tensors[2].shape, (std::vector<std::int64_t>{128, 64}));

  expect_error(replaced(gemm_yaml(), "shape: [m, n]", "shape: [c.bytes, n]"), "c: {role: out",
               "found a circle");
  const std::string circle = replaced(replaced(gemm_yaml(), "shape: [m, n]", "shape: [tiles_m, n]"),
                                      "tiles_m: ceil_div(m, tile_m)", "tiles_m: ceil_div(c.bytes, tile_m)");
  expect_error(circle, "tiles_m: ceil_div",
               "found the bytes of a tensor in the let 'tiles_m' whose shape needs that let");
}

}  // namespace
}  // namespace weir
