// Bool formulas over boxes: the tree as a list of steps, each over intervals.
#include "kernels/formula_range.h"

#include <array>
#include <utility>

#include "kernels/formula_interval.h"
#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;
using formula::Range;
using formula::Real;
using Integers = formula::Interval<std::int64_t>;

union Value {
  Range truth;
  Integers integer;
  Real real;
};

Range compare(Op op, auto a, auto b) {
  switch (op) {
    case Op::less:
      return formula::less(a, b);
    case Op::less_equal:
      return formula::less_equal(a, b);
    case Op::greater:
      return formula::less(b, a);
    case Op::greater_equal:
      return formula::less_equal(b, a);
    case Op::equal:
      return formula::equal(a, b);
    default:
      return formula::logical_not(formula::equal(a, b));
  }
}

Integers apply(Op op, Integers a, Integers b) {
  switch (op) {
    case Op::add:
      return formula::add(a, b);
    case Op::subtract:
      return formula::subtract(a, b);
    case Op::multiply:
      return formula::multiply(a, b);
    case Op::divide:
      return formula::divide(a, b);
    case Op::remainder:
      return formula::remainder(a, b);
    case Op::minimum:
      return formula::minimum(a, b);
    case Op::maximum:
      return formula::maximum(a, b);
    case Op::negate:
      return formula::negate(a);
    case Op::absolute:
      return formula::absolute(a);
    default:
      return a;  // floor
  }
}

Real apply(Op op, Real a, Real b) {
  switch (op) {
    case Op::add:
      return formula::add_real(a, b);
    case Op::subtract:
      return formula::subtract_real(a, b);
    case Op::multiply:
      return formula::multiply_real(a, b);
    case Op::divide:
      return formula::divide_real(a, b);
    case Op::minimum:
      return formula::minimum_real(a, b);
    case Op::maximum:
      return formula::maximum_real(a, b);
    case Op::pow:
      return formula::pow_real(a, b);
    case Op::negate:
      return formula::negate(a);
    case Op::absolute:
      return formula::absolute_real(a);
    case Op::floor:
      return formula::floor_real(a);
    case Op::exp:
      return formula::exp_real(a);
    case Op::exp2:
      return formula::exp2_real(a);
    case Op::log:
      return formula::log_real(a);
    case Op::log2:
      return formula::log2_real(a);
    case Op::tanh:
      return formula::tanh_real(a);
    case Op::sqrt:
      return formula::sqrt_real(a);
    case Op::rsqrt:
      return formula::rsqrt_real(a);
    default:
      return a;  // to_real
  }
}

Value run(Op op, Type type, const Value& a, const Value& b, const Value& c) {
  switch (op) {
    case Op::logical_not:
      return {.truth = formula::logical_not(a.truth)};
    case Op::logical_and:
      return {.truth = formula::logical_and(a.truth, b.truth)};
    case Op::logical_or:
      return {.truth = formula::logical_or(a.truth, b.truth)};
    case Op::to_integer:
      return {.integer = formula::integer<std::int64_t>(a.truth)};
    case Op::to_real:
      return {.real = formula::real(a.integer)};
    case Op::conditional:
      if (type == Type::boolean) return {.truth = formula::select(a.truth, b.truth, c.truth)};
      if (type == Type::integer) return {.integer = formula::select(a.truth, b.integer, c.integer)};
      return {.real = formula::select_real(a.truth, b.real, c.real)};
    default:
      break;
  }
  if (is_comparison(op)) {
    return {.truth = type == Type::real ? compare(op, a.real, b.real) : compare(op, a.integer, b.integer)};
  }
  if (type == Type::real) return {.real = apply(op, a.real, b.real)};
  return {.integer = apply(op, a.integer, b.integer)};
}

}  // namespace

// Turns a tree with explicit conversions into steps.
class FormulaRangeBuilder {
 public:
  static FormulaRange build(const FormulaTree& tree, std::size_t variables) {
    FormulaRange range;
    range.bounds_ = static_cast<int>(2 * variables);
    add(range, tree);
    return range;
  }

 private:
  static int add(FormulaRange& range, const FormulaTree& tree) {
    std::array<int, 3> operands{-1, -1, -1};
    for (std::size_t i = 0; i < tree->operands.size(); ++i) operands[i] = add(range, tree->operands[i]);
    const Type type = is_comparison(tree->op) ? tree->operands[0]->type : tree->type;
    range.steps_.push_back({.operation = static_cast<int>(tree->op),
                            .type = static_cast<int>(type),
                            .a = operands[0],
                            .b = operands[1],
                            .c = operands[2],
                            .integer = tree->integer,
                            .real = tree->real});
    return static_cast<int>(range.steps_.size()) - 1;
  }
};

formula::Range FormulaRange::over(const std::int64_t* box) const {
  if (steps_.empty()) return Range::all;
  constexpr std::size_t kUsual = 32;
  std::array<Value, kUsual> usual;
  std::vector<Value> many(steps_.size() > kUsual ? steps_.size() : 0);
  Value* const values = many.empty() ? usual.data() : many.data();
  const Value none{};
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    const auto op = static_cast<Op>(step.operation);
    const auto type = static_cast<Type>(step.type);
    if (op == Op::variable) {
      values[i].integer = {box[2 * step.integer], box[2 * step.integer + 1]};
    } else if (op == Op::constant && type == Type::real) {
      values[i].real = real_constant_range(step.real);
    } else if (op == Op::constant && type == Type::integer) {
      values[i].integer = {step.integer, step.integer};
    } else if (op == Op::constant) {
      values[i].truth = step.integer != 0 ? Range::all : Range::none;
    } else {
      values[i] = run(op, type, values[step.a], step.b < 0 ? none : values[step.b],
                      step.c < 0 ? none : values[step.c]);
    }
  }
  return values[steps_.size() - 1].truth;
}

std::optional<formula::Range> FormulaRange::constant() const {
  if (steps_.empty()) return Range::all;
  if (steps_.size() > 1 || static_cast<Op>(steps_[0].operation) != Op::constant) return std::nullopt;
  return over(nullptr);
}

FormulaRange range_of(const FormulaTree& tree, std::size_t variables) {
  return FormulaRangeBuilder::build(with_conversions(with_merged_terms(tree)), variables);
}

formula::Real real_constant_range(double value) {
  const bool exact = static_cast<double>(static_cast<float>(value)) == value;
  return exact ? Real{value, value} : formula::widened(value, value);
}

}  // namespace weir
