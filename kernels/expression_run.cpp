// run_code: the inner loop of every prediction.
#include <type_traits>

#include "kernels/expression_operators.h"

namespace weir {

namespace {

template <Operator op>
using Constant = std::integral_constant<Operator, op>;

[[noreturn, gnu::noinline]] void fail(const char* what, const std::string& text) {
  throw ExpressionError(std::string(what) + " in '" + text + "'");
}

[[noreturn, gnu::noinline]] void fail_entry(std::int64_t index, std::size_t size, const std::string& text) {
  throw ExpressionError("index " + std::to_string(index) + " is outside the table's " + std::to_string(size) +
                        " entries in '" + text + "'");
}

}  // namespace

std::int64_t run_code(const ExpressionTree& tree, const Frame& frame, const std::string& text) {
  std::int64_t stack[kMaxStackDepth + 1];  // what is below `top`; stack[0] takes the `top` that was never set
  std::int64_t* below = stack;
  std::int64_t top = 0;
  const std::int64_t* const slots = frame.slots.data();
  const Instruction* const code = tree.code.data();

  // One instruction with its operator known to the compiler, so that the switch below is the only dispatch.
  const auto unary = [&](auto op) {
    const Outcome outcome = apply(op.value, top);
    if (outcome.failure != nullptr) [[unlikely]]
      fail(outcome.failure, text);
    top = outcome.value;
  };
  const auto binary = [&](auto op, const Instruction& step) {
    std::int64_t right = step.operand;
    if (step.right == Instruction::Right::slot) {
      right = slots[step.operand];
    } else if (step.right == Instruction::Right::stack) {
      right = top;
      top = *--below;
    }
    const Outcome outcome = apply(op.value, top, right);
    if (outcome.failure != nullptr) [[unlikely]]
      fail(outcome.failure, text);
    top = outcome.value;
  };

  for (const Instruction* step = code;; ++step) {
    const std::int64_t operand = step->operand;
    switch (step->op) {
      case Operator::add:
        binary(Constant<Operator::add>{}, *step);
        continue;
      case Operator::subtract:
        binary(Constant<Operator::subtract>{}, *step);
        continue;
      case Operator::multiply:
        binary(Constant<Operator::multiply>{}, *step);
        continue;
      case Operator::divide:
        binary(Constant<Operator::divide>{}, *step);
        continue;
      case Operator::remainder:
        binary(Constant<Operator::remainder>{}, *step);
        continue;
      case Operator::less:
        binary(Constant<Operator::less>{}, *step);
        continue;
      case Operator::less_equal:
        binary(Constant<Operator::less_equal>{}, *step);
        continue;
      case Operator::greater:
        binary(Constant<Operator::greater>{}, *step);
        continue;
      case Operator::greater_equal:
        binary(Constant<Operator::greater_equal>{}, *step);
        continue;
      case Operator::equal:
        binary(Constant<Operator::equal>{}, *step);
        continue;
      case Operator::not_equal:
        binary(Constant<Operator::not_equal>{}, *step);
        continue;
      case Operator::minimum:
        binary(Constant<Operator::minimum>{}, *step);
        continue;
      case Operator::maximum:
        binary(Constant<Operator::maximum>{}, *step);
        continue;
      case Operator::ceil_div:
        binary(Constant<Operator::ceil_div>{}, *step);
        continue;
      case Operator::negate:
        unary(Constant<Operator::negate>{});
        continue;
      case Operator::logical_not:
        unary(Constant<Operator::logical_not>{});
        continue;
      case Operator::to_bool:
        unary(Constant<Operator::to_bool>{});
        continue;
      case Operator::absolute:
        unary(Constant<Operator::absolute>{});
        continue;
      case Operator::isqrt:
        unary(Constant<Operator::isqrt>{});
        continue;
      case Operator::log2:
        unary(Constant<Operator::log2>{});
        continue;
      case Operator::real_key:
        unary(Constant<Operator::real_key>{});
        continue;
      case Operator::formula_some:
      case Operator::formula_all: {
        const FormulaRange& formula = frame.formulas[static_cast<std::size_t>(operand)];
        *below++ = top;
        below -= formula.bounds();
        const formula::Range range = formula.over(below);
        top =
            step->op == Operator::formula_some ? range != formula::Range::none : range == formula::Range::all;
        continue;
      }
      case Operator::lower_bound: {
        *below++ = top;
        below -= 3;
        const Outcome outcome =
            lower_bound(frame.tables[static_cast<std::size_t>(operand)], below[0], below[1], below[2]);
        if (outcome.failure != nullptr) [[unlikely]]
          fail(outcome.failure, text);
        top = outcome.value;
        continue;
      }
      case Operator::table: {
        const auto& table = frame.tables[static_cast<std::size_t>(operand)];
        if (top < 0 || top >= static_cast<std::int64_t>(table.size())) [[unlikely]]
          fail_entry(top, table.size(), text);
        top = table[static_cast<std::size_t>(top)];
        continue;
      }
      case Operator::constant:
        *below++ = top;
        top = operand;
        continue;
      case Operator::slot:
        *below++ = top;
        top = slots[operand];
        continue;
      case Operator::table_length:
        *below++ = top;
        top = static_cast<std::int64_t>(frame.tables[static_cast<std::size_t>(operand)].size());
        continue;
      case Operator::jump:
        step = code + operand - 1;
        continue;
      case Operator::jump_if_false:
        if (top == 0) step = code + operand - 1;
        top = *--below;
        continue;
      case Operator::and_then:
        if (top == 0) {
          step = code + operand - 1;
        } else {
          top = *--below;
        }
        continue;
      case Operator::or_else:
        if (top != 0) {
          top = 1;
          step = code + operand - 1;
        } else {
          top = *--below;
        }
        continue;
      case Operator::logical_and:  // these three are jumps in code
      case Operator::logical_or:
      case Operator::conditional:
      case Operator::argument:  // and these a list
      case Operator::table_name:
      case Operator::done:
        return top;
    }
  }
}

}  // namespace weir
