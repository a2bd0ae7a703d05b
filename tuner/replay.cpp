#include "tuner/replay.h"

#include <algorithm>

#include "gpu/recorded_backend.h"
#include "store/store.h"
#include "tuner/device_match.h"
#include "tuner/stored_problem.h"
#include "tuner/stored_texts.h"

namespace weir {
Result<ReplayDevice> open_replay(const std::filesystem::path& file,
                                 const std::vector<DeviceProfile>& profiles, const ReplayOptions& options) {
  Result<Store> store = Store::open(file, Store::Mode::read_only);
  if (!store) return store.error();
  Result<std::vector<Record>> records = store->records();
  if (!records) return records.error();

  Result<std::vector<StoredTables>> tables = store->tables();
  if (!tables) return tables.error();

  StoredTexts texts(options.kernels_folder, std::move(*tables));
  std::vector<RecordedRow> rows;
  std::vector<std::string> devices;
  Provenance provenance;
  decltype(ReplayDevice::configs) configs;
  for (Record& r : *records) {
    texts.read(r);
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
