// Sums of integers with each term once: 2 * q_index - k_index - q_index is q_index - k_index. Interval
// arithmetic forgets that two occurrences of a variable are the same number, and is exact where there is only
// one.
#include <map>

#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;

// constant + the sum of factor * term, by the term's text.
struct Sum {
  struct Term {
    FormulaTree tree;
    std::int64_t factor = 0;
  };
  std::map<std::string, Term> terms;
  std::int64_t constant = 0;
  int occurrences = 0;
  bool overflow = false;

  void add(const FormulaTree& tree, std::int64_t factor) {
    switch (tree->op) {
      case Op::constant:
        accumulate(constant, tree->integer, factor);
        return;
      case Op::negate:
        return add(tree->operands[0], -factor);
      case Op::add:
        add(tree->operands[0], factor);
        return add(tree->operands[1], factor);
      case Op::subtract:
        add(tree->operands[0], factor);
        return add(tree->operands[1], -factor);
      case Op::multiply:
        for (const std::size_t i : {0u, 1u}) {
          if (!is_constant(tree->operands[i])) continue;
          std::int64_t product = 0;
          overflow |= __builtin_mul_overflow(factor, tree->operands[i]->integer, &product);
          return add(tree->operands[1 - i], product);
        }
        break;
      default:
        break;
    }
    ++occurrences;
    Term& term = terms.try_emplace(text_of(tree), Term{with_merged_terms(tree), 0}).first->second;
    accumulate(term.factor, 1, factor);
  }

  FormulaTree tree() const {
    FormulaTree sum = integer_constant(constant);
    for (const auto& [text, term] : terms) {
      sum = operation(Op::add, {sum, operation(Op::multiply, {integer_constant(term.factor), term.tree})});
    }
    return fold(sum);
  }

 private:
  void accumulate(std::int64_t& to, std::int64_t value, std::int64_t factor) {
    std::int64_t product = 0;
    overflow |= __builtin_mul_overflow(value, factor, &product) || __builtin_add_overflow(to, product, &to);
  }
};

}  // namespace

FormulaTree with_merged_terms(const FormulaTree& tree) {
  if (tree->operands.empty()) return tree;
  const bool integers = is_comparison(tree->op) && tree->operands[0]->type != Type::real &&
                        tree->operands[1]->type != Type::real;
  if (integers) {
    Sum difference;
    difference.add(tree->operands[0], 1);
    difference.add(tree->operands[1], -1);
    if (!difference.overflow && difference.occurrences > static_cast<int>(difference.terms.size())) {
      FormulaTree merged = operation(tree->op, {difference.tree(), integer_constant(0)});
      try {
        check_bounds(merged);
        return fold(merged);
      } catch (const FormulaError&) {
        // The form as it is written has no overflow.
      }
    }
  }
  FormulaNode node = *tree;
  for (FormulaTree& operand : node.operands) operand = with_merged_terms(operand);
  return std::make_shared<const FormulaNode>(std::move(node));
}

}  // namespace weir
