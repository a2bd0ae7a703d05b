// The head of a definition: name, problem parameters and tables. variant_loader.cpp has the rest.
#include "kernels/definition_loader.h"

#include <algorithm>

#include "base/suggest.h"
#include "kernels/element.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

constexpr std::int64_t kFormat = 1;

// Values of enums are numbered by name, so that parameters compare whatever order they list them in: element
// types as enum Element, other names in order of their first appearance.
void load_enum(const YamlNode& values, ParameterModel& parameter, DefinitionModel& definition) {
  const std::string what = "the values of '" + parameter.info.name + "'";
  expect_list(values, what);
  if (values.children.empty())
    throw YamlError(values.line, "found no entry in " + what + "; expected at least one");
  std::size_t elements = 0;
  for (const YamlNode& child : values.children) {
    const std::string value = read_name(child, "an entry of " + what);
    auto& known = parameter.info.values;
    if (std::find(known.begin(), known.end(), value) != known.end()) {
      throw YamlError(child.line, "found '" + value + "' twice in " + what + "; expected each value once");
    }
    known.push_back(value);
    const auto element = parse_element(value);
    elements += element.has_value();
    if (definition.enum_values.contains(value)) continue;
    const auto others = std::count_if(definition.enum_values.begin(), definition.enum_values.end(),
                                      [](const auto& entry) { return !parse_element(entry.first); });
    define(definition.base, value, child.line, "an entry of " + what);
    definition.enum_values[value] = element ? static_cast<std::int64_t>(*element) : others;
  }
  if (elements != 0 && elements != values.children.size()) {
    throw YamlError(values.line,
                    "found element types and other names in " + what + "; expected only one kind");
  }
  parameter.is_element = elements != 0;
}

// A default that needs no other parameter can be checked now.
void check_constant_default(const ParameterModel& parameter, const DefinitionModel& definition) {
  std::vector<std::int64_t> slots(static_cast<std::size_t>(definition.base.scope.size()));
  std::vector<bool> known(slots.size(), false);
  for (const auto& [name, value] : definition.enum_values) {
    const auto slot = static_cast<std::size_t>(*definition.base.scope.slot(name));
    slots[slot] = value;
    known[slot] = true;
  }
  const Frame frame{slots, {}};
  const Expression folded = parameter.fallback->expression.fold(frame, known);
  if (!folded.is_constant()) return;
  const std::int64_t value = folded.constant();
  const auto fail = [&](const std::string& expected) {
    throw YamlError(parameter.fallback->line, "found '" + parameter.fallback->expression.text() +
                                                  "' as the default of '" + parameter.info.name +
                                                  "'; expected " + expected);
  };
  switch (parameter.info.type) {
    case ParameterInfo::Type::boolean:
      if (value != 0 && value != 1) fail("true or false");
      break;
    case ParameterInfo::Type::enumeration: {
      const auto& values = parameter.info.values;
      const bool listed = std::any_of(values.begin(), values.end(), [&](const std::string& name) {
        return name == parameter.fallback->expression.text();
      });
      if (!listed) fail("one of " + list_of(values));
      break;
    }
    case ParameterInfo::Type::integer: {
      const auto constant = [](const std::optional<Formula>& formula) {
        return formula && formula->expression.is_constant() ? std::optional(formula->expression.constant())
                                                            : std::nullopt;
      };
      if (const auto min = constant(parameter.min); min && value < *min)
        fail("at least " + std::to_string(*min));
      if (const auto max = constant(parameter.max); max && value > *max)
        fail("at most " + std::to_string(*max));
      if (const auto unit = constant(parameter.multiple_of); unit && value % *unit != 0) {
        fail("a multiple of " + std::to_string(*unit));
      }
      break;
    }
  }
}

void load_parameter(const YamlNode& node, DefinitionModel& definition) {
  ParameterModel parameter;
  parameter.info.name = node.key;
  parameter.line = node.key_line;
  const std::string what = "the problem parameter '" + node.key + "'";
  const Fields fields(node, what,
                      {"type", "min", "max", "multiple_of", "values", "default", "compile_time", "summary"});
  const YamlNode& type = fields.require("type", "type: int, bool or enum");
  parameter.info.type = static_cast<ParameterInfo::Type>(
      read_choice(type, "the type of '" + node.key + "'", {"int", "bool", "enum"}));
  if (const YamlNode* text = fields.find("summary")) parameter.info.summary = read_text(*text, "a summary");

  const auto only_for = [&](const char* key, ParameterInfo::Type allowed, const char* type_name) {
    const YamlNode* found = fields.find(key);
    if (found != nullptr && parameter.info.type != allowed) {
      throw YamlError(found->key_line, "found " + in_quotes(key) + " in " + what +
                                           "; expected it only with type: " + type_name);
    }
    return found;
  };
  const Scope& earlier = definition.base.scope;
  const auto limit = [&](const char* key) -> std::optional<Formula> {
    const YamlNode* found = only_for(key, ParameterInfo::Type::integer, "int");
    if (found == nullptr) return std::nullopt;
    return read_formula(*found, in_quotes(key) + " of " + in_quotes(node.key), earlier);
  };
  parameter.min = limit("min");
  parameter.max = limit("max");
  parameter.multiple_of = limit("multiple_of");
  if (parameter.multiple_of && parameter.multiple_of->expression.is_constant() &&
      parameter.multiple_of->expression.constant() < 1) {
    throw YamlError(parameter.multiple_of->line, "found '" + parameter.multiple_of->expression.text() +
                                                     "' as 'multiple_of'; expected at least 1");
  }
  const YamlNode* values = only_for("values", ParameterInfo::Type::enumeration, "enum");
  if (parameter.info.type == ParameterInfo::Type::enumeration) {
    load_enum(fields.require("values", "values: [first, second]"), parameter, definition);
    (void)values;
  }
  parameter.info.compile_time = parameter.is_element;
  if (const YamlNode* flag = fields.find("compile_time")) {
    parameter.info.compile_time = read_bool(*flag, "'compile_time' of '" + node.key + "'");
    if (parameter.is_element && !parameter.info.compile_time) {
      throw YamlError(flag->line, "found 'compile_time: false' in " + what +
                                      "; expected true, because element types are always compiled in");
    }
  }
  if (const YamlNode* fallback = fields.find("default")) {
    parameter.fallback = read_formula(*fallback, "the default of '" + node.key + "'", earlier);
    parameter.info.default_text = fallback->text;
    check_constant_default(parameter, definition);
  }
  parameter.slot = define(definition.base, node.key, node.key_line, "a problem parameter");
  definition.parameters.push_back(std::move(parameter));
}

void load_tables(const YamlNode& node, DefinitionModel& definition) {
  expect_map(node, "'tables'");
  for (const YamlNode& child : node.children) {
    TableModel table;
    table.name = child.key;
    table.line = child.key_line;
    const Fields fields(child, "the table '" + child.key + "'", {"summary", "length"});
    if (const YamlNode* length = fields.find("length")) {
      table.length = read_formula(*length, "the length of '" + child.key + "'", definition.base.scope);
    }
    define_without_slot(definition.base, child.key, child.key_line, "a table");
    definition.tables.push_back(std::move(table));
  }
  // Afterwards: the lengths themselves cannot use tables.
  for (const TableModel& table : definition.tables) definition.base.scope.add_table(table.name);
}

void load_variants(const YamlNode& root, const std::filesystem::path& folder, DefinitionModel& definition) {
  const Fields fields(root, "a kernel definition", definition_keys());
  const YamlNode* variants = fields.find("variants");
  if (variants == nullptr) {
    definition.variants.push_back(load_variant(root, nullptr, folder, definition));
    return;
  }
  expect_list(*variants, "'variants'");
  if (variants->children.empty()) {
    throw YamlError(variants->line, "found an empty 'variants'; expected at least one, or no such key");
  }
  for (const YamlNode& own : variants->children) {
    VariantModel variant = load_variant(root, &own, folder, definition);
    for (const VariantModel& other : definition.variants) {
      if (other.info.name == variant.info.name) {
        throw YamlError(own.line,
                        "found a second variant '" + variant.info.name + "'; expected each name once");
      }
    }
    definition.variants.push_back(std::move(variant));
  }
}

}  // namespace

int Names::add(const std::string& name) {
  const int slot = scope.add(name);
  by_slot.resize(static_cast<std::size_t>(slot) + 1);
  by_slot[static_cast<std::size_t>(slot)] = name;
  return slot;
}

const std::vector<DeviceFact>& device_facts() {
  static const std::vector<DeviceFact> facts{
      {"device.compute_capability", [](const DeviceLimits& device) { return device.compute_capability; }},
      {"device.sm_count", [](const DeviceLimits& device) { return device.sm_count; }},
      {"device.max_threads_per_sm", [](const DeviceLimits& device) { return device.max_threads_per_sm; }},
      {"device.registers_per_sm", [](const DeviceLimits& device) { return device.registers_per_sm; }},
      {"device.shared_bytes_per_sm", [](const DeviceLimits& device) { return device.shared_bytes_per_sm; }},
      {"device.shared_bytes_per_block",
       [](const DeviceLimits& device) { return device.shared_bytes_per_block; }},
      {"device.l2_bytes", [](const DeviceLimits& device) { return device.l2_bytes; }},
      {"device.on_chip_bytes",
       [](const DeviceLimits& device) { return device.sm_count * device.shared_bytes_per_sm; }},
  };
  return facts;
}

std::string value_text(std::int64_t value, bool boolean) {
  if (boolean) return value != 0 ? "true" : "false";
  return std::to_string(value);
}

const std::vector<std::string>& definition_keys() {
  static const std::vector<std::string> keys{
      "format", "kernel",       "summary",  "problem",  "tables",       "tensors", "tunables", "default",
      "let",    "restrictions", "variants", "launches", "useful_flops", "bounds",  "verify"};
  return keys;
}

void load_definition(const YamlNode& root, const std::filesystem::path& folder, DefinitionModel& definition) {
  const Fields fields(root, "a kernel definition", definition_keys());
  const YamlNode& format = fields.require("format", "format: 1");
  if (const std::int64_t version = read_integer(format, "'format'"); version != kFormat) {
    throw YamlError(format.line,
                    "found format " + std::to_string(version) + "; expected 1, the one that this Weir reads");
  }
  definition.name = read_name(fields.require("kernel", "kernel: the kernel's name"), "the kernel's name");
  if (const YamlNode* summary = fields.find("summary")) definition.summary = read_text(*summary, "'summary'");

  for (const DeviceFact& fact : device_facts()) definition.base.add(fact.name);
  const YamlNode& problem = fields.require("problem", "the problem's parameters");
  expect_map(problem, "'problem'");
  for (const YamlNode& node : problem.children) load_parameter(node, definition);
  if (const YamlNode* tables = fields.find("tables")) load_tables(*tables, definition);

  load_variants(root, folder, definition);

  for (const ParameterModel& parameter : definition.parameters)
    definition.parameter_infos.push_back(parameter.info);
  for (const TableModel& table : definition.tables) definition.table_names.push_back(table.name);
  for (const VariantModel& variant : definition.variants) definition.variant_infos.push_back(variant.info);
}

}  // namespace weir
