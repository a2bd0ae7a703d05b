// Problem: values of a kernel's problem parameters. Config: values of its tunables. Both print as "k=v,k=v",
// in the order of the definition, and that text is their identity in stores and on the command line.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct NamedValue {
  std::string name;
  std::int64_t value = 0;
  std::string
      text;  // as people write it: "128", "true", "bf16", "0.5", "score - 0.5 * abs(q_index - k_index)"
  double real = 0;  // of a real parameter, whose `value` is 0, as a formula's is

  bool operator==(const NamedValue&) const = default;
};

struct Problem {
  std::vector<NamedValue> values;
  std::map<std::string, std::vector<std::int64_t>> tables;  // data-dependent structure, by table name

  bool operator==(const Problem&) const = default;
};

struct Config {
  std::string variant;
  std::vector<NamedValue> values;

  bool operator==(const Config&) const = default;
};

// "m=4096,n=4096,k=4096,dtype=bf16"; a problem with tables that are not all empty ends in
// ",tables=<16 hex digits of their hash>".
std::string to_string(const Problem& problem);
bool has_table_entries(const Problem& problem);
// Without spaces at either end.
std::string_view trimmed(std::string_view text);
// The parts of "k=v,k=v", trimmed: commas inside parentheses do not separate.
std::vector<std::string_view> split_values(std::string_view text);
// 16 hex digits over the tables' names and entries.
std::string tables_hash(const Problem& problem);
// "tile_m=128,tile_n=128", with ",variant=<name>" last unless the variant's name is empty.
std::string to_string(const Config& config);

// Precondition: the name exists.
std::int64_t value_of(const std::vector<NamedValue>& values, std::string_view name);
const NamedValue* find(const std::vector<NamedValue>& values, std::string_view name);

}  // namespace weir
