#include "profiles/profile_writer.h"

#include <yaml-cpp/yaml.h>

namespace weir {
namespace {

std::string quoted(const std::string& text) {
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

}  // namespace

Result<std::string> with_values(std::string_view yaml, const std::vector<ProfileValue>& values) {
  std::string text(yaml);
  for (const ProfileValue& value : values) {
    const std::string start = value.key + ":";
    std::size_t begin = text.starts_with(start) ? 0 : text.find("\n" + start);
    if (begin == std::string::npos) {
      return Error{ErrorKind::usage, "the profile has no entry '" + value.key + "' at the start of a line",
                   ""};
    }
    if (begin != 0) ++begin;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (text.find('}', begin) >= end) {
      return Error{ErrorKind::usage, "the profile's entry '" + value.key + "' takes more than one line",
                   "Write it as key: {value: …, source: …}."};
    }
    text.replace(begin, end - begin,
                 start + " {value: " + value.value + ", source: " + quoted(value.source) +
                     ", calibrated: {gpu: " + quoted(value.run.gpu) +
                     ", driver: " + quoted(value.run.driver) + ", date: " + quoted(value.run.date) + "}}");
  }
  return text;
}

}  // namespace weir
