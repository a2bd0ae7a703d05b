#include "tuner/workload.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "tuner/workload_reader.h"
#include "tuner/workload_rows.h"

namespace weir {
namespace workload_reader {

Error at(const std::filesystem::path& file, const YAML::Node& node, const std::string& what) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(node.Mark().line + 1) + ": " + what,
               "profiles/workloads has examples"};
}

Result<std::string> text(const std::filesystem::path& file, const YAML::Node& node, const Values& values) {
  const auto given = node.as<std::string>();
  std::string result;
  for (std::size_t from = 0; from < given.size();) {
    const std::size_t open = given.find('{', from);
    const std::size_t close = given.find('}', open);
    if (open == std::string::npos || close == std::string::npos) return result + given.substr(from);
    const std::string name = given.substr(open + 1, close - open - 1);
    const auto value = values.find(name);
    if (value == values.end()) return at(file, node, "found {" + name + "}, to which 'each' gives no value");
    result += given.substr(from, open - from) + value->second;
    from = close + 1;
  }
  return result;
}

namespace {

constexpr const char* kTablesForm = "expected a map of table names to lists of integers: {lengths: [3, 5]}";

Result<Tables> tables_of(const std::filesystem::path& file, const YAML::Node& node) {
  if (!node.IsMap()) return at(file, node, kTablesForm);
  Tables tables;
  for (const auto& entry : node) {
    const auto name = entry.first.as<std::string>();
    if (!entry.second.IsSequence())
      return at(file, entry.second, "found no list for the table '" + name + "'; " + kTablesForm);
    if (tables.contains(name)) return at(file, entry.first, "found the table '" + name + "' a second time");
    std::vector<std::int64_t>& entries = tables[name];
    for (const YAML::Node& item : entry.second) {
      std::int64_t value = 0;
      if (!item.IsScalar() || !YAML::convert<std::int64_t>::decode(item, value)) {
        return at(file, item,
                  "found '" + (item.IsScalar() ? item.Scalar() : std::string("a list or map")) +
                      "' as an entry of the table '" + name + "'; expected an integer");
      }
      entries.push_back(value);
    }
  }
  return tables;
}

Result<std::vector<std::string>> configs_of(const std::filesystem::path& file, const YAML::Node& node,
                                            const Values& values) {
  if (!node.IsSequence() || node.size() == 0)
    return at(file, node, "expected a list of configurations: [\"k=v,k=v\", …]");
  std::vector<std::string> configs;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) return at(file, item, "found a list or map; expected a configuration, \"k=v,…\"");
    Result<std::string> config = text(file, item, values);
    if (!config) return config.error();
    configs.push_back(std::move(*config));
  }
  return configs;
}

}  // namespace

Result<WorkloadProblem> problem(const std::filesystem::path& file, const YAML::Node& node,
                                const Values& values, const std::string& besides) {
  if (!node.IsMap()) return at(file, node, "expected {kernel: …, problem: \"k=v,…\"}");
  WorkloadProblem problem;
  const std::pair<const char*, std::string*> texts[] = {{"kernel", &problem.kernel},
                                                        {"problem", &problem.problem},
                                                        {"strategy", &problem.strategy},
                                                        {"mask", &problem.mask}};
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const auto known = std::find_if(std::begin(texts), std::end(texts),
                                    [&](const auto& candidate) { return key == candidate.first; });
    if (known != std::end(texts)) {
      Result<std::string> value = text(file, entry.second, values);
      if (!value) return value.error();
      *known->second = std::move(*value);
    } else if (key == "budget") {
      problem.budget = entry.second.as<std::int64_t>();
    } else if (key == "configs") {
      Result<std::vector<std::string>> configs = configs_of(file, entry.second, values);
      if (!configs) return configs.error();
      problem.configs = std::move(*configs);
    } else if (key == "tables") {
      Result<Tables> tables = tables_of(file, entry.second);
      if (!tables) return tables.error();
      problem.tables = std::move(*tables);
    } else if (key != besides) {
      return at(
          file, entry.first,
          "unknown key '" + key + "'; expected kernel, problem, tables, mask, strategy, budget or configs");
    }
  }
  if (problem.kernel.empty()) return at(file, node, "a problem needs a kernel");
  if (!problem.configs.empty() && (problem.budget > 0 || !problem.strategy.empty()))
    return at(file, node, "configs names what is measured: strategy and budget have no meaning beside it");
  // A definition beside the workload is found from any folder.
  const std::filesystem::path beside = file.parent_path() / problem.kernel;
  if (problem.kernel.ends_with(".yaml") && std::filesystem::exists(beside))
    problem.kernel = beside.lexically_normal().string();
  return problem;
}

}  // namespace workload_reader

namespace {

using workload_reader::at;

// What a workload file has besides its title: problems or rows, and how `weir compare` shows rows.
bool is_known(const std::string& key) {
  return key == "problems" || key == "rows" || key == "tables";
}

}  // namespace

Result<Workload> load_workload(const std::filesystem::path& file) try {
  if (!std::filesystem::exists(file)) {
    return Error{ErrorKind::missing, "no workload file " + file.string(),
                 "profiles/workloads has the shipped ones"};
  }
  const YAML::Node root = YAML::LoadFile(file.string());
  if (!root.IsMap()) return at(file, root, "expected a map with the keys workload and problems");
  Workload workload;
  for (const auto& entry : root) {
    const auto key = entry.first.as<std::string>();
    if (key == "workload") {
      workload.title = entry.second.as<std::string>();
    } else if (!is_known(key)) {
      return at(file, entry.first,
                "unknown key '" + key + "'; expected workload and problems, or rows and tables of them");
    }
  }
  if (root["rows"]) {
    if (root["problems"]) return at(file, root["problems"], "expected either problems or rows");
    Result<std::vector<WorkloadRow>> rows = load_workload_rows(file);
    if (!rows) return rows.error();
    workload.problems = problems_of(*rows);
    return workload;
  }
  const YAML::Node problems = root["problems"];
  if (!problems || !problems.IsSequence() || problems.size() == 0) {
    return at(file, root, "expected a non-empty list under problems");
  }
  for (const YAML::Node& item : problems) {
    Result<WorkloadProblem> problem = workload_reader::problem(file, item, {});
    if (!problem) return problem.error();
    workload.problems.push_back(std::move(*problem));
  }
  return workload;
} catch (const YAML::Exception& e) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg, ""};
}

Result<Tables> load_tables(const std::filesystem::path& file) try {
  if (!std::filesystem::exists(file)) {
    return Error{ErrorKind::missing, "no tables file " + file.string(), workload_reader::kTablesForm};
  }
  return workload_reader::tables_of(file, YAML::LoadFile(file.string()));
} catch (const YAML::Exception& e) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg, ""};
}

}  // namespace weir
