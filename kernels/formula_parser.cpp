// Formula::parse.
#include <charconv>
#include <cmath>
#include <limits>

#include "base/suggest.h"
#include "kernels/expression_syntax.h"
#include "kernels/formula_tree.h"

namespace weir {

namespace {

using Op = FormulaOperator;

constexpr int kAny = std::numeric_limits<int>::max();

struct Function {
  std::string_view name;
  Op op;
  int least_arguments, most_arguments;
};
constexpr std::array kFunctions{
    Function{"min", Op::minimum, 2, kAny}, Function{"max", Op::maximum, 2, kAny},
    Function{"abs", Op::absolute, 1, 1},   Function{"floor", Op::floor, 1, 1},
    Function{"exp", Op::exp, 1, 1},        Function{"exp2", Op::exp2, 1, 1},
    Function{"log", Op::log, 1, 1},        Function{"log2", Op::log2, 1, 1},
    Function{"tanh", Op::tanh, 1, 1},      Function{"sqrt", Op::sqrt, 1, 1},
    Function{"rsqrt", Op::rsqrt, 1, 1},    Function{"pow", Op::pow, 2, 2},
};

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Op operator_of(Symbol symbol) {
  switch (symbol) {
    case Symbol::logical_or:
      return Op::logical_or;
    case Symbol::logical_and:
      return Op::logical_and;
    case Symbol::equal:
      return Op::equal;
    case Symbol::not_equal:
      return Op::not_equal;
    case Symbol::less_equal:
      return Op::less_equal;
    case Symbol::greater_equal:
      return Op::greater_equal;
    case Symbol::less:
      return Op::less;
    case Symbol::greater:
      return Op::greater;
    case Symbol::add:
      return Op::add;
    case Symbol::subtract:
      return Op::subtract;
    case Symbol::multiply:
      return Op::multiply;
    case Symbol::divide:
      return Op::divide;
    case Symbol::remainder:
      return Op::remainder;
    case Symbol::negate:
      return Op::negate;
    case Symbol::logical_not:
      return Op::logical_not;
  }
  return Op::constant;
}

class FormulaBuilder {
 public:
  using Value = FormulaTree;

  explicit FormulaBuilder(const FormulaSignature& signature) : signature_(signature) {}

  FormulaTree number(std::string_view rest, std::size_t position, std::size_t& length) const {
    const std::string_view word = number_like(rest);
    double real = 0;
    const auto [stop, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), real);
    length = static_cast<std::size_t>(stop - rest.data());
    if (problem == std::errc() && length > 0 && length >= word.size()) {
      const std::string_view taken = rest.substr(0, length);
      if (taken.find_first_of(".eE") == std::string_view::npos)
        return integer_constant(read_digits(rest, position).value);
      if (std::fabs(real) <= static_cast<double>(std::numeric_limits<float>::max()))
        return real_constant(real);
    }
    throw ParseError{position,
                     "found '" + std::string(word) +
                         "'; expected a decimal number within a float's range, such as 2, 0.5 or 1e-3"};
  }

  FormulaTree name(std::string_view name, std::size_t start, const std::string& next,
                   std::size_t next_position) const {
    if (name == "true") return boolean_constant(true);
    if (name == "false") return boolean_constant(false);
    if (FormulaTree found = find(name, signature_.variables, Op::variable)) return found;
    if (FormulaTree found = find(name, signature_.parameters, Op::parameter)) return found;
    if (find_function(name) != nullptr) {
      throw ParseError{next_position,
                       "found " + next + " after the function " + std::string(name) + "; expected '('"};
    }
    std::vector<std::string> names;
    for (const FormulaName& variable : signature_.variables) names.push_back(variable.name);
    const std::string variables = list_of(names);
    for (const FormulaName& parameter : signature_.parameters) names.push_back(parameter.name);
    const std::string hint = did_you_mean(name, names);
    throw ParseError{start, "found the unknown name '" + std::string(name) + "'" +
                                (!hint.empty() ? hint
                                 : signature_.variables.empty()
                                     ? "; expected numbers and parameters of the problem that come before"
                                     : "; the variables are " + variables +
                                           ", and parameters of the problem that come before may be used")};
  }

  void begin_call(std::string_view name, std::size_t start) const {
    if (find_function(name) != nullptr) return;
    std::vector<std::string> names;
    for (const Function& function : kFunctions) names.emplace_back(function.name);
    const std::string hint = did_you_mean(name, names);
    throw ParseError{start, "found the unknown function '" + std::string(name) + "'" +
                                (hint.empty() ? "; the functions of formulas are " + list_of(names) : hint)};
  }

  FormulaTree call(std::string_view name, std::vector<FormulaTree> arguments, std::size_t start) const {
    const Function& function = *find_function(name);
    const int count = static_cast<int>(arguments.size());
    if (count < function.least_arguments || count > function.most_arguments) {
      throw ParseError{start, "found " + std::string(name) + " with " + std::to_string(count) +
                                  (count == 1 ? " argument" : " arguments") + "; expected " +
                                  std::to_string(function.least_arguments) +
                                  (function.most_arguments == kAny ? " or more" : "")};
    }
    if (count == 1) return built(function.op, {arguments[0]}, start);
    FormulaTree value = arguments[0];
    for (std::size_t i = 1; i < arguments.size(); ++i)
      value = built(function.op, {value, arguments[i]}, start);
    return value;
  }

  void begin_entry(std::string_view name, std::size_t start) const {
    throw ParseError{start, "found '" + std::string(name) + "['; expected no table, formulas have none"};
  }
  FormulaTree entry(std::string_view, FormulaTree index, std::size_t) const { return index; }

  FormulaTree prefix(Symbol symbol, FormulaTree operand, std::size_t start) const {
    return built(operator_of(symbol), {std::move(operand)}, start);
  }
  FormulaTree binary(Symbol symbol, FormulaTree left, FormulaTree right, std::size_t start) const {
    return built(operator_of(symbol), {std::move(left), std::move(right)}, start);
  }
  FormulaTree conditional(FormulaTree condition, FormulaTree then, FormulaTree otherwise,
                          std::size_t start) const {
    return built(Op::conditional, {std::move(condition), std::move(then), std::move(otherwise)}, start);
  }

 private:
  static FormulaTree find(std::string_view name, const std::vector<FormulaName>& names, Op op) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].name != name) continue;
      return std::make_shared<const FormulaNode>(FormulaNode{.op = op,
                                                             .type = names[i].type,
                                                             .operands = {},
                                                             .integer = static_cast<std::int64_t>(i),
                                                             .name = names[i].name});
    }
    return nullptr;
  }

  static FormulaTree built(Op op, std::vector<FormulaTree> operands, std::size_t start) {
    try {
      return operation(op, std::move(operands));
    } catch (const FormulaError& error) {
      throw ParseError{start, error.what()};
    }
  }

  const FormulaSignature& signature_;
};

}  // namespace

bool is_formula_function(std::string_view name) {
  return find_function(name) != nullptr;
}

Result<Formula> Formula::parse(std::string_view text, const FormulaSignature& signature) {
  try {
    FormulaBuilder builder(signature);
    FormulaTree tree = SyntaxParser<FormulaBuilder>(text, builder).parse();
    if (signature.gives_bool && tree->type == FormulaType::real) {
      throw ParseError{0, "found a real number; expected a condition, such as a comparison"};
    }
    Formula formula;
    formula.tree_ = signature.gives_bool ? condition(std::move(tree)) : std::move(tree);
    formula.signature_ = std::make_shared<const FormulaSignature>(signature);
    formula.text_ = text_of(formula.tree_);
    return formula;
  } catch (const ParseError& error) {
    return Error{ErrorKind::usage, "column " + std::to_string(error.position + 1) + ": " + error.message};
  }
}

}  // namespace weir
