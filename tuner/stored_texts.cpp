#include "tuner/stored_texts.h"

#include "tuner/stored_problem.h"

namespace weir {

StoredTexts::StoredTexts(std::filesystem::path kernels_folder, std::vector<StoredTables> tables)
    : kernels_folder_(std::move(kernels_folder)), tables_(std::move(tables)) {}

void StoredTexts::read(Record& record) {
  const KernelDefinition* definition = definition_of(record.kernel);
  if (definition == nullptr) return;
  const Result<Config> config = definition->config(record.config);
  if (config) record.config = to_string(*config);
  const auto [known, is_new] = problems_.try_emplace({record.kernel, record.problem}, record.problem);
  if (is_new) {
    const Result<Problem> problem =
        stored_problem(*definition, record.kernel, record.source_hash, record.problem, tables_);
    if (problem) known->second = to_string(*problem);
  }
  record.problem = known->second;
}

const KernelDefinition* StoredTexts::definition_of(const std::string& kernel) {
  auto [found, is_new] = definitions_.try_emplace(kernel);
  if (is_new) {
    Result<KernelDefinition> definition = find_kernel(kernels_folder_, kernel);
    if (definition) found->second = std::move(*definition);
  }
  return found->second ? &*found->second : nullptr;
}

}  // namespace weir
