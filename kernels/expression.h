// Integer expressions of kernel definitions: parsed once, names bound to slots, evaluated fast.
// docs/kernel-definition.md has the grammar.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/formula_range.h"

namespace weir {

// Names an expression may use, each with a slot of the frame that evaluation reads; tables have their own
// numbering.
class Scope {
 public:
  // Returns the slot. A name that exists already gets a new slot that hides the old one (block programs
  // nest).
  int add(const std::string& name);
  // The slot holds the real_key() of a real number: expressions may only compare it.
  void mark_real(int slot) { reals_.insert(slot); }
  int add_table(const std::string& name);
  // A formula of the problem; one that gives bool has the calls name_some and name_all, with the first and
  // the last value of each variable.
  int add_formula(const std::string& name, std::vector<std::string> variables, bool gives_bool);
  // Later names get slots from `size` on. A nested scope is a copy; its owner skips the slots that the copy
  // handed out.
  void skip_to(int size);
  std::optional<int> slot(std::string_view name) const;
  std::optional<int> table(std::string_view name) const;
  bool is_real(int slot) const { return reals_.contains(slot); }
  struct FormulaName {
    int number = 0;
    std::vector<std::string> variables;
    bool gives_bool = false;
  };
  const FormulaName* formula(std::string_view name) const;
  int size() const { return size_; }
  std::vector<std::string> names() const;  // for "did you mean" messages

 private:
  std::map<std::string, int, std::less<>> slots_;
  std::map<std::string, int, std::less<>> tables_;
  std::map<std::string, FormulaName, std::less<>> formulas_;
  std::set<int> reals_;
  int size_ = 0;
};

// The values behind a scope. `slots` has at least Scope::size() entries; `tables` one entry per table and
// `formulas` one per formula.
struct Frame {
  std::span<std::int64_t> slots;
  std::span<const std::vector<std::int64_t>> tables;
  std::span<const FormulaRange> formulas = {};
};

// An integer that orders as the number does: how expressions compare real numbers. Precondition: not NaN.
std::int64_t real_key(double value);

struct ExpressionTree;  // kernels/expression_tree.h

// An immutable expression tree flattened for evaluation. Cheap to copy, thread-safe.
// Evaluation errors (division by zero, table index out of range, overflow of 64 bits) throw ExpressionError.
class Expression {
 public:
  Expression() = default;  // the constant 0
  explicit Expression(std::int64_t constant);
  // The error's message has the column and what was expected; the caller adds file and line.
  static Result<Expression> parse(std::string_view text, const Scope& scope);

  // An expression that is linear in one slot is evaluated in that form: an overflow that only an intermediate
  // step of the written order has is then no error.
  std::int64_t evaluate(const Frame& frame) const {
    switch (shape_) {
      case Shape::constant:
        return offset_;
      case Shape::slot:
        return frame.slots[static_cast<std::size_t>(slot_)];
      case Shape::linear: {
        std::int64_t value;
        if (!__builtin_mul_overflow(frame.slots[static_cast<std::size_t>(slot_)], scale_, &value) &&
            !__builtin_add_overflow(value, offset_, &value)) {
          return value;
        }
        return run(frame);
      }
      case Shape::general:
        break;
    }
    return run(frame);
  }
  bool is_constant() const { return shape_ == Shape::constant; }
  // Precondition: is_constant().
  std::int64_t constant() const { return offset_; }

  // The same expression with every slot for which `known` holds replaced by its value in the frame, every
  // table entry at a known index and every formula of known arguments by its value, and folded. What would
  // fail is left in place and fails when it is evaluated.
  Expression fold(const Frame& frame, const std::vector<bool>& known) const;

  // Slots and tables that evaluation may read, sorted, each once.
  std::vector<int> slots() const;
  std::vector<int> tables() const;

  // As it was written, also after folding.
  const std::string& text() const;

 private:
  enum class Shape : std::uint8_t { constant, slot, linear, general };  // linear: slot * scale + offset

  Expression(std::shared_ptr<const ExpressionTree> tree, std::shared_ptr<const std::string> text);
  std::int64_t run(const Frame& frame) const;

  Shape shape_ = Shape::constant;
  int slot_ = 0;
  std::int64_t scale_ = 0;
  std::int64_t offset_ = 0;
  std::shared_ptr<const ExpressionTree> tree_;  // null for constants
  std::shared_ptr<const std::string> text_;     // null for the default constant 0
};

class ExpressionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace weir
