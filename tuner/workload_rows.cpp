#include "tuner/workload_rows.h"

#include <algorithm>

#include "tuner/workload_reader.h"

namespace weir {
namespace {

using workload_reader::at;
using workload_reader::text;
using workload_reader::Values;

constexpr const char* kKeys = "expected series, group, x, per, measure, each or parts";

Result<double> number(const std::filesystem::path& file, const YAML::Node& node, const Values& values) {
  const Result<std::string> written = text(file, node, values);
  if (!written) return written.error();
  double value = 0;
  if (!YAML::convert<double>::decode(YAML::Node(*written), value))
    return at(file, node, "found '" + *written + "'; expected a number");
  return value;
}

Result<RowPart> part_of(const std::filesystem::path& file, const YAML::Node& node, const Values& values) {
  Result<WorkloadProblem> problem = workload_reader::problem(file, node, values, "as");
  if (!problem) return problem.error();
  RowPart part{std::move(*problem), {}};
  if (node["as"]) part.tensor_names = node["as"].as<std::map<std::string, std::string>>();
  return part;
}

Result<WorkloadRow> row_of(const std::filesystem::path& file, const YAML::Node& node, const Values& values) {
  WorkloadRow row;
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (key == "series" || key == "group") {
      Result<std::string> value = text(file, entry.second, values);
      if (!value) return value.error();
      (key == "series" ? row.series : row.group) = std::move(*value);
    } else if (key == "x" || key == "per") {
      const Result<double> value = number(file, entry.second, values);
      if (!value) return value.error();
      if (key == "x") row.x = *value;
      if (key == "per") row.per = *value;
    } else if (key == "measure") {
      row.measure = entry.second.as<bool>();
    } else if (key == "parts") {
      for (const YAML::Node& item : entry.second) {
        Result<RowPart> part = part_of(file, item, values);
        if (!part) return part.error();
        row.parts.push_back(std::move(*part));
      }
    } else if (key != "each") {
      return at(file, entry.first, "unknown key '" + key + "'; " + kKeys);
    }
  }
  if (row.series.empty()) return at(file, node, "a row needs a series");
  if (row.parts.empty()) return at(file, node, "a row needs parts");
  if (!(row.per > 0)) return at(file, node["per"], "expected a number above 0");
  return row;
}

// Each of these is a row; without `each` there is one, without values.
std::vector<Values> values_of(const YAML::Node& row) {
  if (!row["each"]) return {Values{}};
  return row["each"].as<std::vector<Values>>();
}

}  // namespace

Result<std::vector<WorkloadRow>> load_workload_rows(const std::filesystem::path& file) try {
  if (!std::filesystem::exists(file)) {
    return Error{ErrorKind::missing, "no workload file " + file.string(),
                 "profiles/workloads has the shipped ones"};
  }
  const YAML::Node root = YAML::LoadFile(file.string());
  std::vector<WorkloadRow> rows;
  for (const YAML::Node& item : root["rows"]) {
    if (!item.IsMap()) return at(file, item, std::string("a row is a map: ") + kKeys);
    for (const Values& values : values_of(item)) {
      Result<WorkloadRow> row = row_of(file, item, values);
      if (!row) return row.error();
      rows.push_back(std::move(*row));
    }
  }
  return rows;
} catch (const YAML::Exception& e) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg, ""};
}

std::vector<WorkloadProblem> problems_of(const std::vector<WorkloadRow>& rows) {
  std::vector<WorkloadProblem> problems;
  for (const WorkloadRow& row : rows) {
    if (!row.measure) continue;
    for (const RowPart& part : row.parts) {
      if (std::find(problems.begin(), problems.end(), part.problem) == problems.end())
        problems.push_back(part.problem);
    }
  }
  return problems;
}

}  // namespace weir
