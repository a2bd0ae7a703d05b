#include "store/candidate_module.h"

#include <algorithm>

#include "base/digest.h"

namespace weir {

std::string header_hash(const std::string& config_header) {
  return xxh3_hex({config_header});
}

Result<RowResolver> RowResolver::open(const Store& store) {
  RowResolver resolver;
  Result<std::vector<StoredDefinition>> definitions = store.definitions();
  if (!definitions) return definitions.error();
  for (StoredDefinition& definition : *definitions) {
    const std::pair key(definition.kernel, definition.source_hash);
    resolver.definitions_.emplace(key, std::move(definition));
  }
  Result<std::vector<StoredDevice>> devices = store.devices();
  if (!devices) return devices.error();
  resolver.devices_ = std::move(*devices);
  Result<std::vector<StoredTables>> tables = store.tables();
  if (!tables) return tables.error();
  resolver.tables_ = std::move(*tables);
  return resolver;
}

DeviceLimits RowResolver::limits_of(const Provenance& provenance) const {
  for (const StoredDevice& device : devices_) {
    if (device.gpu_name == provenance.gpu_name && device.limits.sm_count == provenance.sm_count &&
        device.limits.compute_capability == provenance.compute_capability &&
        device.limits.l2_bytes == provenance.l2_bytes) {
      return device.limits;
    }
  }
  // The row ran on its device, so every limit of it holds; the header does not depend on them.
  constexpr std::int64_t kEnough = std::int64_t{1} << 30;
  return {.compute_capability = provenance.compute_capability,
          .sm_count = provenance.sm_count,
          .max_threads_per_sm = kEnough,
          .registers_per_sm = kEnough,
          .shared_bytes_per_sm = kEnough,
          .shared_bytes_per_block = kEnough,
          .l2_bytes = provenance.l2_bytes};
}

Result<KernelDefinition> RowResolver::definition_of(const Record& record) {
  const std::pair key(record.kernel, record.source_hash);
  if (const auto known = parsed_.find(key); known != parsed_.end()) return known->second;
  const auto stored = definitions_.find(key);
  if (stored == definitions_.end()) {
    return Error{
        ErrorKind::missing,
        "the definition of " + record.kernel + " (source " + record.source_hash + ") is not in the file",
        "tune the kernel again"};
  }
  Result<KernelDefinition> parsed =
      KernelDefinition::parse(stored->second.yaml, std::filesystem::path(record.kernel) / "kernel.yaml");
  if (parsed) parsed_.emplace(key, *parsed);
  return parsed;
}

Result<std::string> RowResolver::module_header(const Record& record) {
  Result<KernelDefinition> definition = definition_of(record);
  if (!definition) return definition.error();
  std::map<std::string, std::vector<std::int64_t>> tables;
  const auto stored = std::find_if(tables_.begin(), tables_.end(), [&](const StoredTables& candidate) {
    return candidate.kernel == record.kernel && candidate.source_hash == record.source_hash &&
           candidate.problem == record.problem;
  });
  if (stored != tables_.end()) tables = stored->tables;
  Result<Problem> problem = definition->problem(record.problem, std::move(tables));
  if (!problem) return problem.error();
  Result<Config> config = definition->config(record.config, false);
  if (!config) return config.error();
  const Provenance provenance = record.measurement ? record.measurement->provenance : Provenance{};
  Result<Candidate> candidate = definition->resolve(*problem, *config, limits_of(provenance));
  if (!candidate) return candidate.error();
  return header_hash(candidate->config_header);
}

}  // namespace weir
