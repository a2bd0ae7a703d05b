// The grammar that expressions of definitions and formulas of problems share: a recursive-descent parser with
// C's precedences. What a number, a name, a call or an operator means is the builder's. Private to kernels/.
#pragma once

#include <array>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct ParseError {
  std::size_t position;
  std::string message;
};

enum class Symbol {
  logical_or,
  logical_and,
  equal,
  not_equal,
  less_equal,
  greater_equal,
  less,
  greater,
  add,
  subtract,
  multiply,
  divide,
  remainder,
  // prefixes
  negate,
  logical_not,
};

struct BinarySymbol {
  std::string_view text;
  Symbol symbol;
};
// From loosest to tightest; within a level, longer symbols first.
const std::array<std::vector<BinarySymbol>, 6>& binary_levels();

inline bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
inline bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
inline bool continues_name(char c) {
  return starts_name(c) || is_digit(c);
}

// Decimal digits at the front of `text`; `position` is where they stand, for the error beyond 64 bits.
struct IntegerToken {
  std::int64_t value = 0;
  std::size_t length = 0;
};
IntegerToken read_digits(std::string_view text, std::size_t position);
// The characters of what begins like a number, for messages.
std::string_view number_like(std::string_view text);

// A Builder has a type Value and
//   Value number(std::string_view rest, std::size_t position, std::size_t& length);  // length: what it took
//   Value name(std::string_view name, std::size_t position, const std::string& next, std::size_t
//   next_position); Value call(std::string_view name, std::vector<Value> arguments, std::size_t position);
//   void begin_call(std::string_view name, std::size_t position);  // before the arguments are read
//   Value entry(std::string_view name, Value index, std::size_t position);
//   void begin_entry(std::string_view name, std::size_t position);
//   Value prefix(Symbol symbol, Value operand, std::size_t position);
//   Value binary(Symbol symbol, Value left, Value right, std::size_t position);
//   Value conditional(Value condition, Value then, Value otherwise, std::size_t position);
// and throws ParseError from any of them.
template <typename Builder>
class SyntaxParser {
 public:
  using Value = typename Builder::Value;

  SyntaxParser(std::string_view text, Builder& builder) : text_(text), builder_(builder) {}

  Value parse() {
    if (text_.size() > kMaxLength)
      throw ParseError{0, "the expression has more than 4096 characters; expected named parts"};
    Value root = conditional();
    skip_space();
    if (position_ < text_.size())
      throw ParseError{position_, "found " + found() + "; expected an operator or the end"};
    return root;
  }

 private:
  static constexpr int kMaxNesting = 128;  // a parenthesis takes two
  static constexpr std::size_t kMaxLength = 4096;

  // Counts the levels of recursion.
  class Nesting {
   public:
    explicit Nesting(SyntaxParser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) {
        throw ParseError{parser_.position_, "the expression nests too deeply; expected named parts"};
      }
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    SyntaxParser& parser_;
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

  Value conditional() {
    const Nesting nesting(*this);
    skip_space();
    const std::size_t start = position_;
    Value condition = level(0);
    if (!accept("?")) return condition;
    Value then = conditional();
    expect(":", "and the other value of '? :'");
    Value otherwise = conditional();
    return builder_.conditional(std::move(condition), std::move(then), std::move(otherwise), start);
  }

  Value level(std::size_t depth) {
    const auto& levels = binary_levels();
    if (depth == levels.size()) return prefix();
    Value left = level(depth + 1);
    for (;;) {
      const BinarySymbol* chosen = nullptr;
      for (const BinarySymbol& candidate : levels[depth]) {
        if (accept(candidate.text)) {
          chosen = &candidate;
          break;
        }
      }
      if (chosen == nullptr) return left;
      const std::size_t start = position_ - chosen->text.size();
      Value right = level(depth + 1);
      left = builder_.binary(chosen->symbol, std::move(left), std::move(right), start);
    }
  }

  Value prefix() {
    const Nesting nesting(*this);
    skip_space();
    const std::size_t start = position_;
    if (accept("-")) return builder_.prefix(Symbol::negate, prefix(), start);
    if (accept("!")) return builder_.prefix(Symbol::logical_not, prefix(), start);
    if (accept("+")) return prefix();
    if (accept("(")) {
      Value inside = conditional();
      expect(")", "to close the parenthesis");
      return inside;
    }
    if (position_ < text_.size() && is_digit(text_[position_])) {
      std::size_t length = 0;
      Value value = builder_.number(text_.substr(position_), position_, length);
      position_ += length;
      return value;
    }
    if (position_ < text_.size() && starts_name(text_[position_])) return name();
    throw ParseError{position_, "found " + found() + "; expected a number, a name, '(', '-' or '!'"};
  }

  Value name() {
    const std::size_t start = position_;
    for (;;) {
      while (position_ < text_.size() && continues_name(text_[position_])) ++position_;
      const bool dotted =
          position_ + 1 < text_.size() && text_[position_] == '.' && starts_name(text_[position_ + 1]);
      if (!dotted) break;
      ++position_;
    }
    const std::string_view name = text_.substr(start, position_ - start);
    if (accept("(")) {
      builder_.begin_call(name, start);
      std::vector<Value> arguments;
      arguments.push_back(conditional());
      while (accept(",")) arguments.push_back(conditional());
      expect(")", "to close the arguments of " + std::string(name));
      return builder_.call(name, std::move(arguments), start);
    }
    if (accept("[")) {
      builder_.begin_entry(name, start);
      Value index = conditional();
      expect("]", "to close the index of " + std::string(name));
      return builder_.entry(name, std::move(index), start);
    }
    return builder_.name(name, start, found(), position_);
  }

  std::string_view text_;
  Builder& builder_;
  std::size_t position_ = 0;
  int nesting_ = 0;
};

}  // namespace weir
