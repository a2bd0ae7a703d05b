// Building and folding trees of formulas.
#include "kernels/formula_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;

FormulaTree make(FormulaNode node) {
  return std::make_shared<const FormulaNode>(std::move(node));
}

bool is_function_of_real(Op op) {
  return (op >= Op::exp && op <= Op::rsqrt) || op == Op::pow;
}

Type common_type(const std::vector<FormulaTree>& operands) {
  const bool any_real =
      std::any_of(operands.begin(), operands.end(), [](const auto& x) { return x->type == Type::real; });
  return any_real ? Type::real : Type::integer;
}

Type type_of(Op op, const std::vector<FormulaTree>& operands) {
  if (is_comparison(op) || op == Op::logical_and || op == Op::logical_or || op == Op::logical_not)
    return Type::boolean;
  if (is_function_of_real(op) || op == Op::to_real) return Type::real;
  if (op == Op::to_integer) return Type::integer;
  if (op == Op::conditional) {
    const FormulaTree& then = operands[1];
    const FormulaTree& otherwise = operands[2];
    return then->type == otherwise->type ? then->type : common_type({then, otherwise});
  }
  if (op == Op::remainder && common_type(operands) == Type::real) {
    throw FormulaError("found % of a real number; expected integers on both sides");
  }
  return common_type(operands);
}

bool fits_float(double value) {
  return std::isfinite(value) && std::fabs(value) <= static_cast<double>(std::numeric_limits<float>::max());
}

FormulaTree constant_of(const FormulaTree& tree) {
  constexpr std::span<const double> kNoVariables;
  if (tree->type == Type::real) {
    const double value = real_value(tree, kNoVariables);
    return fits_float(value) ? real_constant(value) : tree;
  }
  const std::int64_t value = integer_value(tree, kNoVariables);
  return tree->type == Type::boolean ? boolean_constant(value != 0) : integer_constant(value);
}

// What is left of an operation of which some operands are constant, if less; null otherwise.
FormulaTree shortened(const FormulaNode& node) {
  const auto operand = [&](std::size_t i) { return node.operands[i]; };
  const auto is = [&](std::size_t i, double value) { return is_constant(node.operands[i], value); };
  const auto zero = [&] { return converted(integer_constant(0), node.type); };
  switch (node.op) {
    case Op::add:
      if (is(0, 0)) return operand(1);
      if (is(1, 0)) return operand(0);
      return nullptr;
    case Op::subtract:
      if (is(1, 0)) return operand(0);
      if (is(0, 0)) return operation(Op::negate, {operand(1)});
      return nullptr;
    case Op::multiply:
      if (is(0, 0) || is(1, 0)) return zero();
      if (is(0, 1)) return operand(1);
      if (is(1, 1)) return operand(0);
      return nullptr;
    case Op::divide:
      if (is(1, 1)) return operand(0);
      return is(0, 0) && !is(1, 0) ? zero() : nullptr;
    case Op::negate:
      return operand(0)->op == Op::negate ? operand(0)->operands[0] : nullptr;
    case Op::logical_not:
      return operand(0)->op == Op::logical_not ? operand(0)->operands[0] : nullptr;
    case Op::logical_and:
    case Op::logical_or: {
      const double decides = node.op == Op::logical_or;
      for (const std::size_t i : {0u, 1u}) {
        if (is(i, decides)) return boolean_constant(decides != 0);
        if (is(i, 1 - decides)) return operand(1 - i);
      }
      return nullptr;
    }
    case Op::conditional:
      return text_of(operand(1)) == text_of(operand(2)) ? operand(1) : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

FormulaTree boolean_constant(bool value) {
  return make({.type = Type::boolean, .integer = value});
}
FormulaTree integer_constant(std::int64_t value) {
  return make({.type = Type::integer, .integer = value});
}
FormulaTree real_constant(double value) {
  return make({.type = Type::real, .real = value});
}

bool is_comparison(FormulaOperator op) {
  return op >= Op::less && op <= Op::not_equal;
}
bool is_constant(const FormulaTree& tree) {
  return tree->op == Op::constant;
}
bool is_constant(const FormulaTree& tree, double value) {
  return is_constant(tree) &&
         (tree->type == Type::real ? tree->real : static_cast<double>(tree->integer)) == value;
}

FormulaTree operation(FormulaOperator op, std::vector<FormulaTree> operands) {
  if (op == Op::logical_and || op == Op::logical_or || op == Op::logical_not) {
    for (FormulaTree& operand : operands) operand = condition(std::move(operand));
  }
  if (op == Op::conditional) operands[0] = condition(std::move(operands[0]));
  const Type type = type_of(op, operands);
  return make({.op = op, .type = type, .operands = std::move(operands)});
}

FormulaTree condition(FormulaTree tree) {
  if (tree->type == Type::boolean) return tree;
  return operation(Op::not_equal, {std::move(tree), integer_constant(0)});
}

FormulaTree converted(FormulaTree tree, FormulaType type) {
  if (tree->type == type) return tree;
  if (type == Type::boolean) return condition(std::move(tree));
  if (is_constant(tree)) {
    if (type == Type::integer) return integer_constant(tree->integer);
    return real_constant(static_cast<double>(tree->integer));
  }
  if (type == Type::integer) return operation(Op::to_integer, {std::move(tree)});
  return operation(Op::to_real, {converted(std::move(tree), Type::integer)});
}

FormulaTree with_conversions(const FormulaTree& tree) {
  if (tree->operands.empty()) return tree;
  if (tree->op == Op::to_real || tree->op == Op::to_integer)
    return converted(with_conversions(tree->operands[0]), tree->type);
  FormulaNode node = *tree;
  Type wanted = tree->type;
  if (is_comparison(tree->op)) wanted = common_type(tree->operands);
  for (std::size_t i = 0; i < node.operands.size(); ++i) {
    const bool is_condition = tree->op == Op::conditional && i == 0;
    node.operands[i] = converted(with_conversions(node.operands[i]), is_condition ? Type::boolean : wanted);
  }
  return make(std::move(node));
}

FormulaTree substitute(const FormulaTree& tree, std::span<const FormulaConstant> parameters) {
  if (tree->op == Op::parameter) {
    const FormulaConstant& value = parameters[static_cast<std::size_t>(tree->integer)];
    if (tree->type == Type::real) return real_constant(value.real);
    return tree->type == Type::boolean ? boolean_constant(value.integer != 0)
                                       : integer_constant(value.integer);
  }
  if (tree->operands.empty()) return tree;
  FormulaNode node = *tree;
  for (FormulaTree& operand : node.operands) operand = substitute(operand, parameters);
  return make(std::move(node));
}

FormulaTree fold(const FormulaTree& tree) {
  if (tree->operands.empty()) return tree;
  FormulaNode node = *tree;
  if (node.op == Op::conditional) {  // what is not chosen may be without a value
    const FormulaTree chooser = fold(node.operands[0]);
    if (is_constant(chooser))
      return converted(fold(node.operands[chooser->integer != 0 ? 1 : 2]), tree->type);
  }
  for (FormulaTree& operand : node.operands) operand = fold(operand);
  const auto constant = [](const FormulaTree& operand) { return is_constant(operand); };
  const bool all_constant = std::all_of(node.operands.begin(), node.operands.end(), constant);
  if (FormulaTree less = shortened(node)) return converted(all_constant ? less : fold(less), tree->type);
  FormulaTree folded = make(std::move(node));
  return all_constant ? constant_of(folded) : folded;
}

}  // namespace weir
