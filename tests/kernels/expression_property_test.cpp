// Random expression trees: printed, parsed and evaluated against an interpreter of the tree in wide
// arithmetic.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <memory>
#include <optional>

#include "kernels/expression.h"

namespace weir {
namespace {

using Wide = __int128;

// A tree that can print itself and knows its value; no value if anything that is evaluated fails or leaves 64
// bits.
struct Tree {
  std::string text;
  std::optional<Wide> value;
};

const std::vector<std::string> kNames{"a", "b", "c", "d"};

bool fits(Wide value) {
  return value >= INT64_MIN && value <= INT64_MAX;
}

Tree finish(std::string text, std::optional<Wide> value) {
  if (value && !fits(*value)) value.reset();
  return {std::move(text), value};
}

Tree leaf(const std::vector<std::int64_t>& slots) {
  if (*rc::gen::inRange(0, 2) == 0) {
    const auto index = *rc::gen::inRange<std::size_t>(0, kNames.size());
    return finish(kNames[index], slots[index]);
  }
  const auto constant = *rc::gen::inRange<std::int64_t>(0, 40);
  return finish(std::to_string(constant), constant);
}

Tree binary(const std::string& op, const Tree& a, const Tree& b) {
  const std::string text = "(" + a.text + " " + op + " " + b.text + ")";
  if (op == "&&" || op == "||") {
    if (!a.value) return finish(text, std::nullopt);
    if ((*a.value != 0) == (op == "||")) return finish(text, Wide{op == "||"});
    if (!b.value) return finish(text, std::nullopt);
    return finish(text, Wide{*b.value != 0});
  }
  if (!a.value || !b.value) return finish(text, std::nullopt);
  const Wide x = *a.value;
  const Wide y = *b.value;
  if (op == "+") return finish(text, x + y);
  if (op == "-") return finish(text, x - y);
  if (op == "*") return finish(text, x * y);
  if (op == "/") return finish(text, y == 0 ? std::nullopt : std::optional(x / y));
  if (op == "%") return finish(text, y == 0 ? std::nullopt : std::optional(x % y));
  if (op == "<") return finish(text, Wide{x < y});
  if (op == "<=") return finish(text, Wide{x <= y});
  if (op == ">") return finish(text, Wide{x > y});
  if (op == ">=") return finish(text, Wide{x >= y});
  if (op == "==") return finish(text, Wide{x == y});
  return finish(text, Wide{x != y});
}

Tree call(const std::string& name, const Tree& a, const Tree& b) {
  const std::string text = name + "(" + a.text + ", " + b.text + ")";
  if (!a.value || !b.value) return finish(text, std::nullopt);
  const Wide x = *a.value;
  const Wide y = *b.value;
  if (name == "min") return finish(text, x < y ? x : y);
  if (name == "max") return finish(text, x < y ? y : x);
  if (y == 0) return finish(text, std::nullopt);
  Wide quotient = x / y;
  while (quotient * y < x && y > 0) ++quotient;  // the smallest integer not below x / y
  while (quotient * y > x && y < 0) ++quotient;
  return finish(text, quotient);
}

Tree random_tree(const std::vector<std::int64_t>& slots, int depth) {
  if (depth == 0) return leaf(slots);
  const auto child = [&] { return random_tree(slots, depth - 1 - *rc::gen::inRange(0, depth)); };
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      return leaf(slots);
    case 1: {
      const Tree a = child();
      return finish("-" + a.text, a.value ? std::optional(-*a.value) : std::nullopt);
    }
    case 2: {
      const Tree condition = child();
      const Tree then = child();
      const Tree otherwise = child();
      const std::string text = "(" + condition.text + " ? " + then.text + " : " + otherwise.text + ")";
      if (!condition.value) return finish(text, std::nullopt);
      return finish(text, *condition.value != 0 ? then.value : otherwise.value);
    }
    case 3: {
      const auto name = *rc::gen::elementOf(std::vector<std::string>{"min", "max", "ceil_div"});
      const Tree a = child();
      return call(name, a, child());
    }
    default: {
      const auto op = *rc::gen::elementOf(std::vector<std::string>{"+", "-", "*", "/", "%", "<", "<=", ">",
                                                                   ">=", "==", "!=", "&&", "||", "*", "+"});
      const Tree a = child();
      return binary(op, a, child());
    }
  }
}

struct Sample {
  std::vector<std::int64_t> slots;
  Tree tree;
};

Sample random_sample() {
  Sample sample;
  for (std::size_t i = 0; i < kNames.size(); ++i)
    sample.slots.push_back(*rc::gen::inRange<std::int64_t>(-50, 1000));
  sample.tree = random_tree(sample.slots, 5);
  return sample;
}

Scope scope() {
  Scope scope;
  for (const std::string& name : kNames) scope.add(name);
  return scope;
}

// Nothing if evaluation fails.
std::optional<std::int64_t> value_of(const Expression& expression, std::vector<std::int64_t>& slots) {
  try {
    return expression.evaluate({slots, {}});
  } catch (const ExpressionError&) {
    return std::nullopt;
  }
}

std::optional<std::int64_t> narrow(const Tree& tree) {
  return tree.value ? std::optional(static_cast<std::int64_t>(*tree.value)) : std::nullopt;
}

TEST(ExpressionProperty, ParsedTextHasTheTreesValue) {
  EXPECT_TRUE(rc::check([] {
    Sample sample = random_sample();
    const auto parsed = Expression::parse(sample.tree.text, scope());
    RC_ASSERT(parsed.ok());
    RC_LOG() << sample.tree.text << '\n';
    RC_ASSERT(value_of(*parsed, sample.slots) == narrow(sample.tree));
  }));
}

TEST(ExpressionProperty, FoldingKeepsTheValue) {
  EXPECT_TRUE(rc::check([] {
    Sample sample = random_sample();
    const auto parsed = Expression::parse(sample.tree.text, scope());
    RC_ASSERT(parsed.ok());
    std::vector<bool> known;
    for (std::size_t i = 0; i < kNames.size(); ++i) known.push_back(*rc::gen::arbitrary<bool>());
    const Expression folded = parsed->fold({sample.slots, {}}, known);
    RC_LOG() << sample.tree.text << '\n';
    for (const int slot : folded.slots()) RC_ASSERT(!known[static_cast<std::size_t>(slot)]);
    RC_ASSERT(value_of(folded, sample.slots) == narrow(sample.tree));
    if (known == std::vector<bool>(kNames.size(), true) && sample.tree.value) RC_ASSERT(folded.is_constant());
  }));
}

}  // namespace
}  // namespace weir
