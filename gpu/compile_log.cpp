#include "gpu/compile_log.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace weir {
namespace {

// The text between the first pair of quotes.
std::string quoted(const std::string& line) {
  const std::size_t begin = line.find('\'');
  const std::size_t end = begin == std::string::npos ? begin : line.find('\'', begin + 1);
  return end == std::string::npos ? "" : line.substr(begin + 1, end - begin - 1);
}

// The number in front of `unit`: 1404 for "1404 bytes spill stores"; 0 if the unit is absent.
std::int64_t number_before(const std::string& line, const std::string& unit) {
  const std::size_t at = line.find(" " + unit);
  if (at == std::string::npos) return 0;
  std::size_t begin = at;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(line[begin - 1]))) --begin;
  return begin == at ? 0 : std::stoll(line.substr(begin, at - begin));
}

}  // namespace

std::vector<EntryResources> parse_compile_log(std::string_view log) {
  std::vector<EntryResources> entries;
  std::int64_t callee_spill_bytes = 0;
  std::string function;  // whose properties follow
  std::istringstream lines{std::string(log)};
  for (std::string line; std::getline(lines, line);) {
    if (line.find("Compiling entry function '") != std::string::npos) {
      entries.push_back({.entry = quoted(line)});
      function = entries.back().entry;
      continue;
    }
    constexpr std::string_view kProperties = "Function properties for ";
    if (const std::size_t at = line.find(kProperties); at != std::string::npos) {
      function = line.substr(at + kProperties.size());
      continue;
    }
    if (entries.empty()) continue;
    Resources& resources = entries.back().resources;
    if (line.find("bytes stack frame") != std::string::npos) {
      const std::int64_t spill =
          number_before(line, "bytes spill stores") + number_before(line, "bytes spill loads");
      if (function == entries.back().entry) {
        resources.spill_bytes = spill;
        resources.stack_bytes = std::max(resources.stack_bytes, number_before(line, "bytes stack frame"));
      } else {
        callee_spill_bytes += spill;
      }
    } else if (line.find("Used ") != std::string::npos && line.find(" registers") != std::string::npos) {
      resources.registers_per_thread = number_before(line, "registers");
      resources.static_shared_bytes = number_before(line, "bytes smem");
      resources.stack_bytes =
          std::max(resources.stack_bytes, number_before(line, "bytes cumulative stack size"));
    }
  }
  for (EntryResources& entry : entries) entry.resources.spill_bytes += callee_spill_bytes;
  return entries;
}

std::string compile_fault(std::string_view log) {
  std::istringstream lines{std::string(log)};
  for (std::string line; std::getline(lines, line);) {
    const auto says = [&](const char* text) { return line.find(text) != std::string::npos; };
    if ((says("wgmma") && says("serialized")) || (says("setmaxnreg") && says("ignored"))) return line;
  }
  return "";
}

}  // namespace weir
