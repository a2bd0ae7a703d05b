// One entry of `launches`: its geometry and arguments; program_loader.cpp reads the block program.
#include <algorithm>

#include "base/suggest.h"
#include "kernels/definition_loader.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

constexpr const char* kArgumentForms =
    "{i32: expression}, {i64: expression}, {f32: expression}, {table: name}, "
    "{tensor_map: tensor, box: […]}";

// An f32: a real parameter's name or an integer expression.
void load_real_argument(const YamlNode& node, const VariantModel& variant, ArgumentModel& argument) {
  const auto slot = node.kind == YamlNode::Kind::scalar ? variant.names.scope.slot(node.text) : std::nullopt;
  if (slot && variant.names.scope.is_real(*slot)) {
    argument.parameter = node.text;
  } else {
    argument.value = read_expression(node, "an argument", variant.names.scope);
  }
}

std::vector<std::string> tensor_names(const VariantModel& variant) {
  std::vector<std::string> names;
  for (const TensorModel& tensor : variant.tensors) names.push_back(tensor.name);
  return names;
}

ArgumentModel load_tensor_map(const YamlNode& node, const VariantModel& variant) {
  const Fields fields(node, "a tensor map", {"tensor_map", "box", "swizzle", "if"});
  const Scope& scope = variant.names.scope;
  ArgumentModel argument;
  argument.kind = Argument::Kind::tensor_map;
  argument.index = static_cast<int>(read_choice(fields.require("tensor_map", "the tensor's name"),
                                                "the tensor of a tensor map", tensor_names(variant)));
  const TensorModel& tensor = variant.tensors[static_cast<std::size_t>(argument.index)];
  argument.box =
      read_expressions(fields.require("box", "box: elements that one copy moves, in each dimension"),
                       "'box' of '" + tensor.name + "'", scope);
  if (argument.box.size() != tensor.shape.size()) {
    throw YamlError(node.line, "found " + std::to_string(argument.box.size()) + " entries in 'box' of '" +
                                   tensor.name + "'; expected " + std::to_string(tensor.shape.size()) +
                                   ", one per dimension");
  }
  argument.swizzle.line = node.line;
  if (const YamlNode* swizzle = fields.find("swizzle")) {
    argument.swizzle = read_expression(*swizzle, "'swizzle' of '" + tensor.name + "'", scope);
  }
  if (const YamlNode* used = fields.find("if")) {
    argument.used = read_expression(*used, "'if' of the tensor map of '" + tensor.name + "'", scope);
  }
  return argument;
}

bool has_key(const YamlNode& node, const std::string& key) {
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const YamlNode& child) { return child.key == key; });
}

ArgumentModel load_argument_map(const YamlNode& node, const VariantModel& variant,
                                const std::vector<std::string>& tables) {
  const Fields fields(node, "an argument", {"i32", "i64", "f32", "table"});
  if (node.children.size() != 1) {
    throw YamlError(node.line, "found an argument with " + std::to_string(node.children.size()) +
                                   " values; expected a tensor's name or one of " + kArgumentForms);
  }
  const YamlNode& value = node.children.front();
  ArgumentModel argument;
  if (value.key == "table") {
    argument.kind = Argument::Kind::table;
    argument.index = static_cast<int>(read_choice(value, "the table of an argument", tables));
  } else if (value.key == "f32") {
    argument.kind = Argument::Kind::f32;
    load_real_argument(value, variant, argument);
  } else {
    argument.kind = value.key == "i32" ? Argument::Kind::i32 : Argument::Kind::i64;
    argument.value = read_expression(value, "an argument", variant.names.scope);
  }
  return argument;
}

ArgumentModel load_argument(const YamlNode& node, const VariantModel& variant,
                            const std::vector<std::string>& tables) {
  if (node.kind == YamlNode::Kind::map && has_key(node, "tensor_map")) return load_tensor_map(node, variant);
  if (node.kind == YamlNode::Kind::map) return load_argument_map(node, variant, tables);
  std::vector<std::string> names;
  for (const TensorModel& tensor : variant.tensors) names.push_back(tensor.name);
  const auto found =
      node.kind == YamlNode::Kind::scalar ? std::find(names.begin(), names.end(), node.text) : names.end();
  if (found == names.end()) {
    throw YamlError(node.line, "found " + describe(node) + " as an argument; expected " + kArgumentForms +
                                   " or one of the tensors " + list_of(names) +
                                   did_you_mean(node.text, names));
  }
  ArgumentModel argument;
  argument.index = static_cast<int>(found - names.begin());
  return argument;
}

}  // namespace

std::vector<ArgumentModel> load_arguments(const YamlNode& node, const VariantModel& variant,
                                          const std::vector<std::string>& tables) {
  expect_list(node, "'arguments'");
  check_split_by_comma(node);
  std::vector<ArgumentModel> arguments;
  for (const YamlNode& child : node.children) arguments.push_back(load_argument(child, variant, tables));
  return arguments;
}

LaunchModel load_launch(const YamlNode& node, const VariantModel& variant,
                        const std::vector<std::string>& tables, std::vector<bool>& written) {
  const Fields fields(
      node, "a launch",
      {"name", "entry", "grid", "threads", "shared_bytes", "registers_per_thread", "blocks_per_sm", "cluster",
       "work_items", "schedule", "items_ahead", "arguments", "program", "summary"});
  const Scope& scope = variant.names.scope;
  LaunchModel launch;
  launch.line = node.line;
  launch.name = read_name(fields.require("name", "name: the launch's name"), "the launch's name");
  const std::string of = " of the launch '" + launch.name + "'";
  if (const YamlNode* entry = fields.find("entry")) launch.entry = read_name(*entry, "'entry'" + of);
  if (launch.entry.empty() && !variant.info.source.empty()) {
    throw YamlError(node.line, "found the launch '" + launch.name + "' without 'entry', but the source '" +
                                   variant.info.source.filename().string() +
                                   "'; expected the name of its function");
  }
  launch.grid = read_extent3(fields.require("grid", "grid: blocks in x, y and z"), "'grid'" + of, scope);
  launch.threads = read_extent3(fields.require("threads", "threads: of a block"), "'threads'" + of, scope);
  launch.cluster.fill(LocatedExpression{Expression(1), node.line});
  if (const YamlNode* cluster = fields.find("cluster"))
    launch.cluster = read_extent3(*cluster, "'cluster'" + of, scope);
  const auto optional_expression = [&](const char* key, LocatedExpression& located) {
    located.line = node.line;
    if (const YamlNode* found = fields.find(key)) {
      located = read_expression(*found, in_quotes(key) + of, scope);
    }
  };
  optional_expression("shared_bytes", launch.shared_bytes);
  optional_expression("registers_per_thread", launch.registers_per_thread);
  optional_expression("blocks_per_sm", launch.blocks_per_sm);
  if (const YamlNode* items = fields.find("work_items")) {
    launch.work_items = read_expression(*items, "'work_items'" + of, scope);
  }
  if (const YamlNode* schedule = fields.find("schedule")) {
    launch.schedule = static_cast<Schedule>(read_choice(*schedule, "'schedule'" + of, {"static", "dynamic"}));
  }
  if (const YamlNode* ahead = fields.find("items_ahead")) {
    if (launch.schedule != Schedule::dynamic_items) {
      throw YamlError(ahead->line,
                      "found 'items_ahead'" + of + "; expected it with 'schedule: dynamic' only");
    }
    launch.items_ahead = read_expression(*ahead, "'items_ahead'" + of, scope);
  }
  if (const YamlNode* arguments = fields.find("arguments")) {
    launch.arguments = load_arguments(*arguments, variant, tables);
  } else if (!launch.entry.empty()) {
    throw YamlError(node.line, "found the launch '" + launch.name +
                                   "' with 'entry' and without 'arguments'; expected the "
                                   "arguments of that function in order");
  }

  Names names = variant.names;
  launch.item_slot = names.add("item");
  launch.block_slot = names.add("block");
  launch.block_x_slot = names.add("block_x");
  launch.block_y_slot = names.add("block_y");
  launch.block_z_slot = names.add("block_z");
  const YamlNode& program = fields.require("program", "program: the memory actions of one work item");
  launch.program = load_program(program, variant.tensors, names, written);
  launch.slots = names.scope.size();
  return launch;
}

}  // namespace weir
