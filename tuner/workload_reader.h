// What the readers of workloads and of their rows share.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "tuner/workload.h"

namespace weir::workload_reader {

// A row's values by name, which stand for "{name}" in its texts.
using Values = std::map<std::string, std::string>;

Error at(const std::filesystem::path& file, const YAML::Node& node, const std::string& what);

// The scalar's text with the values in it; an error for a name that has none.
Result<std::string> text(const std::filesystem::path& file, const YAML::Node& node, const Values& values);

// {kernel: …, problem: "k=v,…", …}. Keys of `besides` are left to the caller.
Result<WorkloadProblem> problem(const std::filesystem::path& file, const YAML::Node& node,
                                const Values& values, const std::string& besides = "");

}  // namespace weir::workload_reader
