#include "kernels/problem.h"

#include <algorithm>
#include <stdexcept>

#include "base/digest.h"

namespace weir {

namespace {

std::string join(const std::vector<NamedValue>& values) {
  std::string text;
  for (const NamedValue& value : values) {
    if (!text.empty()) text += ',';
    text += value.name + '=' + value.text;
  }
  return text;
}

void append(std::string& text, const std::string& name, const std::string& value) {
  if (!text.empty()) text += ',';
  text += name + '=' + value;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(kSpace) + 1));
  return text;
}

std::vector<std::string_view> split_values(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int open = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++open;
    if (i < text.size() && text[i] == ')') open = std::max(0, open - 1);
    if (i < text.size() && (text[i] != ',' || open > 0)) continue;
    parts.push_back(trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return parts;
}

bool has_table_entries(const Problem& problem) {
  return std::any_of(problem.tables.begin(), problem.tables.end(),
                     [](const auto& table) { return !table.second.empty(); });
}

std::string tables_hash(const Problem& problem) {
  Digest digest;
  for (const auto& [name, entries] : problem.tables) {
    digest.add(name);
    std::string bytes;
    bytes.reserve(entries.size() * 8);
    for (const std::int64_t entry : entries) {
      for (int i = 0; i < 8; ++i) bytes += static_cast<char>(static_cast<std::uint64_t>(entry) >> (8 * i));
    }
    digest.add(bytes);
  }
  return digest.hex64();
}

std::string to_string(const Problem& problem) {
  std::string text = join(problem.values);
  if (has_table_entries(problem)) append(text, "tables", tables_hash(problem));
  return text;
}

std::string to_string(const Config& config) {
  std::string text = join(config.values);
  if (!config.variant.empty()) append(text, "variant", config.variant);
  return text;
}

const NamedValue* find(const std::vector<NamedValue>& values, std::string_view name) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const NamedValue& value) { return value.name == name; });
  return found == values.end() ? nullptr : &*found;
}

std::int64_t value_of(const std::vector<NamedValue>& values, std::string_view name) {
  const NamedValue* found = find(values, name);
  if (found == nullptr) throw std::out_of_range("no value is named '" + std::string(name) + "'");
  return found->value;
}

}  // namespace weir
