// Values of formulas at points, in double and 64-bit integers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;

template <typename T>
bool compare(Op op, T a, T b) {
  switch (op) {
    case Op::less:
      return a < b;
    case Op::less_equal:
      return a <= b;
    case Op::greater:
      return a > b;
    case Op::greater_equal:
      return a >= b;
    case Op::equal:
      return a == b;
    default:
      return a != b;
  }
}

double apply(Op op, double a) {
  switch (op) {
    case Op::negate:
      return -a;
    case Op::absolute:
      return std::fabs(a);
    case Op::floor:
      return std::floor(a);
    case Op::exp:
      return std::exp(a);
    case Op::exp2:
      return std::exp2(a);
    case Op::log:
      return std::log(a);
    case Op::log2:
      return std::log2(a);
    case Op::tanh:
      return std::tanh(a);
    case Op::sqrt:
      return std::sqrt(a);
    case Op::rsqrt:
      return 1 / std::sqrt(a);
    default:
      return a;  // to_real
  }
}

double apply(Op op, double a, double b) {
  switch (op) {
    case Op::add:
      return a + b;
    case Op::subtract:
      return a - b;
    case Op::multiply:
      return a * b;
    case Op::divide:
      return a / b;
    case Op::minimum:
      return std::fmin(a, b);
    case Op::maximum:
      return std::fmax(a, b);
    default:
      return std::pow(a, b);
  }
}

std::int64_t divided(Op op, std::int64_t a, std::int64_t b) {
  if (b == 0) throw FormulaError("found an integer division by 0");
  if (b != -1) return op == Op::divide ? a / b : a % b;
  if (op == Op::remainder) return 0;
  if (a == std::numeric_limits<std::int64_t>::min()) throw FormulaError("found an integer beyond 64 bits");
  return -a;
}

std::int64_t apply(Op op, std::int64_t a, std::int64_t b) {
  std::int64_t value = 0;
  bool overflow = false;
  switch (op) {
    case Op::add:
      overflow = __builtin_add_overflow(a, b, &value);
      break;
    case Op::subtract:
      overflow = __builtin_sub_overflow(a, b, &value);
      break;
    case Op::multiply:
      overflow = __builtin_mul_overflow(a, b, &value);
      break;
    case Op::minimum:
      return std::min(a, b);
    case Op::maximum:
      return std::max(a, b);
    default:
      return divided(op, a, b);
  }
  if (overflow) throw FormulaError("found an integer beyond 64 bits");
  return value;
}

}  // namespace

double real_value(const FormulaTree& tree, std::span<const double> values) {
  if (tree->type != Type::real) return static_cast<double>(integer_value(tree, values));
  const auto value = [&](std::size_t i) { return real_value(tree->operands[i], values); };
  switch (tree->op) {
    case Op::constant:
      return tree->real;
    case Op::variable:
      return values[static_cast<std::size_t>(tree->integer)];
    case Op::parameter:
      throw FormulaError("the parameter '" + tree->name + "' has no value");
    case Op::conditional:
      return value(integer_value(tree->operands[0], values) != 0 ? 1 : 2);
    default:
      return tree->operands.size() == 1 ? apply(tree->op, value(0)) : apply(tree->op, value(0), value(1));
  }
}

std::int64_t integer_value(const FormulaTree& tree, std::span<const double> values) {
  const auto value = [&](std::size_t i) { return integer_value(tree->operands[i], values); };
  switch (tree->op) {
    case Op::constant:
      return tree->integer;
    case Op::variable:
      return static_cast<std::int64_t>(values[static_cast<std::size_t>(tree->integer)]);
    case Op::parameter:
      throw FormulaError("the parameter '" + tree->name + "' has no value");
    case Op::logical_not:
      return value(0) == 0;
    case Op::logical_and:
      return value(0) != 0 && value(1) != 0;
    case Op::logical_or:
      return value(0) != 0 || value(1) != 0;
    case Op::conditional:
      return value(value(0) != 0 ? 1 : 2);
    case Op::negate:
      return apply(Op::subtract, 0, value(0));
    case Op::absolute:
      return value(0) < 0 ? apply(Op::subtract, 0, value(0)) : value(0);
    case Op::floor:
    case Op::to_integer:
      return value(0);
    default:
      break;
  }
  if (!is_comparison(tree->op)) return apply(tree->op, value(0), value(1));
  const FormulaTree& left = tree->operands[0];
  const FormulaTree& right = tree->operands[1];
  return left->type == Type::real || right->type == Type::real
             ? compare(tree->op, real_value(left, values), real_value(right, values))
             : compare(tree->op, value(0), value(1));
}

}  // namespace weir
