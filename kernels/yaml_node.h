// A YAML document as a plain tree that knows its lines. The only door to the YAML library.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;  // of a scalar
  bool quoted = false;
  bool flow = false;  // [a, b] or {a: b}, in which commas separate
  std::string tag;    // "!name" of an unquoted value that begins with an exclamation mark
  int line = 0;       // from 1

  std::string key;  // in a map
  int key_line = 0;
  std::vector<YamlNode> children;  // of a list or map, in order
};

// Something is wrong at a line of the document.
class YamlError : public std::runtime_error {
 public:
  YamlError(int line, const std::string& message) : std::runtime_error(message), line_(line) {}
  int line() const { return line_; }

 private:
  int line_;
};

// Throws YamlError. Documents above 1 MB or nested more than 64 levels deep are refused before they are
// parsed; a key that a map has twice is an error, and so is anything but one document.
YamlNode parse_yaml(const std::string& text);

// The text in single quotes, for messages.
std::string in_quotes(std::string_view text);
// "a list", "a map", "nothing" or "'text'", for messages.
std::string describe(const YamlNode& node);

}  // namespace weir
