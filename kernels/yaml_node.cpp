#include "kernels/yaml_node.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace weir {

namespace {

constexpr std::size_t kMaxBytes = 1'000'000;
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 200'000;  // aliases can make a small text a huge tree

// Depth by brackets and indentation, from above: no quoting rule makes a document deeper than this says,
// except that brackets inside quotes and comments are left out where they plainly are such.
void check_depth(const std::string& text) {
  std::vector<std::size_t> indents;
  int brackets = 0;
  int line = 1;
  std::size_t position = 0;
  while (position < text.size()) {
    std::size_t column = 0;
    const auto at = [&](std::size_t offset) {
      return position + offset < text.size() ? text[position + offset] : '\n';
    };
    // Indentation, with "- " and "? " opening levels of their own.
    for (bool leading = true; leading && brackets == 0;) {
      while (at(column) == ' ') ++column;
      if (at(column) == '\n' || at(column) == '\r' || at(column) == '#') break;
      while (!indents.empty() && indents.back() > column) indents.pop_back();
      if (indents.empty() || indents.back() < column) indents.push_back(column);
      leading = (at(column) == '-' || at(column) == '?') && at(column + 1) == ' ';
      if (leading) ++column;
    }
    char quote = 0;
    char previous = ' ';
    for (; position + column < text.size() && at(column) != '\n'; ++column) {
      const char c = at(column);
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '#' && previous == ' ') {
        while (position + column < text.size() && at(column) != '\n') ++column;
        break;
      } else if ((c == '"' || c == '\'') &&
                 std::string_view(" [{,").find(previous) != std::string_view::npos) {
        quote = c;
      } else if (c == '[' || c == '{') {
        ++brackets;
      } else if (c == ']' || c == '}') {
        brackets = std::max(0, brackets - 1);
      }
      previous = c;
    }
    if (brackets + static_cast<int>(indents.size()) > kMaxDepth) {
      throw YamlError(line, "found more than 64 nested levels; expected a kernel definition");
    }
    position += column + 1;
    ++line;
  }
}

class Converter {
 public:
  YamlNode convert(const YAML::Node& from, int depth) {
    YamlNode node;
    node.line = from.Mark().line + 1;
    if (depth > kMaxDepth || ++count_ > kMaxNodes) {
      throw YamlError(
          node.line, "found aliases that unfold to a huge or endless document; expected a kernel definition");
    }
    node.flow = from.Style() == YAML::EmitterStyle::Flow;
    if (from.Tag().size() > 1 && from.Tag().front() == '!') node.tag = from.Tag();
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        node.kind = YamlNode::Kind::scalar;
        node.text = from.Scalar();
        node.quoted = from.Tag() == "!";
        break;
      case YAML::NodeType::Sequence:
        node.kind = YamlNode::Kind::list;
        for (const YAML::Node& child : from) node.children.push_back(convert(child, depth + 1));
        break;
      case YAML::NodeType::Map:
        node.kind = YamlNode::Kind::map;
        for (const auto& entry : from) add_entry(node, entry.first, entry.second, depth);
        break;
    }
    return node;
  }

 private:
  void add_entry(YamlNode& map, const YAML::Node& key, const YAML::Node& value, int depth) {
    const int key_line = key.Mark().line + 1;
    if (!key.IsScalar()) throw YamlError(key_line, "found a list or map as a key; expected a name");
    for (const YamlNode& other : map.children) {
      if (other.key == key.Scalar()) {
        throw YamlError(key_line, "found '" + key.Scalar() + "' a second time (the first is on line " +
                                      std::to_string(other.key_line) + "); expected each key once");
      }
    }
    YamlNode child = convert(value, depth + 1);
    child.key = key.Scalar();
    child.key_line = key_line;
    if (child.kind == YamlNode::Kind::null) child.line = key_line;
    map.children.push_back(std::move(child));
  }

  std::size_t count_ = 0;
};

}  // namespace

YamlNode parse_yaml(const std::string& text) {
  if (text.size() > kMaxBytes) {
    throw YamlError(
        1, "found " + std::to_string(text.size()) + " bytes; expected a kernel definition of at most 1 MB");
  }
  check_depth(text);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty()) throw YamlError(1, "found an empty file; expected a kernel definition");
    if (documents.size() > 1) {
      throw YamlError(documents[1].Mark().line + 1,
                      "found a second document; expected one kernel definition per file");
    }
    return Converter().convert(documents.front(), 0);
  } catch (const YAML::Exception& error) {
    throw YamlError(std::max(error.mark.line, 0) + 1,
                    "found no valid YAML (column " + std::to_string(std::max(error.mark.column, 0) + 1) +
                        ": " + error.msg +
                        "); expected YAML; expressions with '? :', with a comma inside [ ] or { }, or with a "
                        "leading '!' need "
                        "quotes");
  }
}

std::string in_quotes(std::string_view text) {
  std::string result(1, '\'');
  result += text;
  result += '\'';
  return result;
}

std::string describe(const YamlNode& node) {
  constexpr std::size_t kLongestQuote = 80;
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    case YamlNode::Kind::scalar:
      break;
  }
  return node.text.size() <= kLongestQuote ? "'" + node.text + "'"
                                           : "'" + node.text.substr(0, kLongestQuote) + "…'";
}

}  // namespace weir
