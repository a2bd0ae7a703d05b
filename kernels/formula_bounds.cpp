// What integers of a formula may be: so that neither a kernel's 32 or 64 bits nor a prediction's overflow.
#include "kernels/formula_interval.h"
#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;
using Wide = __int128;

using Bounds = formula::Interval<Wide>;
constexpr Wide kLimit = Wide{1} << 62;

Bounds bounds_of(const FormulaTree& tree);

Bounds divided(Op op, const FormulaTree& tree, Bounds a, Bounds b) {
  if (b.low <= 0 && b.high >= 0) {
    throw FormulaError("found the integer division '" + text_of(tree) +
                       "', whose divisor may be 0; expected one that cannot, for instance max(1, …)");
  }
  return op == Op::divide ? formula::divide(a, b) : formula::remainder(a, b);
}

Bounds unchecked_bounds(const FormulaTree& tree) {
  const auto operand = [&](std::size_t i) { return bounds_of(tree->operands[i]); };
  if (tree->type == Type::boolean && tree->op != Op::constant) return {0, 1};
  switch (tree->op) {
    case Op::constant:
      return {tree->integer, tree->integer};
    case Op::variable:
      return {0, kLargestIndex};
    case Op::negate:
      return formula::negate(operand(0));
    case Op::absolute:
      return formula::absolute(operand(0));
    case Op::floor:
    case Op::to_integer:
      return operand(0);
    case Op::add:
      return formula::add(operand(0), operand(1));
    case Op::subtract:
      return formula::subtract(operand(0), operand(1));
    case Op::multiply:
      return formula::multiply(operand(0), operand(1));
    case Op::divide:
    case Op::remainder:
      return divided(tree->op, tree, operand(0), operand(1));
    case Op::minimum:
      return formula::minimum(operand(0), operand(1));
    case Op::maximum:
      return formula::maximum(operand(0), operand(1));
    case Op::conditional:
      return formula::select(formula::Range::some, operand(1), operand(2));
    default:
      throw FormulaError("found '" + text_of(tree) + "' where an integer is needed");
  }
}

Bounds bounds_of(const FormulaTree& tree) {
  const Bounds bounds = unchecked_bounds(tree);
  if (bounds.low < -kLimit || bounds.high > kLimit) {
    throw FormulaError("found '" + text_of(tree) +
                       "', which may leave 62 bits for indices up to 2^28; expected smaller integers, or a "
                       "decimal point to compute with real numbers");
  }
  return bounds;
}

}  // namespace

IntegerBounds integer_bounds(const FormulaTree& tree) {
  const Bounds bounds = bounds_of(tree);
  return {static_cast<std::int64_t>(bounds.low), static_cast<std::int64_t>(bounds.high)};
}

void check_bounds(const FormulaTree& tree) {
  if (tree->type == Type::integer) integer_bounds(tree);
  for (const FormulaTree& operand : tree->operands) check_bounds(operand);
}

}  // namespace weir
