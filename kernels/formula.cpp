#include "kernels/formula.h"

#include "kernels/formula_tree.h"

namespace weir {

Result<Formula> Formula::bind(std::span<const FormulaConstant> parameters) const {
  try {
    Formula bound;
    bound.tree_ = fold(substitute(tree_, parameters));
    check_bounds(bound.tree_);
    bound.signature_ = signature_;
    bound.text_ = text_of(bound.tree_);
    return bound;
  } catch (const FormulaError& error) {
    return Error{ErrorKind::usage, error.what()};
  }
}

double Formula::evaluate(std::span<const double> variables) const {
  return real_value(tree_, variables);
}

Formula Formula::derivative() const {
  Formula result;
  result.tree_ = derivative_of(converted(tree_, FormulaType::real), 0);
  result.signature_ = signature_;
  result.text_ = text_of(result.tree_);
  return result;
}

FormulaRange Formula::range() const {
  return range_of(tree_, signature_->variables.size());
}

}  // namespace weir
