// The head of a definition: name, problem parameters and tables. variant_loader.cpp has the rest.
#include "kernels/definition_loader.h"

#include "base/suggest.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

constexpr std::int64_t kFormat = 1;

void load_tables(const YamlNode& node, DefinitionModel& definition) {
  expect_map(node, "'tables'");
  for (const YamlNode& child : node.children) {
    TableModel table;
    table.name = child.key;
    table.line = child.key_line;
    const Fields fields(child, "the table '" + child.key + "'", {"summary", "length"});
    if (const YamlNode* length = fields.find("length")) {
      table.length = read_expression(*length, "the length of '" + child.key + "'", definition.base.scope);
    }
    define_without_slot(definition.base, child.key, child.key_line, "a table");
    definition.tables.push_back(std::move(table));
  }
  // Afterwards: the lengths themselves cannot use tables.
  for (const TableModel& table : definition.tables) {
    definition.base.scope.add_table(table.name);
    definition.table_names.push_back(table.name);
  }
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
  for (const VariantModel& variant : definition.variants) definition.variant_infos.push_back(variant.info);
}

}  // namespace weir
