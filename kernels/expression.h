// Integer expressions of kernel definitions: parsed once, names bound to slots, evaluated fast.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir {

// Names an expression may use, each with a slot of the frame that evaluation reads; tables have their own numbering.
class Scope {
 public:
  // Returns the slot. A name that exists already gets a new slot that hides the old one (block programs nest).
  int add(const std::string& name);
  int add_table(const std::string& name);
  std::optional<int> slot(std::string_view name) const;
  std::optional<int> table(std::string_view name) const;
  int size() const { return size_; }
  std::vector<std::string> names() const;  // for "did you mean" messages

 private:
  std::map<std::string, int, std::less<>> slots_;
  std::map<std::string, int, std::less<>> tables_;
  int size_ = 0;
};

// The values behind a scope. `slots` has at least Scope::size() entries; `tables` one entry per table.
struct Frame {
  std::span<std::int64_t> slots;
  std::span<const std::vector<std::int64_t>> tables;
};

// An immutable expression tree flattened for evaluation. Copyable, thread-safe.
// Evaluation errors (division by zero, table index out of range, overflow of 64 bits) throw ExpressionError.
class Expression {
 public:
  Expression();  // the constant 0
  explicit Expression(std::int64_t constant);
  // The error's message has the column and what was expected; the caller adds file and line.
  static Result<Expression> parse(std::string_view text, const Scope& scope);

  std::int64_t evaluate(const Frame& frame) const;
  bool is_constant() const { return constant_; }
  // Precondition: is_constant().
  std::int64_t constant() const { return value_; }

  // The same expression with every slot for which `known` holds replaced by its value in the frame, and folded.
  Expression fold(const Frame& frame, const std::vector<bool>& known) const;

  const std::string& text() const { return text_; }

  struct Instruction {
    enum class Code : std::uint8_t {
      constant, slot, table, table_length, add, subtract, multiply, divide, remainder, negate, logical_not,
      less, less_equal, greater, greater_equal, equal, not_equal,
      jump_if_false, jump_if_true_keep, jump_if_false_keep, jump, to_bool,
      minimum, maximum, ceil_div, absolute, isqrt, log2
    };
    Code code;
    std::int64_t operand = 0;  // constant, slot, table number or jump target
  };

 private:
  std::vector<Instruction> code_;
  bool constant_ = true;
  std::int64_t value_ = 0;
  int depth_ = 1;
  std::string text_;
};

class ExpressionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace weir
