// Formulas as text: canonical, with no more parentheses than C's precedences ask for.
#include <charconv>
#include <cmath>
#include <limits>

#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;

constexpr int kConditional = 0, kOr = 1, kAnd = 2, kEquality = 3, kComparison = 4, kSum = 5, kProduct = 6,
              kPrefix = 7, kAtom = 8;

struct Written {
  const char* symbol;  // of an operator; the name of a function
  int precedence;      // kAtom for functions
};

Written written(Op op) {
  switch (op) {
    case Op::logical_or:
      return {"||", kOr};
    case Op::logical_and:
      return {"&&", kAnd};
    case Op::equal:
      return {"==", kEquality};
    case Op::not_equal:
      return {"!=", kEquality};
    case Op::less:
      return {"<", kComparison};
    case Op::less_equal:
      return {"<=", kComparison};
    case Op::greater:
      return {">", kComparison};
    case Op::greater_equal:
      return {">=", kComparison};
    case Op::add:
      return {"+", kSum};
    case Op::subtract:
      return {"-", kSum};
    case Op::multiply:
      return {"*", kProduct};
    case Op::divide:
      return {"/", kProduct};
    case Op::remainder:
      return {"%", kProduct};
    case Op::negate:
      return {"-", kPrefix};
    case Op::logical_not:
      return {"!", kPrefix};
    case Op::conditional:
      return {"?", kConditional};
    case Op::minimum:
      return {"min", kAtom};
    case Op::maximum:
      return {"max", kAtom};
    case Op::absolute:
      return {"abs", kAtom};
    case Op::floor:
      return {"floor", kAtom};
    case Op::exp:
      return {"exp", kAtom};
    case Op::exp2:
      return {"exp2", kAtom};
    case Op::log:
      return {"log", kAtom};
    case Op::log2:
      return {"log2", kAtom};
    case Op::tanh:
      return {"tanh", kAtom};
    case Op::sqrt:
      return {"sqrt", kAtom};
    case Op::rsqrt:
      return {"rsqrt", kAtom};
    case Op::pow:
      return {"pow", kAtom};
    case Op::constant:
    case Op::variable:
    case Op::parameter:
    case Op::to_integer:
    case Op::to_real:
      return {"", kAtom};
  }
  return {"", kAtom};
}

// A constant below 0 stands only in folded trees; it reads back as the negation of its magnitude.
bool is_negative(const FormulaNode& node) {
  return node.op == Op::constant && (node.type == Type::real ? std::signbit(node.real) : node.integer < 0);
}

std::string constant_text(const FormulaNode& node) {
  if (node.type == Type::boolean) return node.integer != 0 ? "true" : "false";
  if (node.type == Type::integer) return std::to_string(node.integer);
  std::string text = real_text(node.real);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string text_of(const FormulaTree& tree, int least_precedence);

std::string bare_text(const FormulaNode& node) {
  const Written how = written(node.op);
  const auto operand = [&](std::size_t i, int least) { return text_of(node.operands[i], least); };
  switch (node.op) {
    case Op::constant:
      return constant_text(node);
    case Op::variable:
    case Op::parameter:
      return node.name;
    case Op::to_integer:
    case Op::to_real:
      return operand(0, kAtom);
    case Op::conditional:
      return operand(0, kOr) + " ? " + operand(1, kConditional) + " : " + operand(2, kConditional);
    case Op::negate:
    case Op::logical_not:
      return how.symbol + operand(0, kPrefix);
    default:
      break;
  }
  if (how.precedence < kAtom) {
    return operand(0, how.precedence) + " " + how.symbol + " " + operand(1, how.precedence + 1);
  }
  std::string arguments;
  for (std::size_t i = 0; i < node.operands.size(); ++i)
    arguments += (i == 0 ? "" : ", ") + operand(i, kConditional);
  return std::string(how.symbol) + "(" + arguments + ")";
}

std::string text_of(const FormulaTree& tree, int least_precedence) {
  const int precedence = is_negative(*tree) ? kPrefix : written(tree->op).precedence;
  std::string text = bare_text(*tree);
  return precedence < least_precedence ? "(" + text + ")" : text;
}

}  // namespace

std::string text_of(const FormulaTree& tree) {
  return text_of(tree, kConditional);
}

std::string real_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value + 0.0).ptr;  // -0 is 0
  return {text, end};
}

std::string float_literal(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<float>(value) + 0.0f).ptr;
  std::string literal(text, end);
  if (literal.find_first_of(".e") == std::string::npos) literal += ".0";
  return literal + "f";
}

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max())) return std::nullopt;
  return value + 0.0;
}

}  // namespace weir
