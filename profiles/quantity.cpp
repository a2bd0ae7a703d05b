#include "profiles/quantity.h"

#include <charconv>
#include <cmath>
#include <span>

namespace weir {
namespace {

struct ScaledUnit {
  std::string_view name;
  double scale;
};

constexpr ScaledUnit kBytes[] = {{"B", 1},     {"KB", 1e3},     {"MB", 1e6},        {"GB", 1e9},
                                 {"TB", 1e12}, {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}};
constexpr ScaledUnit kBytesPerSecond[] = {
    {"B/s", 1}, {"KB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}, {"TB/s", 1e12}};
constexpr ScaledUnit kHertz[] = {{"Hz", 1}, {"KHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}};
constexpr ScaledUnit kFlops[] = {{"FLOP/s", 1}, {"MFLOP/s", 1e6}, {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}};
constexpr ScaledUnit kOps[] = {{"op/s", 1}, {"Mop/s", 1e6}, {"Gop/s", 1e9}, {"Top/s", 1e12}};
constexpr ScaledUnit kSeconds[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};

std::span<const ScaledUnit> table_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::count:
      return {};
    case Dimension::bytes:
      return kBytes;
    case Dimension::bytes_per_second:
      return kBytesPerSecond;
    case Dimension::hertz:
      return kHertz;
    case Dimension::flops_per_second:
      return kFlops;
    case Dimension::ops_per_second:
      return kOps;
    case Dimension::seconds:
      return kSeconds;
  }
  return {};
}

Error usage(std::string message) {
  return {ErrorKind::usage, std::move(message), ""};
}

}  // namespace

std::string units_of(Dimension dimension) {
  std::string list;
  for (const ScaledUnit& unit : table_of(dimension)) {
    list += (list.empty() ? "" : ", ") + std::string(unit.name);
  }
  return list;
}

Result<double> parse_quantity(std::string_view text, Dimension dimension) {
  std::string quoted = "\"";
  quoted.append(text).append("\"");
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || !std::isfinite(number)) return usage(quoted + " does not start with a number");
  std::string_view unit(end, text.data() + text.size() - end);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (dimension == Dimension::count) {
    if (unit.empty()) return number;
    return usage(quoted + " has a unit; a plain number is expected");
  }
  if (unit.empty()) return usage(quoted + " has no unit; expected one of " + units_of(dimension));
  for (const ScaledUnit& known : table_of(dimension)) {
    if (known.name == unit) return number * known.scale;
  }
  return usage(quoted + " has the unit \"" + std::string(unit) + "\"; expected one of " +
               units_of(dimension));
}

}  // namespace weir
