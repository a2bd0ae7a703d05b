// Formulas: expressions of the caller that are part of a problem, such as a score or a mask of attention. One
// tree with several back ends: canonical text, evaluation, derivative, intervals, and CUDA code.
// docs/kernel-definition.md has the language.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/formula_range.h"

namespace weir {

enum class FormulaType { boolean, integer, real };

struct FormulaName {
  std::string name;
  FormulaType type = FormulaType::integer;
};

// What a formula may use and what it gives. A variable hides a parameter of its name.
struct FormulaSignature {
  std::vector<FormulaName> variables;  // real: the score; integer: indices, from 0 to 2^28 - 1
  std::vector<FormulaName> parameters;
  bool gives_bool = false;
};

// A parameter's value.
struct FormulaConstant {
  std::int64_t integer = 0;  // of a boolean or an integer
  double real = 0;
};

struct FormulaNode;

// Immutable, cheap to copy, safe to share between threads.
class Formula {
 public:
  // The error's message has the column and what was expected.
  static Result<Formula> parse(std::string_view text, const FormulaSignature& signature);

  // The canonical text: parsing it gives the same formula, and formulas that differ only in spaces,
  // parentheses and the writing of numbers have the same one.
  const std::string& text() const { return text_; }

  // The formula for these parameters (in the signature's order): what the calls below need. Errors: an
  // integer that may leave 62 bits and a division of integers by what may be 0, for any variables.
  Result<Formula> bind(std::span<const FormulaConstant> parameters) const;

  // In double; a bool formula gives 0 or 1. `variables` in the signature's order.
  double evaluate(std::span<const double> variables) const;
  // Of a real formula, by its first variable, which is real.
  Formula derivative() const;
  // Of a bool formula.
  FormulaRange range() const;
  // The functions of namespace config for kernels: <name> and <name>_derivative, or <name> and <name>_range.
  std::string cuda_source(const std::string& name) const;

 private:
  std::shared_ptr<const FormulaNode> tree_;
  std::shared_ptr<const FormulaSignature> signature_;
  std::string text_;
};

// "exp", "min", …: no names for variables.
bool is_formula_function(std::string_view name);

// What cuda_source() of a bool formula needs before it, in namespace config: Range and the rules of
// intervals.
std::string formula_range_source();

// Shortest texts that read back as the same number: "0.5", "1e-05", "30".
std::string real_text(double value);
// A float literal of CUDA: "0.5f", "30.0f".
std::string float_literal(double value);
// Decimal, finite and within a float's range; nothing otherwise.
std::optional<double> parse_real(std::string_view text);

}  // namespace weir
