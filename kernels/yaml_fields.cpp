#include "kernels/yaml_fields.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/suggest.h"

namespace weir {

namespace {

// Open minus closed parentheses and brackets.
int open_brackets(std::string_view text) {
  int open = 0;
  for (const char c : text) {
    if (c == '(' || c == '[') ++open;
    if (c == ')' || c == ']') --open;
  }
  return open;
}

[[noreturn]] void fail_comma(int line, const std::string& found, const std::string& whole) {
  throw YamlError(
      line, "found '" + found +
                "', cut at a comma: inside [ ] and { } YAML splits at every comma; expected quotes around an "
                "expression that has one: '" +
                whole + "'");
}

}  // namespace

Fields::Fields(const YamlNode& map, std::string what, const std::vector<std::string>& known)
    : map_(map), what_(std::move(what)) {
  expect_map(map, what_);
  check_split_by_comma(map);
  for (const YamlNode& child : map.children) {
    if (std::find(known.begin(), known.end(), child.key) != known.end()) continue;
    const std::string hint = did_you_mean(child.key, known);
    throw YamlError(child.key_line, "found the unknown key '" + child.key + "' in " + what_ +
                                        (hint.empty() ? "; expected " + list_of(known) : hint));
  }
}

const YamlNode* Fields::find(std::string_view key) const {
  const auto found = std::find_if(map_.children.begin(), map_.children.end(),
                                  [&](const YamlNode& child) { return child.key == key; });
  return found == map_.children.end() ? nullptr : &*found;
}

const YamlNode& Fields::require(std::string_view key, std::string_view why) const {
  const YamlNode* found = find(key);
  if (found == nullptr) {
    throw YamlError(map_.line,
                    "found " + what_ + " without '" + std::string(key) + "'; expected " + std::string(why));
  }
  return *found;
}

void check_split_by_comma(const YamlNode& parent) {
  if (!parent.flow) return;
  const bool map = parent.kind == YamlNode::Kind::map;
  for (std::size_t i = 0; i < parent.children.size(); ++i) {
    const YamlNode& first = parent.children[i];
    if (first.kind != YamlNode::Kind::scalar || first.quoted || open_brackets(first.text) <= 0) continue;
    std::string whole = first.text;
    for (std::size_t next = i + 1; next < parent.children.size() && open_brackets(whole) > 0; ++next) {
      whole += ", " + (map ? parent.children[next].key : parent.children[next].text);
    }
    if (whole != first.text) fail_comma(map ? first.key_line : first.line, first.text, whole);
  }
}

void expect_map(const YamlNode& node, const std::string& what) {
  if (node.kind != YamlNode::Kind::map) {
    throw YamlError(node.line,
                    "found " + describe(node) + " as " + what + "; expected a map of 'key: value'");
  }
}

void expect_list(const YamlNode& node, const std::string& what) {
  if (node.kind != YamlNode::Kind::list) {
    throw YamlError(node.line, "found " + describe(node) + " as " + what + "; expected a list");
  }
}

std::string read_text(const YamlNode& node, const std::string& what) {
  if (node.kind != YamlNode::Kind::scalar || node.text.empty()) {
    throw YamlError(node.line, "found " + describe(node) + " as " + what + "; expected text");
  }
  return node.text;
}

bool is_reserved(const std::string& name) {
  static const std::vector<std::string> reserved = [] {
    std::vector<std::string> names{
        "true", "false", "min", "max", "ceil_div", "abs", "isqrt", "log2", "lower_bound", "item", "block",
        "block_x", "block_y", "block_z", "device", "config", "variant", "tables",
        // C++ keywords, because names become constants of the CUDA source
        "alignas", "alignof", "and", "asm", "auto", "bool", "break", "case", "catch", "char", "class",
        "const", "constexpr", "continue", "decltype", "default", "delete", "do", "double", "else", "enum",
        "explicit", "export", "extern", "float", "for", "friend", "goto", "if", "inline", "int", "long",
        "mutable", "namespace", "new", "not", "nullptr", "operator", "or", "private", "protected", "public",
        "register", "return", "short", "signed", "sizeof", "static", "struct", "switch", "template", "this",
        "throw", "try", "typedef", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
        "while", "xor"};
    std::sort(names.begin(), names.end());
    return names;
  }();
  return std::binary_search(reserved.begin(), reserved.end(), name);
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

std::string read_name(const YamlNode& node, const std::string& what) {
  if (node.kind != YamlNode::Kind::scalar || !is_name(node.text)) {
    throw YamlError(node.line, "found " + describe(node) + " as " + what +
                                   "; expected a name of letters, digits and underscores");
  }
  return node.text;
}

std::int64_t read_integer(const YamlNode& node, const std::string& what) {
  std::int64_t value = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [stop, problem] = std::from_chars(node.text.data(), end, value);
  if (node.kind != YamlNode::Kind::scalar || problem != std::errc() || stop != end) {
    throw YamlError(node.line, "found " + describe(node) + " as " + what + "; expected an integer");
  }
  return value;
}

bool read_bool(const YamlNode& node, const std::string& what) {
  if (node.kind == YamlNode::Kind::scalar && node.text == "true") return true;
  if (node.kind == YamlNode::Kind::scalar && node.text == "false") return false;
  throw YamlError(node.line, "found " + describe(node) + " as " + what + "; expected true or false");
}

std::size_t read_choice(const YamlNode& node, const std::string& what,
                        const std::vector<std::string>& choices) {
  const auto found = node.kind == YamlNode::Kind::scalar
                         ? std::find(choices.begin(), choices.end(), node.text)
                         : choices.end();
  if (found == choices.end()) {
    throw YamlError(node.line, "found " + describe(node) + " as " + what + "; expected one of " +
                                   list_of(choices) + did_you_mean(node.text, choices));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

LocatedExpression read_expression(const YamlNode& node, const std::string& what, const Scope& scope) {
  if (!node.tag.empty()) {
    throw YamlError(
        node.line,
        "found '" + node.tag + "' at the beginning of " + what +
            ", which YAML takes for a tag; expected quotes around an expression that begins with '!'");
  }
  if (node.kind == YamlNode::Kind::map) {
    throw YamlError(node.line,
                    "found a map as " + what +
                        "; expected an expression (one with '? :' needs quotes, because ': ' makes a map)");
  }
  if (node.kind != YamlNode::Kind::scalar) {
    throw YamlError(node.line, "found " + describe(node) + " as " + what + "; expected an expression");
  }
  Result<Expression> parsed = Expression::parse(node.text, scope);
  if (!parsed) {
    throw YamlError(node.line, "in " + what + " " + describe(node) + ", " + parsed.error().message);
  }
  return {std::move(parsed).value(), node.line};
}

std::vector<LocatedExpression> read_expressions(const YamlNode& list, const std::string& what,
                                                const Scope& scope) {
  expect_list(list, what);
  check_split_by_comma(list);
  std::vector<LocatedExpression> expressions;
  for (const YamlNode& child : list.children) expressions.push_back(read_expression(child, what, scope));
  return expressions;
}

Extent3 read_extent3(const YamlNode& node, const std::string& what, const Scope& scope) {
  Extent3 extent{LocatedExpression{Expression(1), node.line}, LocatedExpression{Expression(1), node.line},
                 LocatedExpression{Expression(1), node.line}};
  if (node.kind != YamlNode::Kind::list) {
    extent[0] = read_expression(node, what, scope);
    return extent;
  }
  const std::vector<LocatedExpression> expressions = read_expressions(node, what, scope);
  if (expressions.empty() || expressions.size() > 3) {
    throw YamlError(node.line, "found " + std::to_string(expressions.size()) + " dimensions as " + what +
                                   "; expected one to three");
  }
  std::copy(expressions.begin(), expressions.end(), extent.begin());
  return extent;
}

void define_without_slot(Names& names, const std::string& name, int line, const std::string& what) {
  if (!is_name(name)) {
    throw YamlError(line, "found '" + name + "' as the name of " + what +
                              "; expected a name of letters, digits and underscores");
  }
  if (is_reserved(name)) {
    throw YamlError(
        line, "found '" + name + "' as the name of " + what + ", which is reserved; expected another name");
  }
  const auto [other, added] = names.lines.emplace(name, line);
  if (!added) {
    throw YamlError(line, "found '" + name + "' as the name of " + what + ", which would hide the '" + name +
                              "' of line " + std::to_string(other->second) + "; expected another name");
  }
}

int define(Names& names, const std::string& name, int line, const std::string& what) {
  define_without_slot(names, name, line, what);
  return names.add(name);
}

}  // namespace weir
