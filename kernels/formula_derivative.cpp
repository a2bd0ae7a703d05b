// Symbolic derivatives. Where a formula has a corner (abs, min, max, a comparison) the derivative is that of
// one side.
#include <numbers>

#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;

FormulaTree times(FormulaTree a, FormulaTree b) {
  return operation(Op::multiply, {std::move(a), std::move(b)});
}
FormulaTree number(double value) {
  return real_constant(value);
}

// The factor by which a function of one operand scales the operand's derivative.
FormulaTree slope(const FormulaTree& tree) {
  const FormulaTree& x = tree->operands[0];
  switch (tree->op) {
    case Op::to_real:
      return number(1);
    case Op::negate:
      return number(-1);
    case Op::absolute:
      return operation(Op::conditional, {operation(Op::less, {x, number(0)}), number(-1), number(1)});
    case Op::exp:
      return tree;
    case Op::exp2:
      return times(number(std::numbers::ln2), tree);
    case Op::log:
      return operation(Op::divide, {number(1), x});
    case Op::log2:
      return operation(Op::divide, {number(1 / std::numbers::ln2), x});
    case Op::tanh:
      return operation(Op::subtract, {number(1), times(tree, tree)});
    case Op::sqrt:
      return times(number(0.5), operation(Op::rsqrt, {x}));
    case Op::rsqrt:
      return times(number(-0.5), times(tree, times(tree, tree)));
    default:
      return number(0);  // floor
  }
}

FormulaTree unfolded_derivative(const FormulaTree& tree, int variable) {
  if (tree->op == Op::variable) return number(tree->integer == variable ? 1 : 0);
  // Integers, conditions and constants do not change with a real variable, except in steps.
  if (tree->operands.empty() || tree->type != FormulaType::real) return number(0);
  if (tree->operands.size() == 1) return times(slope(tree), unfolded_derivative(tree->operands[0], variable));
  const FormulaTree& a = tree->operands[0];
  const FormulaTree& b = tree->operands[1];
  if (tree->op == Op::conditional) {
    return operation(Op::conditional,
                     {a, unfolded_derivative(b, variable), unfolded_derivative(tree->operands[2], variable)});
  }
  FormulaTree da = unfolded_derivative(a, variable);
  FormulaTree db = unfolded_derivative(b, variable);
  switch (tree->op) {
    case Op::add:
    case Op::subtract:
      return operation(tree->op, {da, db});
    case Op::multiply:
      return operation(Op::add, {times(da, b), times(a, db)});
    case Op::divide:
      return operation(Op::divide, {operation(Op::subtract, {da, times(tree, db)}), b});
    case Op::minimum:
      return operation(Op::conditional, {operation(Op::less_equal, {a, b}), da, db});
    case Op::maximum:
      return operation(Op::conditional, {operation(Op::less, {a, b}), db, da});
    case Op::pow: {
      const FormulaTree lower = operation(Op::pow, {a, operation(Op::subtract, {b, number(1)})});
      const FormulaTree by_base = times(times(b, lower), da);
      if (is_constant(fold(db), 0)) return by_base;
      return operation(Op::add, {by_base, times(times(operation(Op::log, {a}), tree), db)});
    }
    default:
      return number(0);
  }
}

}  // namespace

FormulaTree derivative_of(const FormulaTree& tree, int variable) {
  return fold(unfolded_derivative(tree, variable));
}

}  // namespace weir
