#include "kernels/expression.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::int64_t kLargest = 9223372036854775807;

// x = 7, y = -3, device.sm_count = 132, t = {10, 20, 30}
class ExpressionTest : public ::testing::Test {
 protected:
  ExpressionTest() {
    for (const char* name : {"x", "y", "device.sm_count", "largest"}) scope.add(name);
    scope.add_table("t");
  }

  Expression parse(const std::string& text) {
    Result<Expression> parsed = Expression::parse(text, scope);
    if (!parsed) throw std::runtime_error(text + ": " + parsed.error().message);
    return *parsed;
  }
  std::int64_t value(const std::string& text) { return parse(text).evaluate(frame()); }
  std::string parse_error(const std::string& text) {
    Result<Expression> parsed = Expression::parse(text, scope);
    return parsed ? "no error" : parsed.error().message;
  }
  std::string run_error(const std::string& text) {
    try {
      return std::to_string(value(text));
    } catch (const ExpressionError& error) {
      return error.what();
    }
  }
  Frame frame() { return {slots, tables}; }

  Scope scope;
  std::vector<std::int64_t> slots{7, -3, 132, kLargest};
  std::vector<std::vector<std::int64_t>> tables{{10, 20, 30}};
};

TEST_F(ExpressionTest, HasThePrecedencesOfC) {
  EXPECT_EQ(value("1 + 2 * 3"), 7);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("10 - 3 - 2"), 5);
  EXPECT_EQ(value("100 / 7 % 5 * 2"), 8);
  EXPECT_EQ(value("1 + 1 == 2 && 3 < 4 || 0"), 1);
  EXPECT_EQ(value("1 || 0 && 0"), 1);
  EXPECT_EQ(value("1 < 2 == 1"), 1);
  EXPECT_EQ(value("-x + 10"), 3);
  EXPECT_EQ(value("!x + 1"), 1);
  EXPECT_EQ(value("- -x"), 7);
  EXPECT_EQ(value("0 ? 1 : 0 ? 2 : 3"), 3);
  EXPECT_EQ(value("x > 5 ? x * 2 : y"), 14);
}

TEST_F(ExpressionTest, SearchesAscendingEntries) {
  EXPECT_EQ(value("lower_bound(t, 0, 3, 20)"), 1);
  EXPECT_EQ(value("lower_bound(t, 0, t.length, 21)"), 2);
  EXPECT_EQ(value("lower_bound(t, 0, 3, -5)"), 0);
  EXPECT_EQ(value("lower_bound(t, 0, 3, 31)"), 3);
  // Only what is asked for is searched.
  EXPECT_EQ(value("lower_bound(t, 1, 2, 0)"), 1);
  EXPECT_EQ(value("lower_bound(t, 1, 2, 25)"), 2);
  EXPECT_EQ(value("lower_bound(t, 2, 2, 0)"), 2);
  EXPECT_EQ(value("lower_bound(t, x - 7, x - 4, x * 3) < lower_bound(t, 0, 3, 31) ? t[x - 6] : 0"), 20);
  EXPECT_EQ(run_error("lower_bound(t, y, 3, 20)"),
            "lower_bound outside the table in 'lower_bound(t, y, 3, 20)'");
  EXPECT_EQ(run_error("lower_bound(t, 0, x, 20)"),
            "lower_bound outside the table in 'lower_bound(t, 0, x, 20)'");
  EXPECT_EQ(run_error("lower_bound(t, 2, 1, 20)"),
            "lower_bound outside the table in 'lower_bound(t, 2, 1, 20)'");
  const char* misused =
      "column 1: found lower_bound with other arguments than its own; expected lower_bound(table, from, to, "
      "value)";
  EXPECT_EQ(parse_error("lower_bound(t, 0, 3)"), misused);
  EXPECT_EQ(parse_error("lower_bound(x, 0, 3, 4)"), misused);
  EXPECT_EQ(parse_error("lower_bound(t, 0, t, 4)"),
            "column 19: found the table 't' alone; expected t[index] or t.length");
}

TEST_F(ExpressionTest, FoldsSearchesOfKnownEntries) {
  const Expression search = parse("lower_bound(t, 0, 3, x + y)");
  EXPECT_EQ(search.tables(), std::vector<int>{0});
  EXPECT_FALSE(search.fold(frame(), {true, false}).is_constant());
  const Expression folded = search.fold(frame(), {true, true});
  ASSERT_TRUE(folded.is_constant());
  EXPECT_EQ(folded.constant(), 0);
  // What fails is left to fail.
  EXPECT_FALSE(parse("lower_bound(t, 0, x, 1)").fold(frame(), {true, true}).is_constant());
}

TEST_F(ExpressionTest, DividesTowardsZeroAsC) {
  EXPECT_EQ(value("7 / 2"), 3);
  EXPECT_EQ(value("-7 / 2"), -3);
  EXPECT_EQ(value("y / 2"), -1);
  EXPECT_EQ(value("y % 2"), -1);
  EXPECT_EQ(value("x / y"), -2);
  EXPECT_EQ(value("x % y"), 1);
  EXPECT_EQ(value("x % -1"), 0);
  EXPECT_EQ(value("5000000000 / 3 + x * 0"), 1666666666);
}

TEST_F(ExpressionTest, HasTheFunctionsOfTheReference) {
  EXPECT_EQ(value("min(3, x, y, 5)"), -3);
  EXPECT_EQ(value("max(3, x)"), 7);
  EXPECT_EQ(value("ceil_div(x, 2)"), 4);
  EXPECT_EQ(value("ceil_div(8, 2)"), 4);
  EXPECT_EQ(value("ceil_div(-x, 2)"), -3);
  EXPECT_EQ(value("ceil_div(x, y)"), -2);
  EXPECT_EQ(value("ceil_div(-x, y)"), 3);
  EXPECT_EQ(value("abs(y)"), 3);
  EXPECT_EQ(value("isqrt(0)"), 0);
  EXPECT_EQ(value("isqrt(99)"), 9);
  EXPECT_EQ(value("isqrt(100)"), 10);
  EXPECT_EQ(value("isqrt(largest)"), 3037000499);
  EXPECT_EQ(value("log2(1)"), 0);
  EXPECT_EQ(value("log2(1023)"), 9);
  EXPECT_EQ(value("log2(1024)"), 10);
}

TEST_F(ExpressionTest, ReadsNamesTablesAndTruth) {
  EXPECT_EQ(value("device.sm_count / 2"), 66);
  EXPECT_EQ(value("t[0] + t[x - 5]"), 40);
  EXPECT_EQ(value("t.length"), 3);
  EXPECT_EQ(value("true + true - false"), 2);
  EXPECT_EQ(value("5 && 3"), 1);
  EXPECT_EQ(value("x || 1 / 0"), 1);
}

TEST_F(ExpressionTest, EvaluatesOnlyWhatIsNeeded) {
  EXPECT_EQ(value("y == 0 || x / y < 0"), 1);
  EXPECT_EQ(value("x == 0 && 1 / 0"), 0);
  EXPECT_EQ(value("x == 7 ? 1 : 1 / (x - 7)"), 1);
  EXPECT_EQ(value("x < t.length && t[x] > 0"), 0);
}

TEST_F(ExpressionTest, EvaluatesLinearExpressionsAsTheyAreWritten) {
  EXPECT_EQ(value("x"), 7);
  EXPECT_EQ(value("x * 128"), 896);
  EXPECT_EQ(value("128 * x + 64"), 960);
  EXPECT_EQ(value("(x + 1) * 64 - 2"), 510);
  EXPECT_EQ(value("3 - x"), -4);
  EXPECT_EQ(value("-(x * 2)"), -14);
  // The linear form's constant does not fit; the written order does.
  EXPECT_EQ(value("(largest - 9223372036854775807) * 4"), 0);
}

TEST_F(ExpressionTest, ErrorsSayColumnFoundAndExpected) {
  EXPECT_EQ(parse_error(""), "column 1: found the end; expected a number, a name, '(', '-' or '!'");
  EXPECT_EQ(parse_error("x +"), "column 4: found the end; expected a number, a name, '(', '-' or '!'");
  EXPECT_EQ(parse_error("x + )"), "column 5: found ')'; expected a number, a name, '(', '-' or '!'");
  EXPECT_EQ(parse_error("(x"), "column 3: found the end; expected ')' to close the parenthesis");
  EXPECT_EQ(parse_error("x y"), "column 3: found 'y'; expected an operator or the end");
  EXPECT_EQ(parse_error("x = y"), "column 3: found '='; expected an operator or the end");
  EXPECT_EQ(parse_error("x & y"), "column 3: found '&'; expected an operator or the end");
  EXPECT_EQ(parse_error("x ? 1"), "column 6: found the end; expected ':' and the other value of '? :'");
  EXPECT_EQ(parse_error("min(x)"), "column 1: found min with 1 argument; expected 2 or more");
  EXPECT_EQ(parse_error("ceil_div(1, 2, 3)"), "column 1: found ceil_div with 3 arguments; expected 2");
  EXPECT_EQ(parse_error("1 + mni(x, y)"), "column 5: found the unknown function 'mni', did you mean 'min'?");
  EXPECT_EQ(parse_error("device.sm_cuont"),
            "column 1: found the unknown name 'device.sm_cuont', did you mean 'device.sm_count'?");
  EXPECT_EQ(parse_error("zebra"),
            "column 1: found the unknown name 'zebra'; the names here are largest, x, y and t");
  EXPECT_EQ(parse_error("t"), "column 1: found the table 't' alone; expected t[index] or t.length");
  EXPECT_EQ(parse_error("x[1]"),
            "column 1: found 'x[': 'x' is not a table; expected a name of the tables section");
  EXPECT_EQ(parse_error("t[1"), "column 4: found the end; expected ']' to close the index of t");
  EXPECT_EQ(parse_error("min"), "column 4: found the end after the function min; expected '('");
  EXPECT_EQ(parse_error("9223372036854775808"),
            "column 1: found a number above 9223372036854775807; expected 64 bits");
  EXPECT_NE(parse_error("1.5").find("found '1.5'; expected a decimal integer"), std::string::npos);
  EXPECT_NE(parse_error("0x10").find("found '0x10'; expected a decimal integer"), std::string::npos);
}

TEST_F(ExpressionTest, RefusesTextThatWouldOverflowTheParser) {
  EXPECT_NE(parse_error(std::string(1000, '(')).find("nests too deeply"), std::string::npos);
  EXPECT_NE(parse_error(std::string(1000, '-') + "x").find("nests too deeply"), std::string::npos);
  EXPECT_NE(parse_error(std::string(5000, ' ') + "x").find("more than 4096 characters"), std::string::npos);
  std::string chain = "x";
  for (int i = 0; i < 1000; ++i) chain += "+y";
  EXPECT_EQ(value(chain), 7 - 3000);
}

TEST_F(ExpressionTest, FailuresOfEvaluationNameTheExpression) {
  EXPECT_EQ(run_error("1 / (x - 7)"), "division by zero in '1 / (x - 7)'");
  EXPECT_EQ(run_error("x % 0"), "division by zero in 'x % 0'");
  EXPECT_EQ(run_error("ceil_div(1, x - 7)"), "division by zero in 'ceil_div(1, x - 7)'");
  EXPECT_EQ(run_error("largest + 1"), "overflow of 64 bits in 'largest + 1'");
  EXPECT_EQ(run_error("largest * x"), "overflow of 64 bits in 'largest * x'");
  EXPECT_EQ(run_error("-largest - 2"), "overflow of 64 bits in '-largest - 2'");
  EXPECT_EQ(run_error("(-largest - 1) / -1"), "overflow of 64 bits in '(-largest - 1) / -1'");
  EXPECT_EQ(run_error("isqrt(y)"), "isqrt of a negative number in 'isqrt(y)'");
  EXPECT_EQ(run_error("log2(x - 7)"), "log2 of a number below 1 in 'log2(x - 7)'");
  EXPECT_EQ(run_error("t[x]"), "index 7 is outside the table's 3 entries in 't[x]'");
  EXPECT_EQ(run_error("t[y]"), "index -3 is outside the table's 3 entries in 't[y]'");
}

TEST_F(ExpressionTest, FoldsWhatIsKnownAndKeepsItsText) {
  const std::vector<bool> only_x{true, false, false, false};
  EXPECT_TRUE(parse("x * 2 + t[x - 5]").fold(frame(), only_x).is_constant());
  EXPECT_EQ(parse("x * 2 + t[x - 5]").fold(frame(), only_x).constant(), 44);
  EXPECT_EQ(parse("x * 2").fold(frame(), only_x).text(), "x * 2");
  EXPECT_FALSE(parse("x * y").fold(frame(), only_x).is_constant());
  EXPECT_EQ(parse("x * y").fold(frame(), only_x).slots(), std::vector<int>{1});
  EXPECT_EQ(parse("x == 7 ? 1 : y").fold(frame(), only_x).constant(), 1);
  EXPECT_EQ(parse("x == 0 && y").fold(frame(), only_x).constant(), 0);
  EXPECT_EQ(parse("t.length").fold(frame(), only_x).constant(), 3);
  // What fails when it is evaluated still fails then, and only then.
  const Expression broken = parse("y == 0 || 1 / (x - 7)").fold(frame(), only_x);
  EXPECT_FALSE(broken.is_constant());
  EXPECT_THROW(broken.evaluate(frame()), ExpressionError);
}

TEST_F(ExpressionTest, TellsWhatItReads) {
  EXPECT_EQ(parse("y + x * y").slots(), (std::vector<int>{0, 1}));
  EXPECT_EQ(parse("t[x] + t.length").tables(), std::vector<int>{0});
  EXPECT_TRUE(parse("2 + 3").slots().empty());
}

TEST(ScopeTest, ALaterNameHidesAnEarlierOne) {
  Scope scope;
  const int first = scope.add("x");
  const int second = scope.add("x");
  EXPECT_NE(first, second);
  EXPECT_EQ(scope.slot("x"), second);
  EXPECT_EQ(scope.size(), 2);
  scope.skip_to(5);
  EXPECT_EQ(scope.add("y"), 5);
}

TEST(ExpressionConstant, IsItself) {
  EXPECT_EQ(Expression().constant(), 0);
  EXPECT_EQ(Expression().text(), "0");
  EXPECT_EQ(Expression(42).constant(), 42);
  EXPECT_EQ(Expression(42).text(), "42");
}

}  // namespace
}  // namespace weir
