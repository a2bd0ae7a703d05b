#include "tuner/replay.h"

#include <algorithm>
#include <map>
#include <optional>

#include "gpu/recorded_backend.h"
#include "kernels/definition.h"
#include "store/store.h"
#include "tuner/device_match.h"
#include "tuner/stored_problem.h"

namespace weir {
namespace {

// Texts of rows as today's definitions write them; as they are stored where a definition does not read them.
class Translator {
 public:
  Translator(const std::filesystem::path& kernels_folder, std::vector<StoredTables> tables)
      : kernels_folder_(kernels_folder), tables_(std::move(tables)) {}

  void translate(Record& record) {
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

 private:
  const KernelDefinition* definition_of(const std::string& kernel) {
    auto [found, is_new] = definitions_.try_emplace(kernel);
    if (is_new) {
      Result<KernelDefinition> definition = find_kernel(kernels_folder_, kernel);
      if (definition) found->second = std::move(*definition);
    }
    return found->second ? &*found->second : nullptr;
  }

  std::filesystem::path kernels_folder_;
  std::vector<StoredTables> tables_;
  std::map<std::string, std::optional<KernelDefinition>> definitions_;
  std::map<std::pair<std::string, std::string>, std::string> problems_;
};

}  // namespace

Result<ReplayDevice> open_replay(const std::filesystem::path& file,
                                 const std::vector<DeviceProfile>& profiles, const ReplayOptions& options) {
  Result<Store> store = Store::open(file, Store::Mode::read_only);
  if (!store) return store.error();
  Result<std::vector<Record>> records = store->records();
  if (!records) return records.error();

  Result<std::vector<StoredTables>> tables = store->tables();
  if (!tables) return tables.error();

  Translator translator(options.kernels_folder, std::move(*tables));
  std::vector<RecordedRow> rows;
  std::vector<std::string> devices;
  Provenance provenance;
  decltype(ReplayDevice::configs) configs;
  for (Record& r : *records) {
    translator.translate(r);
    configs[{r.kernel, r.problem}].push_back(r.config);
    if (!r.measurement || (r.outcome != Outcome::measured && r.outcome != Outcome::failed)) continue;
    const std::string& device = r.measurement->provenance.gpu_name;
    if (!options.gpu_name.empty() && device != options.gpu_name) continue;
    if (std::find(devices.begin(), devices.end(), device) == devices.end()) devices.push_back(device);
    provenance = r.measurement->provenance;
    RecordedRow row{r.kernel, r.problem, r.config, r.outcome == Outcome::failed ? r.reason : "",
                    *r.measurement};
    rows.push_back(std::move(row));
  }
  if (devices.empty()) {
    return Error{ErrorKind::usage, file.string() + " has no measured row to replay",
                 "record one with weir tune on a GPU"};
  }
  if (devices.size() > 1) {
    std::string names;
    for (const std::string& name : devices) names += (names.empty() ? "" : ", ") + name;
    return Error{ErrorKind::usage, file.string() + " holds several devices: " + names,
                 "choose one with --device-name"};
  }

  Result<DeviceProfile> profile = profile_for(profiles, devices.front());
  if (!profile) return profile.error();
  DeviceFacts facts = facts_of(*profile);
  facts.name = devices.front();
  facts.uuid = provenance.gpu_uuid;
  facts.driver_version = provenance.driver_version;
  Result<std::vector<StoredDevice>> stored = store->devices();
  if (!stored) return stored.error();
  for (const StoredDevice& device : *stored) {
    if (device.gpu_name == facts.name) facts.limits = device.limits;
  }
  provenance.date.clear();
  return ReplayDevice{std::make_unique<RecordedBackend>(facts, provenance, std::move(rows),
                                                        RecordedOptions{options.delay_seconds}),
                      std::move(*profile), std::move(configs)};
}

Result<std::map<std::string, std::vector<std::int64_t>>> recorded_tables(const std::filesystem::path& file,
                                                                         const std::string& kernel,
                                                                         const std::string& hash) {
  Result<Store> store = Store::open(file, Store::Mode::read_only);
  if (!store) return store.error();
  Result<std::vector<StoredTables>> all = store->tables();
  if (!all) return all.error();
  for (StoredTables& stored : *all) {
    if (stored.kernel == kernel && tables_hash_of(stored.problem) == hash) return std::move(stored.tables);
  }
  return Error{ErrorKind::missing,
               file.string() + ": it holds no tables of " + kernel + " with the hash " + hash,
               "give them with --tables FILE"};
}

}  // namespace weir
