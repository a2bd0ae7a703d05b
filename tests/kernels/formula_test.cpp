#include "kernels/formula.h"

#include <gtest/gtest.h>

#include "tests/kernels/random_formula.h"

namespace weir {
namespace {

using formula::Range;
using test::formula_or_stop;

std::string canonical(const std::string& text, bool gives_bool = false) {
  const auto parsed = Formula::parse(text, test::signature(gives_bool));
  return parsed ? parsed->text() : parsed.error().message;
}
std::string derivative(const std::string& text) {
  return formula_or_stop(text, false).derivative().text();
}
std::string bound_error(const std::string& text, bool gives_bool = false) {
  const auto parsed = Formula::parse(text, test::signature(gives_bool));
  if (!parsed) return "does not parse: " + parsed.error().message;
  const auto bound = parsed->bind({});
  return bound ? "" : bound.error().message;
}

TEST(Formula, TextIsCanonical) {
  EXPECT_EQ(canonical(" score-0.50*abs( (q_index)-k_index )"), "score - 0.5 * abs(q_index - k_index)");
  EXPECT_EQ(canonical("1e-3*score + 2.0"), "0.001 * score + 2.0");
  EXPECT_EQ(canonical("score * 1e20"), "score * 1e+20");
  EXPECT_EQ(canonical("min(score, 1, 2)"), "min(min(score, 1), 2)");
  EXPECT_EQ(canonical("(q_index<k_index)?score:-1.5"), "q_index < k_index ? score : -1.5");
  EXPECT_EQ(canonical("score - (1 - score)"), "score - (1 - score)");
  EXPECT_EQ(canonical("(score - 1) - score"), "score - 1 - score");
  EXPECT_EQ(canonical("!(q_index<1)&&(true||k_index>=2)", true), "!(q_index < 1) && (true || k_index >= 2)");
  EXPECT_EQ(canonical("q_index % 2", true), "q_index % 2 != 0");
}

TEST(Formula, ErrorsSayColumnAndRemedy) {
  EXPECT_EQ(canonical("scor"), "column 1: found the unknown name 'scor', did you mean 'score'?");
  EXPECT_EQ(
      canonical("1 + zebra"),
      "column 5: found the unknown name 'zebra'; the variables are score, q_index, k_index and head, and "
      "parameters of the problem that come before may be used");
  EXPECT_EQ(canonical("sqr(score)"), "column 1: found the unknown function 'sqr', did you mean 'sqrt'?");
  EXPECT_EQ(canonical("score % 2"), "column 7: found % of a real number; expected integers on both sides");
  EXPECT_EQ(canonical("exp(score, 1)"), "column 1: found exp with 2 arguments; expected 1");
  EXPECT_EQ(
      canonical("1e60 * score"),
      "column 1: found '1e60'; expected a decimal number within a float's range, such as 2, 0.5 or 1e-3");
  EXPECT_EQ(canonical("0.5 * q_index", true),
            "column 1: found a real number; expected a condition, such as a comparison");
  EXPECT_EQ(canonical("q_index[1]"), "column 1: found 'q_index['; expected no table, formulas have none");
}

TEST(Formula, WhatKernelsCouldNotComputeIsRefused) {
  EXPECT_EQ(bound_error("q_index / 8 % 3"), "");
  EXPECT_NE(bound_error("q_index / k_index").find("whose divisor may be 0"), std::string::npos);
  EXPECT_NE(bound_error("k_index % (q_index - 3)").find("whose divisor may be 0"), std::string::npos);
  EXPECT_EQ(bound_error("q_index / max(1, k_index)"), "");
  EXPECT_EQ(bound_error("1.0 * q_index / k_index"), "");
  EXPECT_EQ(bound_error("q_index * k_index"), "");
  EXPECT_NE(bound_error("q_index * k_index * head").find("may leave 62 bits"), std::string::npos);
  EXPECT_EQ(bound_error("1.0 * q_index * k_index * head"), "");
  EXPECT_EQ(bound_error("false ? 1 / 0 : score"), "");
  EXPECT_EQ(bound_error("score + 1 / 0"), "found an integer division by 0");
}

TEST(Formula, ParametersAreCompiledIn) {
  FormulaSignature signature = test::signature(false);
  signature.parameters = {
      {"window", FormulaType::integer}, {"slope", FormulaType::real}, {"alibi", FormulaType::boolean}};
  const auto parsed = Formula::parse("alibi ? score - slope * min(window, q_index) : score", signature);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const std::vector<FormulaConstant> on{{64, 0}, {0, 0.25}, {1, 0}}, off{{64, 0}, {0, 0.25}, {0, 0}};
  EXPECT_EQ(parsed->bind(on)->text(), "score - 0.25 * min(64, q_index)");
  EXPECT_EQ(parsed->bind(off)->text(), "score");
  EXPECT_EQ(parsed->text(), "alibi ? score - slope * min(window, q_index) : score");
}

TEST(Formula, IntegersDivideAsIntegers) {
  const std::vector<double> point{0.5, 7, 2, 0};
  EXPECT_EQ(formula_or_stop("q_index / 2", false).evaluate(point), 3);
  EXPECT_EQ(formula_or_stop("q_index / 2.0", false).evaluate(point), 3.5);
  EXPECT_EQ(formula_or_stop("(k_index - q_index) / 2", false).evaluate(point), -2);
  EXPECT_EQ(formula_or_stop("(q_index + 0.0) / 2", false).evaluate(point), 3.5)
      << "folding must keep the type";
  EXPECT_EQ(formula_or_stop("(q_index * 1.0 + head) / 2", false).evaluate(point), 3.5);
  EXPECT_EQ(formula_or_stop("(true ? q_index : 0.5) / 2", false).evaluate(point), 3.5);
}

TEST(Formula, DerivativesAreSimple) {
  EXPECT_EQ(derivative("score"), "1.0");
  EXPECT_EQ(derivative("score - 0.5 * abs(q_index - k_index)"), "1.0");
  EXPECT_EQ(derivative("score + log(head + 1)"), "1.0");
  EXPECT_EQ(derivative("3 * score + q_index"), "3.0");
  EXPECT_EQ(derivative("q_index * 0.5"), "0.0");
  EXPECT_EQ(derivative("q_index < k_index ? score : 2 * score"), "q_index < k_index ? 1.0 : 2.0");
  EXPECT_EQ(derivative("q_index < k_index ? score : score - 8.0"), "1.0");
  EXPECT_EQ(derivative("20.0 * tanh(score / 20.0)").find("score * 0"), std::string::npos);
  EXPECT_EQ(derivative("exp(2 * score)"), "exp(2 * score) * 2.0");
  EXPECT_EQ(derivative("pow(score, 2)"), "2 * pow(score, 1.0)");
}

TEST(Formula, AConstantMaskHasAConstantRange) {
  EXPECT_EQ(formula_or_stop("true", true).range().constant(), Range::all);
  EXPECT_EQ(formula_or_stop("1 < 0", true).range().constant(), Range::none);
  EXPECT_EQ(formula_or_stop("q_index >= 0", true).range().constant(), std::nullopt);
}

TEST(Formula, RealNumbersHaveShortTexts) {
  EXPECT_EQ(real_text(0.1), "0.1");
  EXPECT_EQ(real_text(30), "30");
  EXPECT_EQ(real_text(-0.0), "0");
  EXPECT_EQ(float_literal(30), "30.0f");
  EXPECT_EQ(float_literal(0.1), "0.1f");
  EXPECT_EQ(float_literal(1e-30), "1e-30f");
  EXPECT_EQ(parse_real("1e-3"), 0.001);
  EXPECT_EQ(parse_real("-2"), -2.0);
  for (const char* text : {"", "x", "1x", "nan", "inf", "1e300", " 1"})
    EXPECT_EQ(parse_real(text), std::nullopt) << text;
}

}  // namespace
}  // namespace weir
