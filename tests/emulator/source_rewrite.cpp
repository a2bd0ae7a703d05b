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

std::size_t start_of_word_before(const std::string& text, std::size_t at) {
  while (at > 0 && std::isspace(static_cast<unsigned char>(text[at - 1])) != 0) --at;
  while (at > 0 && in_identifier(text[at - 1])) --at;
  return at;
}

bool has_word_at(const std::string& text, std::size_t at, const std::string& word) {
  return text.compare(at, word.size(), word) == 0 &&
         (at + word.size() == text.size() || !in_identifier(text[at + word.size()]));
}

// extern __shared__ [attributes] type name[]; as a pointer; empty if the text is no such declaration.
std::string dynamic_shared_pointer(const std::string& declaration) {
  static const std::regex pattern(
      R"(extern\s+__shared__\s+)"
      R"((?:__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)\s*|alignas\s*\([^()]*\)\s*)*)"
      R"(([^;\[()]*?)\s+(\w+)\s*\[\s*\]\s*;)");
  std::smatch parts;
  if (!std::regex_match(declaration, parts, pattern)) return "";
  const std::string type = parts[1], name = parts[2];
  return type + "* const " + name + " = static_cast<" + type + "*>(::weir::emulator::dynamic_shared());";
}

// Patterns are only tried where the word is: on a whole text they take longer than its compilation.
std::string without_shared_variables(const std::string& text) {
  const std::string word = "__shared__";
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
    std::size_t begin = at, end = at + word.size();
    at = end;
    if ((begin > 0 && in_identifier(text[begin - 1])) || !has_word_at(text, begin, word)) continue;
    std::string host = "static thread_local";
    const std::size_t before = start_of_word_before(text, begin);
    std::size_t after = end;
    while (after < text.size() && std::isspace(static_cast<unsigned char>(text[after])) != 0) ++after;
    if (has_word_at(text, before, "extern")) {
      const std::size_t semicolon = text.find(';', end);
      if (semicolon == std::string::npos) break;
      const std::string pointer = dynamic_shared_pointer(text.substr(before, semicolon + 1 - before));
      if (!pointer.empty()) host = pointer, begin = before, end = semicolon + 1;
    } else if (has_word_at(text, before, "static")) {
      begin = before;
    } else if (has_word_at(text, after, "static")) {
      end = after + std::string("static").size();
    }
    result += text.substr(copied, begin - copied) + host;
    copied = at = end;
  }
  return result + text.substr(copied);
}

}  // namespace

std::string rewrite_for_host(const std::string& preprocessed) {
  return without_shared_variables(without_assembly(preprocessed));
}

}  // namespace weir::emulator
