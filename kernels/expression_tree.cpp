#include "kernels/expression_tree.h"

#include <algorithm>
#include <limits>

namespace weir {

namespace {

constexpr std::int64_t kMinimum = std::numeric_limits<std::int64_t>::min();

std::int64_t integer_square_root(std::int64_t value) {
  // Newton's method from above converges monotonically to floor(sqrt(value)).
  if (value < 2) return value;
  std::int64_t guess = std::int64_t{1}
                       << ((64 - __builtin_clzll(static_cast<unsigned long long>(value)) + 1) / 2);
  for (;;) {
    const std::int64_t next = (guess + value / guess) / 2;
    if (next >= guess) return guess;
    guess = next;
  }
}

bool is_binary(Operator op) {
  return op >= Operator::add && op <= Operator::ceil_div;
}
bool is_unary(Operator op) {
  return op >= Operator::negate && op <= Operator::log2;
}

// Turns a tree into stack code, depth first.
class Emitter {
 public:
  explicit Emitter(ExpressionTree& tree) : tree_(tree) {}

  void emit(int index, int depth) {
    const ExpressionNode& node = tree_.nodes[static_cast<std::size_t>(index)];
    tree_.depth = std::max(tree_.depth, depth + 1);
    switch (node.op) {
      case Operator::constant:
        push({.code = Instruction::Code::push_constant, .operand = node.value});
        return;
      case Operator::slot:
        push({.code = Instruction::Code::push_slot, .operand = node.value});
        return;
      case Operator::table_length:
        push({.code = Instruction::Code::push_length, .operand = node.value});
        return;
      case Operator::logical_and:
      case Operator::logical_or: {
        emit(node.a, depth);
        const bool conjunction = node.op == Operator::logical_and;
        const std::size_t jump =
            push({.code = conjunction ? Instruction::Code::and_then : Instruction::Code::or_else});
        emit(node.b, depth);
        push({.code = Instruction::Code::unary, .op = Operator::to_bool});
        land(jump);
        return;
      }
      case Operator::conditional: {
        emit(node.a, depth);
        const std::size_t to_else = push({.code = Instruction::Code::jump_if_false});
        emit(node.b, depth);
        const std::size_t to_end = push({.code = Instruction::Code::jump});
        land(to_else);
        emit(node.c, depth);
        land(to_end);
        return;
      }
      default:
        break;
    }
    emit(node.a, depth);
    if (!is_binary(node.op)) {
      push({.code = Instruction::Code::unary, .op = node.op, .operand = node.value});
      return;
    }
    const ExpressionNode& right = tree_.nodes[static_cast<std::size_t>(node.b)];
    Instruction instruction{.code = Instruction::Code::binary, .op = node.op};
    if (right.op == Operator::constant) {
      instruction.right = Instruction::Right::constant;
      instruction.operand = right.value;
    } else if (right.op == Operator::slot) {
      instruction.right = Instruction::Right::slot;
      instruction.operand = right.value;
    } else {
      emit(node.b, depth + 1);
    }
    push(instruction);
  }

  std::size_t push(Instruction instruction) {
    tree_.code.push_back(instruction);
    return tree_.code.size() - 1;
  }

 private:
  // The jump at `index` goes to the next instruction.
  void land(std::size_t index) { tree_.code[index].operand = static_cast<std::int64_t>(tree_.code.size()); }

  ExpressionTree& tree_;
};

std::optional<LinearForm> linear_form(const std::vector<ExpressionNode>& nodes, int index) {
  const ExpressionNode& node = nodes[static_cast<std::size_t>(index)];
  if (node.op == Operator::constant) return LinearForm{-1, 0, node.value};
  if (node.op == Operator::slot) return LinearForm{static_cast<int>(node.value), 1, 0};
  if (node.op != Operator::add && node.op != Operator::subtract && node.op != Operator::multiply)
    return std::nullopt;
  const auto left = linear_form(nodes, node.a);
  const auto right = linear_form(nodes, node.b);
  if (!left || !right || (left->slot >= 0 && right->slot >= 0)) return std::nullopt;
  LinearForm form{std::max(left->slot, right->slot), 0, 0};
  const auto combine = [&](auto&& operation) {
    return !operation(left->scale, right->scale, &form.scale) &&
           !operation(left->offset, right->offset, &form.offset);
  };
  bool exact = false;
  if (node.op == Operator::add) {
    exact = combine([](auto a, auto b, auto* r) { return __builtin_add_overflow(a, b, r); });
  } else if (node.op == Operator::subtract) {
    exact = combine([](auto a, auto b, auto* r) { return __builtin_sub_overflow(a, b, r); });
  } else {
    const LinearForm& variable = left->slot >= 0 ? *left : *right;
    const std::int64_t factor = left->slot >= 0 ? right->offset : left->offset;
    exact = !__builtin_mul_overflow(variable.scale, factor, &form.scale) &&
            !__builtin_mul_overflow(variable.offset, factor, &form.offset);
  }
  return exact ? std::optional(form) : std::nullopt;
}

[[noreturn]] void fail(const std::string& what, const std::string& text) {
  throw ExpressionError(what + " in '" + text + "'");
}

}  // namespace

Outcome apply(Operator op, std::int64_t a) {
  switch (op) {
    case Operator::negate:
      if (a == kMinimum) return {0, "overflow of 64 bits"};
      return {-a};
    case Operator::logical_not:
      return {a == 0};
    case Operator::to_bool:
      return {a != 0};
    case Operator::absolute:
      if (a == kMinimum) return {0, "overflow of 64 bits"};
      return {a < 0 ? -a : a};
    case Operator::isqrt:
      if (a < 0) return {0, "isqrt of a negative number"};
      return {integer_square_root(a)};
    case Operator::log2:
      if (a <= 0) return {0, "log2 of a number below 1"};
      return {63 - __builtin_clzll(static_cast<unsigned long long>(a))};
    default:
      return {0, "an operator without its operands"};
  }
}

Outcome apply(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t value = 0;
  switch (op) {
    case Operator::add:
      if (__builtin_add_overflow(a, b, &value)) return {0, "overflow of 64 bits"};
      return {value};
    case Operator::subtract:
      if (__builtin_sub_overflow(a, b, &value)) return {0, "overflow of 64 bits"};
      return {value};
    case Operator::multiply:
      if (__builtin_mul_overflow(a, b, &value)) return {0, "overflow of 64 bits"};
      return {value};
    case Operator::divide:
    case Operator::remainder:
    case Operator::ceil_div:
      if (b == 0) return {0, "division by zero"};
      if (b == -1) {
        if (op == Operator::remainder) return {0};
        return apply(Operator::negate, a);
      }
      if (op == Operator::divide) return {a / b};
      if (op == Operator::remainder) return {a % b};
      return {a / b + (a % b != 0 && (a < 0) == (b < 0))};
    case Operator::less:
      return {a < b};
    case Operator::less_equal:
      return {a <= b};
    case Operator::greater:
      return {a > b};
    case Operator::greater_equal:
      return {a >= b};
    case Operator::equal:
      return {a == b};
    case Operator::not_equal:
      return {a != b};
    case Operator::minimum:
      return {std::min(a, b)};
    case Operator::maximum:
      return {std::max(a, b)};
    default:
      return {0, "an operator without its operands"};
  }
}

std::int64_t run_code(const ExpressionTree& tree, const Frame& frame, const std::string& text) {
  std::int64_t stack[kMaxStackDepth + 1];  // stack[0] takes the spill of the empty `top`
  std::int64_t* below = stack;
  std::int64_t top = 0;
  const Instruction* const code = tree.code.data();
  for (const Instruction* step = code;; ++step) {
    switch (step->code) {
      case Instruction::Code::push_constant:
        *below++ = top;
        top = step->operand;
        continue;
      case Instruction::Code::push_slot:
        *below++ = top;
        top = frame.slots[static_cast<std::size_t>(step->operand)];
        continue;
      case Instruction::Code::push_length:
        *below++ = top;
        top = static_cast<std::int64_t>(frame.tables[static_cast<std::size_t>(step->operand)].size());
        continue;
      case Instruction::Code::jump:
        step = code + step->operand - 1;
        continue;
      case Instruction::Code::jump_if_false:
        if (top == 0) step = code + step->operand - 1;
        top = *--below;
        continue;
      case Instruction::Code::and_then:
        if (top == 0) {
          step = code + step->operand - 1;
        } else {
          top = *--below;
        }
        continue;
      case Instruction::Code::or_else:
        if (top != 0) {
          top = 1;
          step = code + step->operand - 1;
        } else {
          top = *--below;
        }
        continue;
      case Instruction::Code::unary: {
        if (step->op == Operator::table) {
          const auto& table = frame.tables[static_cast<std::size_t>(step->operand)];
          if (top < 0 || top >= static_cast<std::int64_t>(table.size())) {
            fail("index " + std::to_string(top) + " is outside the table's " + std::to_string(table.size()) +
                     " entries",
                 text);
          }
          top = table[static_cast<std::size_t>(top)];
          continue;
        }
        const Outcome outcome = apply(step->op, top);
        if (outcome.failure != nullptr) fail(outcome.failure, text);
        top = outcome.value;
        continue;
      }
      case Instruction::Code::binary: {
        std::int64_t right = step->operand;
        if (step->right == Instruction::Right::slot) {
          right = frame.slots[static_cast<std::size_t>(step->operand)];
        } else if (step->right == Instruction::Right::stack) {
          right = top;
          top = *--below;
        }
        const Outcome outcome = apply(step->op, top, right);
        if (outcome.failure != nullptr) fail(outcome.failure, text);
        top = outcome.value;
        continue;
      }
      case Instruction::Code::done:
        return top;
    }
  }
}

int TreeBuilder::append(ExpressionNode node) {
  nodes_.push_back(node);
  return static_cast<int>(nodes_.size()) - 1;
}

std::optional<std::int64_t> TreeBuilder::constant_at(int node) const {
  const ExpressionNode& found = nodes_[static_cast<std::size_t>(node)];
  return found.op == Operator::constant ? std::optional(found.value) : std::nullopt;
}

int TreeBuilder::constant(std::int64_t value) {
  return append({.op = Operator::constant, .value = value});
}
int TreeBuilder::slot(int slot) {
  return append({.op = Operator::slot, .value = slot});
}
int TreeBuilder::table_length(int table) {
  return append({.op = Operator::table_length, .value = table});
}

int TreeBuilder::unary(Operator op, int a, std::int64_t table) {
  const auto value = constant_at(a);
  if (value && is_unary(op)) {
    const Outcome outcome = apply(op, *value);
    if (outcome.failure == nullptr) return constant(outcome.value);
  }
  return append({.op = op, .a = a, .value = table});
}

int TreeBuilder::binary(Operator op, int a, int b) {
  const auto left = constant_at(a);
  const auto right = constant_at(b);
  if (op == Operator::logical_and || op == Operator::logical_or) {
    if (left) {
      const bool decided = (*left != 0) == (op == Operator::logical_or);
      return decided ? constant(*left != 0) : unary(Operator::to_bool, b);
    }
    return append({.op = op, .a = a, .b = b});
  }
  if (left && right) {
    const Outcome outcome = apply(op, *left, *right);
    if (outcome.failure == nullptr) return constant(outcome.value);
  }
  const bool keeps_left =
      (right == 0 && (op == Operator::add || op == Operator::subtract)) ||
      (right == 1 && (op == Operator::multiply || op == Operator::divide || op == Operator::ceil_div));
  if (keeps_left) return a;
  const bool keeps_right = (left == 0 && op == Operator::add) || (left == 1 && op == Operator::multiply);
  if (keeps_right) return b;
  return append({.op = op, .a = a, .b = b});
}

int TreeBuilder::conditional(int condition, int then, int otherwise) {
  if (const auto value = constant_at(condition)) return *value != 0 ? then : otherwise;
  return append({.op = Operator::conditional, .a = condition, .b = then, .c = otherwise});
}

ExpressionTree TreeBuilder::finish(int root) {
  ExpressionTree tree;
  tree.nodes = std::move(nodes_);
  tree.root = root;
  Emitter emitter(tree);
  emitter.emit(root, 0);
  emitter.push({.code = Instruction::Code::done});
  nodes_.clear();
  return tree;
}

std::optional<LinearForm> linear_form(const ExpressionTree& tree) {
  auto form = linear_form(tree.nodes, tree.root);
  return form && form->slot >= 0 && form->scale != 0 ? form : std::nullopt;
}

}  // namespace weir
