// The inside of an Expression: its tree, and the stack code that evaluation runs. Private to expression*.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/expression.h"

namespace weir {

enum class Operator : std::uint8_t {
  // leaves
  constant,
  slot,
  table_length,
  // one operand
  table,
  negate,
  logical_not,
  to_bool,
  absolute,
  isqrt,
  log2,
  real_key,
  // two operands, both always evaluated
  add,
  subtract,
  multiply,
  divide,
  remainder,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  minimum,
  maximum,
  ceil_div,
  // operands evaluated as far as needed
  logical_and,
  logical_or,
  conditional,
  // a formula over the box between its arguments, which are a list: `a` one argument, `b` the rest
  formula_some,
  formula_all,
  // a search of a table, with such a list
  lower_bound,
  argument,
  // only while a table's name is an argument of a search
  table_name,
  // only in code
  jump,
  jump_if_false,
  and_then,
  or_else,
  done,
};

struct ExpressionNode {
  Operator op = Operator::constant;
  int a = -1, b = -1, c = -1;  // operands, as indices into the tree
  std::int64_t value = 0;      // constant, slot, table or formula number
};

struct Instruction {
  enum class Right : std::uint8_t { stack, constant, slot };
  Operator op = Operator::done;
  Right right = Right::stack;  // where a binary operator's right operand is
  std::int64_t operand = 0;    // constant, slot, table or formula number, or jump target
};

// More operands than this waiting for their operator is an error of parsing, so evaluation needs no checks.
inline constexpr int kMaxStackDepth = 64;

struct ExpressionTree {
  std::vector<ExpressionNode> nodes;
  int root = -1;
  std::vector<Instruction> code;
  int depth = 0;  // stack entries that the code needs
};

// Grows a tree from its leaves. Each function returns the new node's index, and folds what is constant
// already; an operation that would fail (1 / 0) stays in the tree.
class TreeBuilder {
 public:
  int constant(std::int64_t value);
  int slot(int slot);
  int table_length(int table);
  int unary(Operator op, int a, std::int64_t table = 0);
  int binary(Operator op, int a, int b);
  int conditional(int condition, int then, int otherwise);
  int formula(Operator op, int formula, const std::vector<int>& arguments);
  int table_name(int table);
  int table_of(int table_name) const;
  int lower_bound(int table, const std::vector<int>& arguments);

  std::optional<std::int64_t> constant_at(int node) const;
  // Leaves the builder empty.
  ExpressionTree finish(int root);

 private:
  int append(ExpressionNode node);
  std::vector<ExpressionNode> nodes_;
};

// slot * scale + offset, if the tree is that and nothing more.
struct LinearForm {
  int slot = -1;
  std::int64_t scale = 0;
  std::int64_t offset = 0;
};
std::optional<LinearForm> linear_form(const ExpressionTree& tree);

// Throws ExpressionError: `text` is the expression as it was written.
std::int64_t run_code(const ExpressionTree& tree, const Frame& frame, const std::string& text);

}  // namespace weir
