#include "tuner/stored_problem.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::string_view kTables = "tables=";

}  // namespace

std::string without_tables(const std::string& problem) {
  std::string text;
  for (const std::string_view part : split_values(problem)) {
    if (part.substr(0, kTables.size()) == kTables) continue;
    text += (text.empty() ? "" : ",") + std::string(part);
  }
  return text;
}

std::string tables_hash_of(const std::string& problem) {
  for (const std::string_view part : split_values(problem)) {
    if (part.substr(0, kTables.size()) == kTables) return std::string(part.substr(kTables.size()));
  }
  return {};
}

Result<Problem> stored_problem(const KernelDefinition& definition, const std::string& kernel,
                               const std::string& source_hash, const std::string& problem,
                               const std::vector<StoredTables>& tables) {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const StoredTables& stored) {
    return stored.kernel == kernel && stored.source_hash == source_hash && stored.problem == problem;
  });
  return definition.problem(without_tables(problem),
                            found == tables.end() ? decltype(StoredTables::tables){} : found->tables);
}

}  // namespace weir
