// The tree of a formula, and what is done with trees. Private to kernels/formula*.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/formula.h"

namespace weir {

enum class FormulaOperator {
  constant,
  variable,
  parameter,
  // conversions, which no text shows
  to_integer,  // of a boolean
  to_real,     // of an integer
  // one operand
  negate,
  logical_not,
  absolute,
  floor,
  exp,
  exp2,
  log,
  log2,
  tanh,
  sqrt,
  rsqrt,
  // two operands
  add,
  subtract,
  multiply,
  divide,
  remainder,
  minimum,
  maximum,
  pow,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  logical_and,
  logical_or,
  // three
  conditional,
};

struct FormulaNode;
using FormulaTree = std::shared_ptr<const FormulaNode>;

struct FormulaNode {
  FormulaOperator op = FormulaOperator::constant;
  FormulaType type = FormulaType::integer;
  std::vector<FormulaTree> operands;
  std::int64_t integer = 0;  // boolean and integer constants; number of a variable or parameter
  double real = 0;           // real constants
  std::string name;          // of a variable or parameter
};

// What is wrong with a formula, without where.
class FormulaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

FormulaTree boolean_constant(bool value);
FormulaTree integer_constant(std::int64_t value);
FormulaTree real_constant(double value);
// Its type follows from the operands': comparisons and logic give boolean; arithmetic of booleans and
// integers gives integer, of anything with a real number real. `/` of integers rounds towards zero. Throws
// FormulaError for operands that the operator does not take.
FormulaTree operation(FormulaOperator op, std::vector<FormulaTree> operands);
// The tree as a condition: compared with 0 unless it is boolean.
FormulaTree condition(FormulaTree tree);

bool is_comparison(FormulaOperator op);
bool is_constant(const FormulaTree& tree);
bool is_constant(const FormulaTree& tree, double value);

// Parameters replaced by their values.
FormulaTree substitute(const FormulaTree& tree, std::span<const FormulaConstant> parameters);
// Constants computed and what changes nothing dropped; types stay. Real constants that leave a float's range
// stay uncomputed. Throws FormulaError for an integer division by zero and for overflow.
FormulaTree fold(const FormulaTree& tree);
// The tree with a node for every conversion: operands of arithmetic and comparisons have the same type, and
// that of real arithmetic is real.
FormulaTree with_conversions(const FormulaTree& tree);
FormulaTree converted(FormulaTree tree, FormulaType type);
// By the variable; folded.
FormulaTree derivative_of(const FormulaTree& tree, int variable);
// Comparisons of integers in which a term stands more than once, in a form in which each stands once:
// intervals are exact there.
FormulaTree with_merged_terms(const FormulaTree& tree);

// Variables have `values`. Throws FormulaError for an integer division by zero.
double real_value(const FormulaTree& tree, std::span<const double> values);
std::int64_t integer_value(const FormulaTree& tree, std::span<const double> values);

// With terms merged and conversions.
FormulaRange range_of(const FormulaTree& tree, std::size_t variables);

// The canonical text.
std::string text_of(const FormulaTree& tree);

// The range of an integer or boolean tree for variables that are indices (from 0 to kLargestIndex). Throws
// FormulaError where a value may leave 62 bits or a divisor may be 0.
struct IntegerBounds {
  std::int64_t low = 0, high = 0;
};
inline constexpr std::int64_t kLargestIndex = (std::int64_t{1} << 28) - 1;
IntegerBounds integer_bounds(const FormulaTree& tree);
// Checks every integer part of the tree so.
void check_bounds(const FormulaTree& tree);

}  // namespace weir
