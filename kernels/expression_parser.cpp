// Expression::parse: a recursive-descent parser with C's precedences, straight into a folded tree.
#include <array>
#include <cctype>
#include <limits>
#include <utility>

#include "base/suggest.h"
#include "kernels/expression_tree.h"

namespace weir {

namespace {

constexpr int kMaxNesting = 128;  // a parenthesis takes two
constexpr std::size_t kMaxLength = 4096;

struct ParseError {
  std::size_t position;
  std::string message;
};

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

struct BinaryOperator {
  std::string_view symbol;
  Operator op;
};
// From loosest to tightest; within a level, longer symbols first.
const std::array<std::vector<BinaryOperator>, 6> kLevels{{
    {{"||", Operator::logical_or}},
    {{"&&", Operator::logical_and}},
    {{"==", Operator::equal}, {"!=", Operator::not_equal}},
    {{"<=", Operator::less_equal},
     {">=", Operator::greater_equal},
     {"<", Operator::less},
     {">", Operator::greater}},
    {{"+", Operator::add}, {"-", Operator::subtract}},
    {{"*", Operator::multiply}, {"/", Operator::divide}, {"%", Operator::remainder}},
}};

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool continues_name(char c) {
  return starts_name(c) || is_digit(c);
}

class Parser {
 public:
  Parser(std::string_view text, const Scope& scope) : text_(text), scope_(scope) {}

  ExpressionTree parse() {
    if (text_.size() > kMaxLength)
      throw ParseError{0, "the expression has more than 4096 characters; expected named parts"};
    const int root = conditional();
    skip_space();
    if (position_ < text_.size())
      throw ParseError{position_, "found " + found() + "; expected an operator or the end"};
    ExpressionTree tree = builder_.finish(root);
    if (tree.depth > kMaxStackDepth)
      throw ParseError{0, "the expression nests too deeply; expected named parts"};
    return tree;
  }

 private:
  // Counts the levels of recursion.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) {
        throw ParseError{parser_.position_, "the expression nests too deeply; expected named parts"};
      }
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  void skip_space() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_])) != 0)
      ++position_;
  }

  bool accept(std::string_view symbol) {
    skip_space();
    if (text_.substr(position_, symbol.size()) != symbol) return false;
    position_ += symbol.size();
    return true;
  }

  void expect(std::string_view symbol, const std::string& why) {
    if (!accept(symbol))
      throw ParseError{position_, "found " + found() + "; expected '" + std::string(symbol) + "' " + why};
  }

  // What is at the position, for messages.
  std::string found() const {
    if (position_ >= text_.size()) return "the end";
    std::size_t end = position_ + 1;
    if (continues_name(text_[position_])) {
      while (end < text_.size() && continues_name(text_[end])) ++end;
    } else if (end < text_.size() && std::string_view("=&|").find(text_[end]) != std::string_view::npos) {
      ++end;
    }
    return "'" + std::string(text_.substr(position_, end - position_)) + "'";
  }

  int conditional() {
    const Nesting nesting(*this);
    const int condition = level(0);
    if (!accept("?")) return condition;
    const int then = conditional();
    expect(":", "and the other value of '? :'");
    return builder_.conditional(condition, then, conditional());
  }

  int level(std::size_t depth) {
    if (depth == kLevels.size()) return prefix();
    int left = level(depth + 1);
    for (;;) {
      const BinaryOperator* chosen = nullptr;
      for (const BinaryOperator& candidate : kLevels[depth]) {
        if (accept(candidate.symbol)) {
          chosen = &candidate;
          break;
        }
      }
      if (chosen == nullptr) return left;
      left = builder_.binary(chosen->op, left, level(depth + 1));
    }
  }

  int prefix() {
    const Nesting nesting(*this);
    if (accept("-")) return builder_.unary(Operator::negate, prefix());
    if (accept("!")) return builder_.unary(Operator::logical_not, prefix());
    if (accept("+")) return prefix();
    if (accept("(")) {
      const int inside = conditional();
      expect(")", "to close the parenthesis");
      return inside;
    }
    skip_space();
    if (position_ < text_.size() && is_digit(text_[position_])) return number();
    if (position_ < text_.size() && starts_name(text_[position_])) return name();
    throw ParseError{position_, "found " + found() + "; expected a number, a name, '(', '-' or '!'"};
  }

  int number() {
    const std::size_t start = position_;
    std::int64_t value = 0;
    for (; position_ < text_.size() && is_digit(text_[position_]); ++position_) {
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, text_[position_] - '0', &value)) {
        throw ParseError{start, "found a number above 9223372036854775807; expected 64 bits"};
      }
    }
    if (position_ < text_.size() && (text_[position_] == '.' || continues_name(text_[position_]))) {
      while (position_ < text_.size() && (text_[position_] == '.' || continues_name(text_[position_])))
        ++position_;
      throw ParseError{
          start,
          "found '" + std::string(text_.substr(start, position_ - start)) +
              "'; expected a decimal integer (expressions have no fractions, exponents or hexadecimals)"};
    }
    return builder_.constant(value);
  }

  int name() {
    const std::size_t start = position_;
    for (;;) {
      while (position_ < text_.size() && continues_name(text_[position_])) ++position_;
      const bool dotted =
          position_ + 1 < text_.size() && text_[position_] == '.' && starts_name(text_[position_ + 1]);
      if (!dotted) break;
      ++position_;
    }
    const std::string_view name = text_.substr(start, position_ - start);
    if (accept("(")) return call(name, start);
    if (accept("[")) return entry(name, start);
    if (name == "true") return builder_.constant(1);
    if (name == "false") return builder_.constant(0);
    if (const auto slot = scope_.slot(name)) return builder_.slot(*slot);
    constexpr std::string_view kLength = ".length";
    if (name.size() > kLength.size() && name.substr(name.size() - kLength.size()) == kLength) {
      if (const auto table = scope_.table(name.substr(0, name.size() - kLength.size()))) {
        return builder_.table_length(*table);
      }
    }
    if (scope_.table(name)) {
      throw ParseError{start, "found the table '" + std::string(name) + "' alone; expected " +
                                  std::string(name) + "[index] or " + std::string(name) + ".length"};
    }
    for (const Function& function : kFunctions) {
      if (function.name == name) {
        throw ParseError{position_,
                         "found " + found() + " after the function " + std::string(name) + "; expected '('"};
      }
    }
    throw ParseError{start, "found the unknown name '" + std::string(name) + "'" + suggestion(name)};
  }

  int call(std::string_view name, std::size_t start) {
    const Function* function = nullptr;
    std::vector<std::string> names;
    for (const Function& candidate : kFunctions) {
      names.emplace_back(candidate.name);
      if (candidate.name == name) function = &candidate;
    }
    if (function == nullptr) {
      const std::string hint = did_you_mean(name, names);
      throw ParseError{start, "found the unknown function '" + std::string(name) + "'" +
                                  (hint.empty() ? "; the functions are " + list_of(names) : hint)};
    }
    std::vector<int> arguments{conditional()};
    while (accept(",")) arguments.push_back(conditional());
    expect(")", "to close the arguments of " + std::string(name));
    const int count = static_cast<int>(arguments.size());
    if (count < function->least_arguments || count > function->most_arguments) {
      throw ParseError{start, "found " + std::string(name) + " with " + std::to_string(count) +
                                  (count == 1 ? " argument" : " arguments") + "; expected " +
                                  std::to_string(function->least_arguments) +
                                  (function->most_arguments == kAny ? " or more" : "")};
    }
    if (count == 1) return builder_.unary(function->op, arguments[0]);
    int value = arguments[0];
    for (int i = 1; i < count; ++i)
      value = builder_.binary(function->op, value, arguments[static_cast<std::size_t>(i)]);
    return value;
  }

  int entry(std::string_view name, std::size_t start) {
    const auto table = scope_.table(name);
    if (!table) {
      throw ParseError{start, "found '" + std::string(name) + "[': '" + std::string(name) +
                                  "' is not a table; expected a name of the tables section"};
    }
    const int index = conditional();
    expect("]", "to close the index of " + std::string(name));
    return builder_.unary(Operator::table, index, *table);
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

  std::string_view text_;
  const Scope& scope_;
  TreeBuilder builder_;
  std::size_t position_ = 0;
  int nesting_ = 0;
};

}  // namespace

Result<Expression> Expression::parse(std::string_view text, const Scope& scope) {
  try {
    auto tree = std::make_shared<const ExpressionTree>(Parser(text, scope).parse());
    return Expression(std::move(tree), std::make_shared<const std::string>(text));
  } catch (const ParseError& error) {
    return Error{ErrorKind::usage, "column " + std::to_string(error.position + 1) + ": " + error.message};
  }
}

}  // namespace weir
