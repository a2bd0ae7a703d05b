// Typed reading of YAML nodes. Every function throws YamlError with the line, what was found and what was
// expected; `what` names the thing that is read, as it stands in the message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/definition_model.h"
#include "kernels/yaml_node.h"

namespace weir {

// A map with known keys: an unknown one is an error.
class Fields {
 public:
  Fields(const YamlNode& map, std::string what, const std::vector<std::string>& known);

  const YamlNode* find(std::string_view key) const;  // null if it is not there
  const YamlNode& require(std::string_view key, std::string_view why) const;

 private:
  const YamlNode& map_;
  std::string what_;
};

// Commas inside flow lists and maps end an item: `{x: min(a, b)}` has the keys "x" and "b)". Says so.
void check_split_by_comma(const YamlNode& parent);

void expect_map(const YamlNode& node, const std::string& what);
void expect_list(const YamlNode& node, const std::string& what);
std::string read_text(const YamlNode& node, const std::string& what);
// A name: letters, digits and underscores, not beginning with a digit.
std::string read_name(const YamlNode& node, const std::string& what);
bool is_name(std::string_view text);
// Names that expressions or the generated header already use.
bool is_reserved(const std::string& name);
std::int64_t read_integer(const YamlNode& node, const std::string& what);
bool read_bool(const YamlNode& node, const std::string& what);
// The index of the scalar in `choices`.
std::size_t read_choice(const YamlNode& node, const std::string& what,
                        const std::vector<std::string>& choices);

LocatedExpression read_expression(const YamlNode& node, const std::string& what, const Scope& scope);
std::vector<LocatedExpression> read_expressions(const YamlNode& list, const std::string& what,
                                                const Scope& scope);
// One expression or a list of up to three; missing ones are 1.
Extent3 read_extent3(const YamlNode& node, const std::string& what, const Scope& scope);

// Adds a name that a person defined: it must be a name, not be reserved, and not hide another one.
int define(Names& names, const std::string& name, int line, const std::string& what);
// The same checks without a slot: tensors and tables.
void define_without_slot(Names& names, const std::string& name, int line, const std::string& what);

}  // namespace weir
