#include "comparisons/comparison.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

namespace weir::comparison {
namespace {

constexpr std::array kQuantities = {
    std::pair{"flops", Quantity::flops},  std::pair{"executed", Quantity::executed},
    std::pair{"sram", Quantity::sram},    std::pair{"l2", Quantity::l2},
    std::pair{"dram", Quantity::dram},    std::pair{"time", Quantity::time},
    std::pair{"memory", Quantity::memory}};
constexpr std::array kLayouts = {std::pair{"rows", Layout::rows}, std::pair{"series", Layout::series},
                                 std::pair{"crossings", Layout::crossings},
                                 std::pair{"slopes", Layout::slopes}};

Error at(const std::filesystem::path& file, const YAML::Node& node, const std::string& what) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(node.Mark().line + 1) + ": " + what,
               "profiles/workloads/paper has examples"};
}

template <typename Value, std::size_t count>
Result<Value> choice(const std::filesystem::path& file, const YAML::Node& node,
                     const std::array<std::pair<const char*, Value>, count>& choices) {
  const auto name = node.as<std::string>();
  std::string names;
  for (const auto& [known, value] : choices) {
    if (name == known) return value;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  return at(file, node, "found '" + name + "'; expected one of " + names);
}

Status read_quantities(const std::filesystem::path& file, const YAML::Node& node,
                       std::vector<Quantity>& quantities) {
  for (const YAML::Node& item : node) {
    const Result<Quantity> quantity = choice(file, item, kQuantities);
    if (!quantity) return quantity.error();
    quantities.push_back(*quantity);
  }
  return ok_status();
}

Result<Table> table_of(const std::filesystem::path& file, const YAML::Node& node) {
  if (!node.IsMap()) return at(file, node, "a table is a map with name, title and columns");
  Table table;
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const YAML::Node& value = entry.second;
    if (key == "name") {
      table.name = value.as<std::string>();
    } else if (key == "title") {
      table.title = value.as<std::string>();
    } else if (key == "layout") {
      const Result<Layout> layout = choice(file, value, kLayouts);
      if (!layout) return layout.error();
      table.layout = *layout;
    } else if (key == "group") {
      table.group = value.as<std::string>();
    } else if (key == "x") {
      table.x = value.as<std::string>();
    } else if (key == "relative_to") {
      table.relative_to = value.as<std::string>();
    } else if (key == "times") {
      table.times = value.as<double>();
    } else if (key == "expected") {
      table.expected = value.as<std::map<std::string, double>>();
    } else if (key == "columns" || key == "charts") {
      const Status read = read_quantities(file, value, key == "columns" ? table.columns : table.charts);
      if (!read) return read.error();
    } else {
      return at(file, entry.first,
                "unknown key '" + key +
                    "'; expected name, title, layout, group, x, columns, relative_to, times, charts or "
                    "expected");
    }
  }
  if (table.name.empty() || table.columns.empty()) return at(file, node, "a table needs a name and columns");
  return table;
}

}  // namespace

const char* to_string(Quantity quantity) {
  switch (quantity) {
    case Quantity::flops:
      return "FLOPs";
    case Quantity::executed:
      return "FLOPs executed";
    case Quantity::sram:
      return "SRAM level";
    case Quantity::l2:
      return "L2";
    case Quantity::dram:
      return "DRAM";
    case Quantity::time:
      return "time";
    case Quantity::memory:
      return "memory";
  }
  return "";
}

bool shows(const Table& table, const WorkloadRow& row) {
  return table.group.empty() || table.group == row.group;
}

Result<Comparison> load_comparison(const std::filesystem::path& file) try {
  Result<Workload> workload = load_workload(file);
  if (!workload) return workload.error();
  Result<std::vector<WorkloadRow>> rows = load_workload_rows(file);
  if (!rows) return rows.error();
  const YAML::Node root = YAML::LoadFile(file.string());
  if (rows->empty()) return at(file, root, "expected rows to compare");
  Comparison comparison{std::move(workload->title), std::move(*rows), {}};
  for (const YAML::Node& item : root["tables"]) {
    Result<Table> table = table_of(file, item);
    if (!table) return table.error();
    const bool has_rows = std::any_of(comparison.rows.begin(), comparison.rows.end(),
                                      [&](const WorkloadRow& row) { return shows(*table, row); });
    if (!has_rows) return at(file, item, "no row has the group '" + table->group + "'");
    comparison.tables.push_back(std::move(*table));
  }
  if (comparison.tables.empty()) return at(file, root, "expected tables that show the rows");
  return comparison;
} catch (const YAML::Exception& e) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg, ""};
}

}  // namespace weir::comparison
