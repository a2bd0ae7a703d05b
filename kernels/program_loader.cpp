// The block program of a launch.
#include <algorithm>

#include "base/suggest.h"
#include "kernels/definition_loader.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

constexpr int kMaxActions = 10'000;

const std::vector<std::string>& action_keys() {
  static const std::vector<std::string> keys{"let", "for", "if", "load", "store", "reduce", "compute"};
  return keys;
}

class ProgramLoader {
 public:
  ProgramLoader(const std::vector<TensorModel>& tensors, std::vector<bool>& written)
      : tensors_(tensors), written_(written) {}

  // Names that the list defines are added to `names`.
  std::vector<Action> load_list(const YamlNode& list, Names& names, const std::string& what) {
    expect_list(list, what);
    if (list.children.empty())
      throw YamlError(list.line, "found no action in " + what + "; expected at least one");
    std::vector<Action> actions;
    for (const YamlNode& node : list.children) load_action(node, names, actions);
    return actions;
  }

 private:
  void load_action(const YamlNode& node, Names& names, std::vector<Action>& actions) {
    if (++count_ > kMaxActions) {
      throw YamlError(node.line, "found more than 10000 actions; expected loops instead of repetition");
    }
    expect_map(node, "an action of the program");
    const auto key = std::find_first_of(
        node.children.begin(), node.children.end(), action_keys().begin(), action_keys().end(),
        [](const YamlNode& child, const std::string& known) { return child.key == known; });
    if (key == node.children.end()) {
      const std::string found = node.children.empty() ? "nothing" : "'" + node.children.front().key + "'";
      throw YamlError(
          node.line,
          "found " + found + " as an action of the program; expected one of " + list_of(action_keys()) +
              (node.children.empty() ? "" : did_you_mean(node.children.front().key, action_keys())));
    }
    if (key->key == "let") {
      load_lets(node, names, actions);
    } else if (key->key == "for") {
      actions.push_back(load_loop(node, names));
    } else if (key->key == "if") {
      actions.push_back(load_branch(node, names));
    } else if (key->key == "compute") {
      actions.push_back(load_compute(node, names));
    } else {
      actions.push_back(load_access(node, key->key, names));
    }
  }

  void load_lets(const YamlNode& node, Names& names, std::vector<Action>& actions) {
    const Fields fields(node, "a 'let' action", {"let"});
    const YamlNode& lets = *fields.find("let");
    expect_map(lets, "'let'");
    check_split_by_comma(lets);
    for (const YamlNode& entry : lets.children) {
      Action action;
      action.kind = Action::Kind::let;
      action.line = entry.key_line;
      action.value = read_expression(entry, "the let '" + entry.key + "'", names.scope).expression;
      action.slot = define(names, entry.key, entry.key_line, "a let");
      actions.push_back(std::move(action));
    }
  }

  // The names of the body end with it.
  std::vector<Action> load_body(const YamlNode& list, Names& outer, Names inner, const std::string& what) {
    std::vector<Action> actions = load_list(list, inner, what);
    outer.scope.skip_to(inner.scope.size());
    return actions;
  }

  Action load_loop(const YamlNode& node, Names& names) {
    const Fields fields(node, "a 'for' action", {"for", "in", "prefetch", "do"});
    Action action;
    action.kind = Action::Kind::loop;
    action.line = node.line;
    const std::string variable = read_name(*fields.find("for"), "the loop variable");
    const YamlNode& range = fields.require("in", "in: [from, to] or [from, to, step]");
    const std::vector<LocatedExpression> expressions =
        read_expressions(range, "the range of '" + variable + "'", names.scope);
    if (expressions.size() != 2 && expressions.size() != 3) {
      throw YamlError(range.line, "found " + std::to_string(expressions.size()) +
                                      " entries in the range of '" + variable +
                                      "'; expected [from, to] or [from, to, step]");
    }
    action.from = expressions[0].expression;
    action.to = expressions[1].expression;
    action.step = expressions.size() == 3 ? expressions[2].expression : Expression(1);
    if (action.step.is_constant() && action.step.constant() == 0) {
      throw YamlError(range.line,
                      "found the step 0, with which '" + variable + "' never ends; expected another step");
    }
    if (const YamlNode* prefetch = fields.find("prefetch")) {
      action.prefetch = read_expression(*prefetch, "'prefetch'", names.scope).expression;
    }
    const YamlNode& body = fields.require("do", "do: the loop's actions");
    Names inner = names;
    action.slot = define(inner, variable, node.line, "a loop variable");
    action.body = load_body(body, names, std::move(inner), "'do'");
    return action;
  }

  Action load_branch(const YamlNode& node, Names& names) {
    const Fields fields(node, "an 'if' action", {"if", "then", "else"});
    Action action;
    action.kind = Action::Kind::branch;
    action.line = node.line;
    action.value = read_expression(*fields.find("if"), "'if'", names.scope).expression;
    action.body = load_body(fields.require("then", "then: the actions if it holds"), names, names, "'then'");
    if (const YamlNode* otherwise = fields.find("else"))
      action.otherwise = load_body(*otherwise, names, names, "'else'");
    return action;
  }

  Action load_access(const YamlNode& node, const std::string& kind, const Names& names) {
    const Fields fields(node, "a '" + kind + "' action", {kind, "at", "extent", "hint", "multicast"});
    Action action;
    action.kind = Action::Kind::access;
    action.line = node.line;
    action.access = kind == "load"    ? AccessKind::load
                    : kind == "store" ? AccessKind::store
                                      : AccessKind::reduce;
    action.tensor = find_tensor(*fields.find(kind), kind);
    const TensorModel& tensor = tensors_[static_cast<std::size_t>(action.tensor)];
    check_role(node, tensor, action);
    action.start = load_box(fields.require("at", "at: the first element in each dimension"), "'at'", tensor,
                            names.scope);
    action.extent = load_box(fields.require("extent", "extent: elements in each dimension"), "'extent'",
                             tensor, names.scope);
    if (const YamlNode* hint = fields.find("hint")) {
      action.hint = static_cast<CacheHint>(
          read_choice(*hint, "'hint'", {"normal", "streaming", "evict_first", "evict_last"}));
    }
    action.multicast = Expression(1);
    if (const YamlNode* multicast = fields.find("multicast")) {
      if (action.access != AccessKind::load) {
        throw YamlError(multicast->key_line,
                        "found 'multicast' in a '" + kind + "' action; expected it only in 'load'");
      }
      action.multicast = read_expression(*multicast, "'multicast'", names.scope).expression;
    }
    return action;
  }

  int find_tensor(const YamlNode& node, const std::string& kind) const {
    std::vector<std::string> names;
    for (const TensorModel& tensor : tensors_) names.push_back(tensor.name);
    return static_cast<int>(read_choice(node, "the tensor of '" + kind + "'", names));
  }

  void check_role(const YamlNode& node, const TensorModel& tensor, const Action& action) {
    const auto index = static_cast<std::size_t>(action.tensor);
    if (action.access == AccessKind::load) {
      if (tensor.role != Role::out || written_[index]) return;
      throw YamlError(node.line,
                      "found a load of the out tensor '" + tensor.name +
                          "' before anything is stored to it; expected role: inout, or a store before");
    }
    if (tensor.role == Role::in) {
      throw YamlError(node.line, "found a " +
                                     std::string(action.access == AccessKind::store ? "store" : "reduce") +
                                     " to '" + tensor.name +
                                     "', which has role: in; expected role: out, inout or scratch");
    }
    written_[index] = true;
  }

  static std::vector<Expression> load_box(const YamlNode& list, const std::string& what,
                                          const TensorModel& tensor, const Scope& scope) {
    const std::vector<LocatedExpression> entries =
        read_expressions(list, what + " of '" + tensor.name + "'", scope);
    if (entries.size() != tensor.shape.size()) {
      throw YamlError(list.line, "found " + std::to_string(entries.size()) + " entries in " + what + " of '" +
                                     tensor.name + "'; expected " + std::to_string(tensor.shape.size()) +
                                     ", one per dimension");
    }
    std::vector<Expression> expressions;
    for (const LocatedExpression& located : entries) expressions.push_back(located.expression);
    return expressions;
  }

  static Action load_compute(const YamlNode& node, const Names& names) {
    const Fields action_fields(node, "a 'compute' action", {"compute"});
    const YamlNode& amounts = *action_fields.find("compute");
    const Fields fields(amounts, "'compute'", {"tensor_flops", "fp32_flops", "special_ops", "shared_bytes"});
    Action action;
    action.kind = Action::Kind::compute;
    action.line = node.line;
    if (amounts.children.empty())
      throw YamlError(node.line, "found an empty 'compute'; expected at least one amount");
    const auto amount = [&](const char* key, Expression& expression) {
      if (const YamlNode* found = fields.find(key)) {
        expression = read_expression(*found, in_quotes(key), names.scope).expression;
      }
    };
    amount("tensor_flops", action.tensor_flops);
    amount("fp32_flops", action.fp32_flops);
    amount("special_ops", action.special_ops);
    amount("shared_bytes", action.shared_bytes);
    return action;
  }

  const std::vector<TensorModel>& tensors_;
  std::vector<bool>& written_;
  int count_ = 0;
};

}  // namespace

std::vector<Action> load_program(const YamlNode& list, const std::vector<TensorModel>& tensors, Names& names,
                                 std::vector<bool>& written) {
  return ProgramLoader(tensors, written).load_list(list, names, "'program'");
}

}  // namespace weir
