// The problem's parameters: `problem` of a definition.
#include <algorithm>

#include "base/suggest.h"
#include "kernels/definition_loader.h"
#include "kernels/element.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

using Type = ParameterInfo::Type;

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
    case Type::boolean:
      if (value != 0 && value != 1) fail("true or false");
      break;
    case Type::enumeration: {
      const auto& values = parameter.info.values;
      const bool listed = std::any_of(values.begin(), values.end(), [&](const std::string& name) {
        return name == parameter.fallback->expression.text();
      });
      if (!listed) fail("one of " + list_of(values));
      break;
    }
    case Type::integer: {
      const auto constant = [](const std::optional<LocatedExpression>& located) {
        return located && located->expression.is_constant() ? std::optional(located->expression.constant())
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
    case Type::real:
    case Type::formula:
      break;  // load_real and load_formula check theirs
  }
}

// What formulas of the next parameter may use: every number before it.
std::vector<FormulaName> numbers_before(const DefinitionModel& definition) {
  std::vector<FormulaName> names;
  for (const ParameterModel& earlier : definition.parameters) {
    const ParameterInfo& info = earlier.info;
    if (info.type == Type::integer) names.push_back({info.name, FormulaType::integer});
    if (info.type == Type::boolean) names.push_back({info.name, FormulaType::boolean});
    if (info.type == Type::real) names.push_back({info.name, FormulaType::real});
  }
  return names;
}

LocatedFormula read_formula(const YamlNode& node, const std::string& what,
                            const FormulaSignature& signature) {
  if (node.kind != YamlNode::Kind::scalar || !node.tag.empty()) {
    throw YamlError(node.line, "found " + (node.tag.empty() ? describe(node) : in_quotes(node.tag)) + " as " +
                                   what +
                                   "; expected a formula (one with '? :' or a leading '!' needs quotes)");
  }
  Result<Formula> parsed = Formula::parse(node.text, signature);
  if (!parsed)
    throw YamlError(node.line, "in " + what + " " + describe(node) + ", " + parsed.error().message);
  return {std::move(parsed).value(), node.line};
}

class ParameterLoader {
 public:
  ParameterLoader(const YamlNode& node, DefinitionModel& definition)
      : node_(node),
        definition_(definition),
        what_("the problem parameter '" + node.key + "'"),
        fields_(node, what_,
                {"type", "min", "max", "multiple_of", "values", "variables", "gives", "default",
                 "compile_time", "summary"}) {}

  void load() {
    parameter_.info.name = node_.key;
    parameter_.line = node_.key_line;
    parameter_.info.type = static_cast<Type>(
        read_choice(fields_.require("type", "type: int, bool, enum, real or formula"),
                    "the type of '" + node_.key + "'", {"int", "bool", "enum", "real", "formula"}));
    if (const YamlNode* text = fields_.find("summary"))
      parameter_.info.summary = read_text(*text, "a summary");
    check_keys();
    switch (parameter_.info.type) {
      case Type::integer:
        load_limits();
        break;
      case Type::enumeration:
        load_enum(fields_.require("values", "values: [first, second]"), parameter_, definition_);
        break;
      case Type::real:
        load_real();
        break;
      case Type::formula:
        load_formula();
        break;
      case Type::boolean:
        break;
    }
    load_compile_time();
    load_default();
    define_name();
    definition_.parameters.push_back(std::move(parameter_));
  }

 private:
  // Keys that only some types have.
  void check_keys() const {
    struct Key {
      const char* name;
      std::vector<Type> types;
      const char* expected;
    };
    for (const Key& key :
         {Key{"min", {Type::integer, Type::real}, "int or real"},
          Key{"max", {Type::integer, Type::real}, "int or real"}, Key{"multiple_of", {Type::integer}, "int"},
          Key{"values", {Type::enumeration}, "enum"}, Key{"variables", {Type::formula}, "formula"},
          Key{"gives", {Type::formula}, "formula"}}) {
      const YamlNode* found = fields_.find(key.name);
      if (found == nullptr || std::count(key.types.begin(), key.types.end(), parameter_.info.type) > 0)
        continue;
      throw YamlError(found->key_line, "found " + in_quotes(key.name) + " in " + what_ +
                                           "; expected it only with type: " + key.expected);
    }
  }

  void load_limits() {
    const auto limit = [&](const char* key) -> std::optional<LocatedExpression> {
      const YamlNode* found = fields_.find(key);
      if (found == nullptr) return std::nullopt;
      return read_expression(*found, in_quotes(key) + " of " + in_quotes(node_.key), definition_.base.scope);
    };
    parameter_.min = limit("min");
    parameter_.max = limit("max");
    parameter_.multiple_of = limit("multiple_of");
    const auto& unit = parameter_.multiple_of;
    if (unit && unit->expression.is_constant() && unit->expression.constant() < 1) {
      throw YamlError(unit->line,
                      "found '" + unit->expression.text() + "' as 'multiple_of'; expected at least 1");
    }
  }

  void load_real() {
    parameter_.signature.parameters = numbers_before(definition_);
    const auto limit = [&](const char* key) -> std::optional<LocatedFormula> {
      const YamlNode* found = fields_.find(key);
      if (found == nullptr) return std::nullopt;
      return read_formula(*found, in_quotes(key) + " of " + in_quotes(node_.key), parameter_.signature);
    };
    parameter_.real_min = limit("min");
    parameter_.real_max = limit("max");
  }

  void load_formula() {
    FormulaSignature& signature = parameter_.signature;
    signature.parameters = numbers_before(definition_);
    signature.gives_bool = read_choice(fields_.require("gives", "gives: real or bool"), "'gives' of " + what_,
                                       {"real", "bool"}) == 1;
    parameter_.info.gives_bool = signature.gives_bool;
    const std::string list_name = "the variables of '" + node_.key + "'";
    const YamlNode& list = fields_.require("variables", "variables: [score, q_index, k_index]");
    expect_list(list, list_name);
    if (list.children.empty())
      throw YamlError(list.line, "found no entry in " + list_name + "; expected at least one");
    for (const YamlNode& child : list.children) add_variable(child, list_name);
  }

  void add_variable(const YamlNode& node, const std::string& list_name) {
    const std::string name = read_name(node, "an entry of " + list_name);
    std::vector<std::string>& known = parameter_.info.variables;
    if (is_reserved(name) || is_formula_function(name)) {
      throw YamlError(node.line,
                      "found '" + name + "' in " + list_name + ", which is reserved; expected another name");
    }
    if (std::find(known.begin(), known.end(), name) != known.end())
      throw YamlError(node.line, "found '" + name + "' twice in " + list_name + "; expected each once");
    const bool is_score = name == "score";
    if (is_score && parameter_.signature.gives_bool) {
      throw YamlError(node.line, "found 'score' in " + list_name +
                                     ", a real number; expected integers in a formula that gives bool");
    }
    if (is_score && !known.empty()) {
      throw YamlError(node.line, "found 'score' after other entries in " + list_name +
                                     "; expected it first: the derivative is by the first variable");
    }
    known.push_back(name);
    parameter_.signature.variables.push_back({name, is_score ? FormulaType::real : FormulaType::integer});
  }

  void load_compile_time() {
    const bool always = parameter_.is_element || parameter_.info.type == Type::formula;
    parameter_.info.compile_time = always;
    const YamlNode* flag = fields_.find("compile_time");
    if (flag == nullptr) return;
    parameter_.info.compile_time = read_bool(*flag, "'compile_time' of '" + node_.key + "'");
    if (always && !parameter_.info.compile_time) {
      throw YamlError(flag->line, "found 'compile_time: false' in " + what_ + "; expected true, because " +
                                      (parameter_.is_element ? "element types" : "formulas") +
                                      " are always compiled in");
    }
  }

  void load_default() {
    const YamlNode* fallback = fields_.find("default");
    if (fallback == nullptr) return;
    const std::string what = "the default of '" + node_.key + "'";
    if (parameter_.info.type == Type::real || parameter_.info.type == Type::formula) {
      parameter_.formula_fallback = read_formula(*fallback, what, parameter_.signature);
      parameter_.info.default_text = parameter_.formula_fallback->formula.text();
      return;
    }
    parameter_.fallback = read_expression(*fallback, what, definition_.base.scope);
    parameter_.info.default_text = fallback->text;
    check_constant_default(parameter_, definition_);
  }

  void define_name() {
    const ParameterInfo& info = parameter_.info;
    define_without_slot(definition_.base, info.name, node_.key_line, "a problem parameter");
    if (info.type == Type::formula) {
      definition_.base.scope.add_formula(info.name, info.variables, info.gives_bool);
      const auto own = info.gives_bool ? std::vector<std::string>{"_range", "_some", "_all"}
                                       : std::vector<std::string>{"_derivative"};
      for (const std::string& suffix : own)
        define_without_slot(definition_.base, info.name + suffix, node_.key_line, "what a formula defines");
      parameter_.slot =
          define(definition_.base, info.name + "_is_default", node_.key_line, "what a formula defines");
      return;
    }
    parameter_.slot = definition_.base.add(info.name);
    if (info.type == Type::real) definition_.base.scope.mark_real(parameter_.slot);
  }

  const YamlNode& node_;
  DefinitionModel& definition_;
  std::string what_;
  Fields fields_;
  ParameterModel parameter_;
};

}  // namespace

void load_parameter(const YamlNode& node, DefinitionModel& definition) {
  ParameterLoader(node, definition).load();
}

}  // namespace weir
