// Expression::parse: straight into a folded tree.
#include <limits>
#include <map>
#include <utility>

#include "base/suggest.h"
#include "kernels/expression_syntax.h"
#include "kernels/expression_tree.h"

namespace weir {

namespace {

struct Function {
  std::string_view name;
  Operator op;
  int least_arguments;
  int most_arguments;
};
constexpr int kAny = std::numeric_limits<int>::max();
constexpr std::array kFunctions{
    Function{"min", Operator::minimum, 2, kAny},    Function{"max", Operator::maximum, 2, kAny},
    Function{"ceil_div", Operator::ceil_div, 2, 2}, Function{"abs", Operator::absolute, 1, 1},
    Function{"isqrt", Operator::isqrt, 1, 1},       Function{"log2", Operator::log2, 1, 1},
};

constexpr std::string_view kLowerBound = "lower_bound";  // its first argument is a table

Operator operator_of(Symbol symbol) {
  switch (symbol) {
    case Symbol::logical_or:
      return Operator::logical_or;
    case Symbol::logical_and:
      return Operator::logical_and;
    case Symbol::equal:
      return Operator::equal;
    case Symbol::not_equal:
      return Operator::not_equal;
    case Symbol::less_equal:
      return Operator::less_equal;
    case Symbol::greater_equal:
      return Operator::greater_equal;
    case Symbol::less:
      return Operator::less;
    case Symbol::greater:
      return Operator::greater;
    case Symbol::add:
      return Operator::add;
    case Symbol::subtract:
      return Operator::subtract;
    case Symbol::multiply:
      return Operator::multiply;
    case Symbol::divide:
      return Operator::divide;
    case Symbol::remainder:
      return Operator::remainder;
    case Symbol::negate:
      return Operator::negate;
    case Symbol::logical_not:
      return Operator::logical_not;
  }
  return Operator::done;
}

bool is_comparison(Symbol symbol) {
  return symbol >= Symbol::equal && symbol <= Symbol::greater;
}

class ExpressionBuilder {
 public:
  using Value = int;

  explicit ExpressionBuilder(const Scope& scope) : scope_(scope) {}

  int number(std::string_view rest, std::size_t position, std::size_t& length) {
    const IntegerToken token = read_digits(rest, position);
    const std::string_view whole = number_like(rest);
    if (whole.size() != token.length) {
      throw ParseError{
          position,
          "found '" + std::string(whole) +
              "'; expected a decimal integer (expressions have no fractions, exponents or hexadecimals)"};
    }
    length = token.length;
    return tree_.constant(token.value);
  }

  int name(std::string_view name, std::size_t start, const std::string& next, std::size_t next_position) {
    if (name == "true") return tree_.constant(1);
    if (name == "false") return tree_.constant(0);
    if (const auto slot = scope_.slot(name)) {
      const int node = tree_.slot(*slot);
      if (scope_.is_real(*slot)) reals_[node] = start;
      return node;
    }
    constexpr std::string_view kLength = ".length";
    if (name.size() > kLength.size() && name.substr(name.size() - kLength.size()) == kLength) {
      if (const auto table = scope_.table(name.substr(0, name.size() - kLength.size()))) {
        return tree_.table_length(*table);
      }
    }
    if (const auto table = scope_.table(name)) {
      const int node = tree_.table_name(*table);
      tables_[node] = {std::string(name), start};
      return node;
    }
    if (scope_.formula(name) != nullptr) {
      throw ParseError{start,
                       "found the formula '" + std::string(name) + "' alone; expected " + calls_of(name)};
    }
    for (const Function& function : kFunctions) {
      if (function.name == name) {
        throw ParseError{next_position,
                         "found " + next + " after the function " + std::string(name) + "; expected '('"};
      }
    }
    throw ParseError{start, "found the unknown name '" + std::string(name) + "'" + suggestion(name)};
  }

  void begin_call(std::string_view name, std::size_t start) const {
    if (name == kLowerBound || find_function(name) != nullptr || formula_call(name)) return;
    if (scope_.formula(name) != nullptr) {
      throw ParseError{start,
                       "found a call of the formula '" + std::string(name) + "'; expected " + calls_of(name)};
    }
    std::vector<std::string> names;
    for (const Function& function : kFunctions) names.emplace_back(function.name);
    names.emplace_back(kLowerBound);
    const std::string hint = did_you_mean(name, names);
    throw ParseError{start, "found the unknown function '" + std::string(name) + "'" +
                                (hint.empty() ? "; the functions are " + list_of(names) : hint)};
  }

  int call(std::string_view name, const std::vector<int>& arguments, std::size_t start) {
    if (name == kLowerBound) return call_lower_bound(arguments, start);
    for (const int argument : arguments) expect_integer(argument);
    const int count = static_cast<int>(arguments.size());
    const Function* function = find_function(name);
    if (function == nullptr) return call_formula(name, arguments, start);
    if (count < function->least_arguments || count > function->most_arguments) {
      throw ParseError{start, "found " + std::string(name) + " with " + std::to_string(count) +
                                  (count == 1 ? " argument" : " arguments") + "; expected " +
                                  std::to_string(function->least_arguments) +
                                  (function->most_arguments == kAny ? " or more" : "")};
    }
    if (count == 1) return tree_.unary(function->op, arguments[0]);
    int value = arguments[0];
    for (int i = 1; i < count; ++i)
      value = tree_.binary(function->op, value, arguments[static_cast<std::size_t>(i)]);
    return value;
  }

  void begin_entry(std::string_view name, std::size_t start) const {
    if (scope_.table(name)) return;
    throw ParseError{start, "found '" + std::string(name) + "[': '" + std::string(name) +
                                "' is not a table; expected a name of the tables section"};
  }
  int entry(std::string_view name, int index, std::size_t) {
    expect_integer(index);
    return tree_.unary(Operator::table, index, *scope_.table(name));
  }

  int prefix(Symbol symbol, int operand, std::size_t) {
    expect_integer(operand);
    return tree_.unary(operator_of(symbol), operand);
  }

  int binary(Symbol symbol, int left, int right, std::size_t) {
    if (is_comparison(symbol) && (reals_.contains(left) || reals_.contains(right))) {
      return tree_.binary(operator_of(symbol), key_of(left), key_of(right));
    }
    expect_integer(left);
    expect_integer(right);
    return tree_.binary(operator_of(symbol), left, right);
  }

  int conditional(int condition, int then, int otherwise, std::size_t) {
    for (const int node : {condition, then, otherwise}) expect_integer(node);
    return tree_.conditional(condition, then, otherwise);
  }

  ExpressionTree finish(int root) {
    expect_integer(root);
    ExpressionTree tree = tree_.finish(root);
    if (tree.depth > kMaxStackDepth)
      throw ParseError{0, "the expression nests too deeply; expected named parts"};
    return tree;
  }

 private:
  static const Function* find_function(std::string_view name) {
    for (const Function& function : kFunctions) {
      if (function.name == name) return &function;
    }
    return nullptr;
  }

  struct FormulaCall {
    Operator op = Operator::formula_some;
    const Scope::FormulaName* formula = nullptr;
  };
  std::optional<FormulaCall> formula_call(std::string_view name) const {
    for (const auto& [suffix, op] : {std::pair<std::string_view, Operator>{"_some", Operator::formula_some},
                                     {"_all", Operator::formula_all}}) {
      if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix) continue;
      const auto* formula = scope_.formula(name.substr(0, name.size() - suffix.size()));
      if (formula != nullptr && formula->gives_bool) return FormulaCall{op, formula};
    }
    return std::nullopt;
  }

  int call_lower_bound(const std::vector<int>& arguments, std::size_t start) {
    if (arguments.size() != 4 || !tables_.contains(arguments[0])) {
      throw ParseError{start,
                       "found lower_bound with other arguments than its own; expected "
                       "lower_bound(table, from, to, value)"};
    }
    const std::vector<int> integers(arguments.begin() + 1, arguments.end());
    for (const int argument : integers) expect_integer(argument);
    return tree_.lower_bound(tree_.table_of(arguments[0]), integers);
  }

  int call_formula(std::string_view name, const std::vector<int>& arguments, std::size_t start) {
    const FormulaCall call = *formula_call(name);
    const std::vector<std::string>& variables = call.formula->variables;
    if (arguments.size() != 2 * variables.size()) {
      throw ParseError{start, "found " + std::string(name) + " with " + std::to_string(arguments.size()) +
                                  " arguments; expected " + std::to_string(2 * variables.size()) +
                                  ", the first and the last value of each of " + list_of(variables)};
    }
    return tree_.formula(call.op, call.formula->number, arguments);
  }

  std::string calls_of(std::string_view name) const {
    const std::string text(name);
    return scope_.formula(name)->gives_bool
               ? text + "_some(first, last, …) or " + text + "_all(first, last, …)"
               : "no real formula in an integer expression: kernels alone evaluate it";
  }

  void expect_integer(int node) const {
    if (const auto table = tables_.find(node); table != tables_.end()) {
      const std::string& name = table->second.first;
      throw ParseError{table->second.second, "found the table '" + name + "' alone; expected " + name +
                                                 "[index] or " + name + ".length"};
    }
    const auto real = reals_.find(node);
    if (real == reals_.end()) return;
    throw ParseError{
        real->second,
        "found a real parameter where an integer is needed; expected a comparison such as x > 0"};
  }

  int key_of(int node) {
    if (reals_.contains(node)) return node;
    expect_integer(node);
    return tree_.unary(Operator::real_key, node);
  }

  std::string suggestion(std::string_view name) const {
    std::vector<std::string> names = scope_.names();
    const std::string hint = did_you_mean(name, names);
    if (!hint.empty()) return hint;
    std::erase_if(names, [](const std::string& known) { return known.find('.') != std::string::npos; });
    constexpr std::size_t kMostNames = 24;
    if (names.size() > kMostNames) return "; expected a name that is defined before this line";
    return "; the names here are " + list_of(names);
  }

  const Scope& scope_;
  TreeBuilder tree_;
  std::map<int, std::size_t> reals_;  // nodes that are real numbers, by where they stand
  std::map<int, std::pair<std::string, std::size_t>> tables_;  // nodes that are names of tables
};

}  // namespace

Result<Expression> Expression::parse(std::string_view text, const Scope& scope) {
  try {
    ExpressionBuilder builder(scope);
    const int root = SyntaxParser<ExpressionBuilder>(text, builder).parse();
    auto tree = std::make_shared<const ExpressionTree>(builder.finish(root));
    return Expression(std::move(tree), std::make_shared<const std::string>(text));
  } catch (const ParseError& error) {
    return Error{ErrorKind::usage, "column " + std::to_string(error.position + 1) + ": " + error.message};
  }
}

}  // namespace weir
