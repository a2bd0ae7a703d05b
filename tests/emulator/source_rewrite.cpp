#include "source_rewrite.h"

#include <cctype>
#include <cstddef>
#include <regex>

namespace weir::emulator {
namespace {

bool in_identifier(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The end of a string literal that begins at `at`.
std::size_t end_of_literal(const std::string& text, std::size_t at) {
  const char quote = text[at];
  for (++at; at < text.size() && text[at] != quote; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// The place after the parenthesis that closes the first one from `at` on.
std::size_t end_of_parentheses(const std::string& text, std::size_t at) {
  int depth = 0;
  for (at = text.find('(', at); at < text.size();) {
    if (text[at] == '"') {
      at = end_of_literal(text, at);
      continue;
    }
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) return at + 1;
    ++at;
  }
  return at;
}

std::string without_assembly(const std::string& text) {
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = 0; (at = text.find("asm", at)) != std::string::npos;) {
    std::size_t word = at;
    std::size_t end = at + 3;
    while (word > 0 && in_identifier(text[word - 1])) --word;
    while (end < text.size() && in_identifier(text[end])) ++end;
    const std::string name = text.substr(word, end - word);
    at = end;
    if (name != "asm" && name != "__asm__") continue;
    result += text.substr(copied, word - copied) + "::weir::emulator::assembly()";
    copied = end_of_parentheses(text, end);
    at = copied;
  }
  return result + text.substr(copied);
}

}  // namespace

std::string rewrite_for_host(const std::string& preprocessed) {
  // extern __shared__ [attributes] type name[];
  static const std::regex dynamic_shared(
      R"(extern\s+__shared__\s+)"
      R"((?:__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)\s*|alignas\s*\([^()]*\)\s*)*)"
      R"(([^;\[()]*?)\s+(\w+)\s*\[\s*\]\s*;)");
  static const std::regex static_shared(R"(\bstatic\s+__shared__\b|\b__shared__\s+static\b|\b__shared__\b)");
  std::string text = without_assembly(preprocessed);
  text = std::regex_replace(text, dynamic_shared,
                            "$1* const $2 = static_cast<$1*>(::weir::emulator::dynamic_shared());");
  return std::regex_replace(text, static_shared, "static thread_local");
}

}  // namespace weir::emulator
