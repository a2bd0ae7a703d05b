#include "kernels/expression_tree.h"

#include <algorithm>

#include "kernels/expression_operators.h"

namespace weir {

namespace {

bool is_binary(Operator op) {
  return op >= Operator::add && op <= Operator::ceil_div;
}
bool is_unary(Operator op) {
  return op >= Operator::negate && op <= Operator::real_key;
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
        push({.op = Operator::constant, .operand = node.value});
        return;
      case Operator::slot:
        push({.op = Operator::slot, .operand = node.value});
        return;
      case Operator::table_length:
        push({.op = Operator::table_length, .operand = node.value});
        return;
      case Operator::logical_and:
      case Operator::logical_or: {
        emit(node.a, depth);
        const bool conjunction = node.op == Operator::logical_and;
        const std::size_t jump = push({.op = conjunction ? Operator::and_then : Operator::or_else});
        emit(node.b, depth);
        push({.op = Operator::to_bool});
        land(jump);
        return;
      }
      case Operator::conditional: {
        emit(node.a, depth);
        const std::size_t to_else = push({.op = Operator::jump_if_false});
        emit(node.b, depth);
        const std::size_t to_end = push({.op = Operator::jump});
        land(to_else);
        emit(node.c, depth);
        land(to_end);
        return;
      }
      case Operator::formula_some:
      case Operator::formula_all:
      case Operator::lower_bound: {
        for (int next = node.a; next >= 0;) {
          const ExpressionNode& argument = tree_.nodes[static_cast<std::size_t>(next)];
          emit(argument.a, depth++);
          next = argument.b;
        }
        push({.op = node.op, .operand = node.value});
        return;
      }
      default:
        break;
    }
    emit(node.a, depth);
    if (!is_binary(node.op)) {
      push({.op = node.op, .operand = node.value});
      return;
    }
    const ExpressionNode& right = tree_.nodes[static_cast<std::size_t>(node.b)];
    Instruction instruction{.op = node.op};
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

}  // namespace

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

int TreeBuilder::formula(Operator op, int formula, const std::vector<int>& arguments) {
  int list = -1;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument)
    list = append({.op = Operator::argument, .a = *argument, .b = list});
  return append({.op = op, .a = list, .value = formula});
}

int TreeBuilder::table_name(int table) {
  return append({.op = Operator::table_name, .value = table});
}

int TreeBuilder::table_of(int table_name) const {
  return static_cast<int>(nodes_[static_cast<std::size_t>(table_name)].value);
}

int TreeBuilder::lower_bound(int table, const std::vector<int>& arguments) {
  return formula(Operator::lower_bound, table, arguments);
}

ExpressionTree TreeBuilder::finish(int root) {
  ExpressionTree tree;
  tree.nodes = std::move(nodes_);
  tree.root = root;
  Emitter emitter(tree);
  emitter.emit(root, 0);
  emitter.push({.op = Operator::done});
  nodes_.clear();
  return tree;
}

std::optional<LinearForm> linear_form(const ExpressionTree& tree) {
  auto form = linear_form(tree.nodes, tree.root);
  return form && form->slot >= 0 && form->scale != 0 ? form : std::nullopt;
}

}  // namespace weir
