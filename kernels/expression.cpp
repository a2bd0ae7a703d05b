#include "kernels/expression.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <limits>

#include "kernels/expression_operators.h"
#include "kernels/expression_tree.h"

namespace weir {

namespace {

// Copies `from`'s tree into `builder`, with known slots and table entries as constants.
class Folder {
 public:
  Folder(const ExpressionTree& from, const Frame& frame, const std::vector<bool>& known)
      : from_(from), frame_(frame), known_(known) {}

  int copy(int index, TreeBuilder& builder) const {
    const ExpressionNode& node = from_.nodes[static_cast<std::size_t>(index)];
    switch (node.op) {
      case Operator::constant:
        return builder.constant(node.value);
      case Operator::slot: {
        const auto slot = static_cast<std::size_t>(node.value);
        const bool known = slot < known_.size() && known_[slot];
        return known ? builder.constant(frame_.slots[slot]) : builder.slot(static_cast<int>(slot));
      }
      case Operator::table_length: {
        const auto* table = table_at(node.value);
        return table != nullptr ? builder.constant(static_cast<std::int64_t>(table->size()))
                                : builder.table_length(static_cast<int>(node.value));
      }
      case Operator::table: {
        const int position = copy(node.a, builder);
        const auto entry = builder.constant_at(position);
        const auto* table = table_at(node.value);
        if (entry && table != nullptr && *entry >= 0 && *entry < static_cast<std::int64_t>(table->size())) {
          return builder.constant((*table)[static_cast<std::size_t>(*entry)]);
        }
        return builder.unary(Operator::table, position, node.value);
      }
      case Operator::conditional: {
        const int condition = copy(node.a, builder);
        if (const auto value = builder.constant_at(condition))
          return copy(*value != 0 ? node.b : node.c, builder);
        const int then = copy(node.b, builder);
        return builder.conditional(condition, then, copy(node.c, builder));
      }
      case Operator::formula_some:
      case Operator::formula_all:
        return copy_formula(node, builder);
      case Operator::lower_bound:
        return copy_lower_bound(node, builder);
      default:
        break;
    }
    const int left = copy(node.a, builder);
    return node.b < 0 ? builder.unary(node.op, left, node.value)
                      : builder.binary(node.op, left, copy(node.b, builder));
  }

 private:
  struct Arguments {
    std::vector<int> nodes;
    std::vector<std::int64_t> constants;  // as many as nodes if all of them are
    bool known() const { return constants.size() == nodes.size(); }
  };
  Arguments copy_arguments(const ExpressionNode& node, TreeBuilder& builder) const {
    Arguments arguments;
    for (int next = node.a; next >= 0;) {
      const ExpressionNode& argument = from_.nodes[static_cast<std::size_t>(next)];
      arguments.nodes.push_back(copy(argument.a, builder));
      if (const auto value = builder.constant_at(arguments.nodes.back())) {
        arguments.constants.push_back(*value);
      }
      next = argument.b;
    }
    return arguments;
  }

  int copy_lower_bound(const ExpressionNode& node, TreeBuilder& builder) const {
    const Arguments arguments = copy_arguments(node, builder);
    const std::vector<std::int64_t>& at = arguments.constants;
    if (const auto* table = table_at(node.value); table != nullptr && arguments.known()) {
      const Outcome found = lower_bound(*table, at[0], at[1], at[2]);
      if (found.failure == nullptr) return builder.constant(found.value);
    }
    return builder.lower_bound(static_cast<int>(node.value), arguments.nodes);
  }

  int copy_formula(const ExpressionNode& node, TreeBuilder& builder) const {
    const Arguments arguments = copy_arguments(node, builder);
    const auto number = static_cast<std::size_t>(node.value);
    if (number < frame_.formulas.size()) {
      const FormulaRange& formula = frame_.formulas[number];
      std::optional<formula::Range> range = formula.constant();
      if (arguments.known()) range = formula.over(arguments.constants.data());
      if (range && node.op == Operator::formula_some) return builder.constant(*range != formula::Range::none);
      if (range) return builder.constant(*range == formula::Range::all);
    }
    return builder.formula(node.op, static_cast<int>(node.value), arguments.nodes);
  }

  const std::vector<std::int64_t>* table_at(std::int64_t table) const {
    return static_cast<std::size_t>(table) < frame_.tables.size()
               ? &frame_.tables[static_cast<std::size_t>(table)]
               : nullptr;
  }

  const ExpressionTree& from_;
  const Frame& frame_;
  const std::vector<bool>& known_;
};

std::vector<int> values_of(const ExpressionTree& tree, std::initializer_list<Operator> operators) {
  std::vector<int> values;
  std::vector<int> pending{tree.root};
  while (!pending.empty()) {
    const ExpressionNode& node = tree.nodes[static_cast<std::size_t>(pending.back())];
    pending.pop_back();
    if (std::find(operators.begin(), operators.end(), node.op) != operators.end()) {
      values.push_back(static_cast<int>(node.value));
    }
    for (const int operand : {node.a, node.b, node.c}) {
      if (operand >= 0) pending.push_back(operand);
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

int Scope::add(const std::string& name) {
  slots_[name] = size_;
  return size_++;
}

int Scope::add_table(const std::string& name) {
  const int number = static_cast<int>(tables_.size());
  return tables_.emplace(name, number).first->second;
}

int Scope::add_formula(const std::string& name, std::vector<std::string> variables, bool gives_bool) {
  const int number = static_cast<int>(formulas_.size());
  return formulas_.emplace(name, FormulaName{number, std::move(variables), gives_bool}).first->second.number;
}

void Scope::skip_to(int size) {
  size_ = std::max(size_, size);
}

std::optional<int> Scope::slot(std::string_view name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<int> Scope::table(std::string_view name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? std::nullopt : std::optional(found->second);
}

const Scope::FormulaName* Scope::formula(std::string_view name) const {
  const auto found = formulas_.find(name);
  return found == formulas_.end() ? nullptr : &found->second;
}

std::vector<std::string> Scope::names() const {
  std::vector<std::string> names;
  for (const auto& [name, slot] : slots_) names.push_back(name);
  for (const auto& [name, table] : tables_) names.push_back(name);
  return names;
}

Expression::Expression(std::int64_t constant)
    : offset_(constant), text_(std::make_shared<const std::string>(std::to_string(constant))) {}

Expression::Expression(std::shared_ptr<const ExpressionTree> tree, std::shared_ptr<const std::string> text)
    : text_(std::move(text)) {
  const ExpressionNode& root = tree->nodes[static_cast<std::size_t>(tree->root)];
  if (root.op == Operator::constant) {
    offset_ = root.value;
    return;
  }
  shape_ = Shape::general;
  if (const auto form = linear_form(*tree)) {
    shape_ = form->scale == 1 && form->offset == 0 ? Shape::slot : Shape::linear;
    slot_ = form->slot;
    scale_ = form->scale;
    offset_ = form->offset;
  }
  tree_ = std::move(tree);
}

std::int64_t real_key(double value) {
  // Bits of a positive double order as the number does, those of a negative one the other way round.
  const auto bits = std::bit_cast<std::int64_t>(value + 0.0);  // -0 is 0
  return bits >= 0 ? bits : std::numeric_limits<std::int64_t>::min() - bits;
}

std::int64_t Expression::run(const Frame& frame) const {
  return run_code(*tree_, frame, *text_);
}

Expression Expression::fold(const Frame& frame, const std::vector<bool>& known) const {
  if (tree_ == nullptr) return *this;
  TreeBuilder builder;
  const int root = Folder(*tree_, frame, known).copy(tree_->root, builder);
  return Expression(std::make_shared<const ExpressionTree>(builder.finish(root)), text_);
}

std::vector<int> Expression::slots() const {
  return tree_ == nullptr ? std::vector<int>{} : values_of(*tree_, {Operator::slot});
}

std::vector<int> Expression::tables() const {
  return tree_ == nullptr
             ? std::vector<int>{}
             : values_of(*tree_, {Operator::table, Operator::table_length, Operator::lower_bound});
}

const std::string& Expression::text() const {
  static const std::string zero = "0";
  return text_ == nullptr ? zero : *text_;
}

}  // namespace weir
