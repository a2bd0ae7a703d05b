// Formulas as CUDA code. Real numbers are float there. An integer is int where it fits, for indices up to
// 2^28, and long long where it may not.
#include <charconv>
#include <limits>

#include "kernels/formula_interval.h"
#include "kernels/formula_interval_source.h"
#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;
using Type = FormulaType;

const char* symbol_of(Op op) {
  switch (op) {
    case Op::add:
      return "+";
    case Op::subtract:
      return "-";
    case Op::multiply:
      return "*";
    case Op::divide:
      return "/";
    case Op::remainder:
      return "%";
    case Op::less:
      return "<";
    case Op::less_equal:
      return "<=";
    case Op::greater:
      return ">";
    case Op::greater_equal:
      return ">=";
    case Op::equal:
      return "==";
    case Op::not_equal:
      return "!=";
    case Op::logical_and:
      return "&&";
    case Op::logical_or:
      return "||";
    default:
      return nullptr;
  }
}

// In C's library of functions of float.
const char* float_function(Op op) {
  switch (op) {
    case Op::absolute:
      return "::fabsf";
    case Op::floor:
      return "::floorf";
    case Op::exp:
      return "::expf";
    case Op::exp2:
      return "::exp2f";
    case Op::log:
      return "::logf";
    case Op::log2:
      return "::log2f";
    case Op::tanh:
      return "::tanhf";
    case Op::sqrt:
      return "::sqrtf";
    case Op::rsqrt:
      return "::rsqrtf";
    case Op::minimum:
      return "::fminf";
    case Op::maximum:
      return "::fmaxf";
    case Op::pow:
      return "::powf";
    default:
      return nullptr;
  }
}

bool fits_int(const FormulaTree& tree) {
  const IntegerBounds bounds = integer_bounds(tree);
  constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
  return bounds.low >= -kLargest && bounds.high <= kLargest;
}

std::string integer_literal(std::int64_t value) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
  const std::string text = std::to_string(value) + (value < -kLargest || value > kLargest ? "LL" : "");
  return value < 0 ? "(" + text + ")" : text;
}

// --- values at a point

struct Code {
  std::string text;
  bool wide = false;  // its type is long long
};

Code code_of(const FormulaTree& tree);

std::string wide_text(const Code& code) {
  return code.wide ? code.text : "static_cast<long long>(" + code.text + ")";
}

Code integer_code(const FormulaTree& tree) {
  const Code a = code_of(tree->operands[0]);
  const Code b = tree->operands.size() > 1 ? code_of(tree->operands[1]) : Code{};
  const bool wide = a.wide || b.wide || !fits_int(tree);
  const std::string left = wide ? wide_text(a) : a.text;
  switch (tree->op) {
    case Op::to_integer:
      return {"static_cast<int>(" + a.text + ")", false};
    case Op::floor:
      return a;
    case Op::negate:
      return {"(-" + left + ")", wide};
    case Op::absolute:
      return {(wide ? "::llabs(" : "::abs(") + left + ")", wide};
    case Op::minimum:
    case Op::maximum:
      return {(tree->op == Op::minimum ? "::min(" : "::max(") + left + ", " + (wide ? wide_text(b) : b.text) +
                  ")",
              wide};
    default:
      return {"(" + left + " " + symbol_of(tree->op) + " " + b.text + ")", wide};
  }
}

Code code_of(const FormulaTree& tree) {
  const auto operand = [&](std::size_t i) { return code_of(tree->operands[i]).text; };
  switch (tree->op) {
    case Op::constant: {
      if (tree->type == Type::boolean) return {tree->integer != 0 ? "true" : "false"};
      if (tree->type == Type::integer) return {integer_literal(tree->integer), !fits_int(tree)};
      const std::string literal = float_literal(tree->real);
      return {literal.front() == '-' ? "(" + literal + ")" : literal};
    }
    case Op::variable:
      return {tree->name};
    case Op::to_real:
      return {"static_cast<float>(" + operand(0) + ")"};
    case Op::logical_not:
      return {"(!" + operand(0) + ")"};
    case Op::conditional: {
      const Code then = code_of(tree->operands[1]);
      const Code otherwise = code_of(tree->operands[2]);
      return {"(" + operand(0) + " ? " + then.text + " : " + otherwise.text + ")",
              then.wide || otherwise.wide};
    }
    default:
      break;
  }
  if (tree->type == Type::integer) return integer_code(tree);
  if (const char* function = tree->type == Type::real ? float_function(tree->op) : nullptr) {
    return {function + ("(" + operand(0)) + (tree->operands.size() > 1 ? ", " + operand(1) : "") + ")"};
  }
  if (tree->op == Op::negate) return {"(-" + operand(0) + ")"};
  return {"(" + operand(0) + " " + symbol_of(tree->op) + " " + operand(1) + ")"};
}

// --- values over a box

bool all_fit_int(const FormulaTree& tree) {
  if (tree->type == Type::integer && !fits_int(tree)) return false;
  for (const FormulaTree& operand : tree->operands) {
    if (!all_fit_int(operand)) return false;
  }
  return true;
}

std::string double_literal(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string literal(text, end);
  return literal.find_first_of(".en") == std::string::npos ? literal + ".0" : literal;
}

const char* interval_function(Op op) {
  switch (op) {
    case Op::logical_not:
      return "logical_not";
    case Op::logical_and:
      return "logical_and";
    case Op::logical_or:
      return "logical_or";
    case Op::negate:
      return "negate";
    case Op::absolute:
      return "absolute";
    case Op::floor:
      return "floor";
    case Op::exp:
      return "exp";
    case Op::exp2:
      return "exp2";
    case Op::log:
      return "log";
    case Op::log2:
      return "log2";
    case Op::tanh:
      return "tanh";
    case Op::sqrt:
      return "sqrt";
    case Op::rsqrt:
      return "rsqrt";
    case Op::add:
      return "add";
    case Op::subtract:
      return "subtract";
    case Op::multiply:
      return "multiply";
    case Op::divide:
      return "divide";
    case Op::remainder:
      return "remainder";
    case Op::minimum:
      return "minimum";
    case Op::maximum:
      return "maximum";
    case Op::pow:
      return "pow";
    case Op::conditional:
      return "select";
    case Op::less:
    case Op::greater:
      return "less";
    case Op::less_equal:
    case Op::greater_equal:
      return "less_equal";
    case Op::equal:
    case Op::not_equal:
      return "equal";
    default:
      return "";
  }
}

// Calls of the functions of formula_interval.inc; `integer` is the type of integers.
class RangeCode {
 public:
  explicit RangeCode(std::string integer) : integer_(std::move(integer)) {}

  std::string of(const FormulaTree& tree) const {
    switch (tree->op) {
      case Op::constant:
        return constant(*tree);
      case Op::variable:
        return tree->name;
      case Op::to_integer:
        return "formula::integer<" + integer_ + ">(" + of(tree->operands[0]) + ")";
      case Op::to_real:
        return "formula::real(" + of(tree->operands[0]) + ")";
      case Op::floor:
        if (tree->type == Type::integer) return of(tree->operands[0]);
        break;
      case Op::not_equal:
        return "formula::logical_not(" + call(*tree) + ")";
      default:
        break;
    }
    return call(*tree);
  }

 private:
  std::string call(const FormulaNode& node) const {
    // Signs swap the bounds of any number.
    const bool of_real = node.type == Type::real && node.op != Op::negate;
    std::vector<FormulaTree> operands = node.operands;
    if (node.op == Op::greater || node.op == Op::greater_equal) std::swap(operands[0], operands[1]);
    std::string arguments;
    for (const FormulaTree& operand : operands) arguments += (arguments.empty() ? "" : ", ") + of(operand);
    return std::string("formula::") + interval_function(node.op) + (of_real ? "_real(" : "(") + arguments +
           ")";
  }

  std::string constant(const FormulaNode& node) const {
    if (node.type == Type::boolean) return node.integer != 0 ? "Range::all" : "Range::none";
    if (node.type == Type::integer) {
      const std::string value = std::to_string(node.integer) + (integer_ == "int" ? "" : "LL");
      return "formula::Interval<" + integer_ + ">{" + value + ", " + value + "}";
    }
    const formula::Real range = real_constant_range(node.real);
    return "formula::Real{" + double_literal(range.low) + ", " + double_literal(range.high) + "}";
  }

  std::string integer_;
};

// Real formulas take indices of any type that behaves like an int: a kernel may pass one that turns into a
// float faster than by a conversion for each score.
std::string function_head(const char* type, const std::string& name, const FormulaSignature& signature) {
  std::string arguments;
  for (const FormulaName& variable : signature.variables) {
    arguments += arguments.empty() ? "" : ", ";
    arguments += variable.type == Type::real ? "float " : signature.gives_bool ? "int " : "auto ";
    arguments += variable.name;
  }
  return std::string("__device__ inline ") + type + " " + name + "(" + arguments + ") {\n";
}

std::string point_function(const char* type, const std::string& name, const FormulaSignature& signature,
                           const FormulaTree& tree) {
  return function_head(type, name, signature) + "  return " + code_of(with_conversions(tree)).text + ";\n}\n";
}

std::string range_function(const std::string& name, const FormulaSignature& signature,
                           const FormulaTree& tree) {
  const FormulaTree merged = with_conversions(with_merged_terms(tree));
  const std::string integer = all_fit_int(merged) ? "int" : "long long";
  std::string arguments;
  std::string intervals;
  for (const FormulaName& variable : signature.variables) {
    const std::string first = variable.name + "_first", last = variable.name + "_last";
    arguments += arguments.empty() ? "" : ", ";
    arguments += "int " + first + ", int " + last;
    intervals += "  [[maybe_unused]] const formula::Interval<" + integer + "> " + variable.name + "{" +
                 first + ", " + last + "};\n";
  }
  return "__device__ inline Range " + name + "_range(" + arguments + ") {\n" + intervals + "  return " +
         RangeCode(integer).of(merged) + ";\n}\n";
}

}  // namespace

std::string Formula::cuda_source(const std::string& name) const {
  const FormulaSignature& signature = *signature_;
  if (signature.gives_bool)
    return point_function("bool", name, signature, tree_) + range_function(name, signature, tree_);
  const FormulaTree real = converted(tree_, Type::real);
  std::string source = point_function("float", name, signature, real);
  if (!signature.variables.empty() && signature.variables[0].type == Type::real)
    source += point_function("float", name + "_derivative", signature, derivative_of(real, 0));
  return source;
}

std::string formula_range_source() {
  return std::string(
             "enum class Range { none, some, all };\nnamespace formula {\n"
             "#define WEIR_FORMULA_FUNCTION __device__ inline\n") +
         kFormulaIntervalSource + "#undef WEIR_FORMULA_FUNCTION\n}\n";
}

}  // namespace weir
