#include "tuner/workload.h"

#include <yaml-cpp/yaml.h>

namespace weir {
namespace {

Error at(const std::filesystem::path& file, const YAML::Node& node, const std::string& what) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(node.Mark().line + 1) + ": " + what,
               "profiles/workloads has examples"};
}

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
    } else if (key != "problems") {
      return at(file, entry.first, "unknown key '" + key + "'; expected workload or problems");
    }
  }
  const YAML::Node problems = root["problems"];
  if (!problems || !problems.IsSequence() || problems.size() == 0) {
    return at(file, root, "expected a non-empty list under problems");
  }
  for (const YAML::Node& item : problems) {
    if (!item.IsMap()) return at(file, item, "expected {kernel: …, problem: \"k=v,…\"}");
    WorkloadProblem problem;
    for (const auto& entry : item) {
      const auto key = entry.first.as<std::string>();
      if (key == "kernel") {
        problem.kernel = entry.second.as<std::string>();
      } else if (key == "problem") {
        problem.problem = entry.second.as<std::string>();
      } else if (key == "strategy") {
        problem.strategy = entry.second.as<std::string>();
      } else if (key == "budget") {
        problem.budget = entry.second.as<std::int64_t>();
      } else if (key == "mask") {
        problem.mask = entry.second.as<std::string>();
      } else if (key == "configs") {
        if (!entry.second.IsSequence() || entry.second.size() == 0)
          return at(file, entry.second, "expected a list of configurations: [\"k=v,k=v\", …]");
        problem.configs = entry.second.as<std::vector<std::string>>();
      } else if (key == "tables") {
        Result<Tables> tables = tables_of(file, entry.second);
        if (!tables) return tables.error();
        problem.tables = std::move(*tables);
      } else {
        return at(
            file, entry.first,
            "unknown key '" + key + "'; expected kernel, problem, tables, mask, strategy, budget or configs");
      }
    }
    if (problem.kernel.empty()) return at(file, item, "a problem needs a kernel");
    if (!problem.configs.empty() && (problem.budget > 0 || !problem.strategy.empty()))
      return at(file, item, "configs names what is measured: strategy and budget have no meaning beside it");
    workload.problems.push_back(std::move(problem));
  }
  return workload;
} catch (const YAML::Exception& e) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg, ""};
}

Result<Tables> load_tables(const std::filesystem::path& file) try {
  if (!std::filesystem::exists(file)) {
    return Error{ErrorKind::missing, "no tables file " + file.string(), kTablesForm};
  }
  return tables_of(file, YAML::LoadFile(file.string()));
} catch (const YAML::Exception& e) {
  return Error{ErrorKind::usage, file.string() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg, ""};
}

}  // namespace weir
