#include "tuner/replay.h"

#include <algorithm>
#include <map>
#include <optional>

#include "gpu/recorded_backend.h"
#include "kernels/definition.h"
#include "store/store.h"
#include "tuner/device_match.h"

namespace weir {
namespace {

// Recorded problems as today's definitions write them.
class Problems {
 public:
  explicit Problems(std::filesystem::path kernels_folder) : folder_(std::move(kernels_folder)) {}

  std::string current(const Record& record) {
    // Tables are known by their hash only.
    if (folder_.empty() || record.problem.find(",tables=") != std::string::npos) return record.problem;
    const auto [known, added] = texts_.try_emplace({record.kernel, record.problem}, record.problem);
    if (added) {
      if (const KernelDefinition* definition = definition_of(record.kernel)) {
        if (const Result<Problem> problem = definition->problem(record.problem))
          known->second = to_string(*problem);
      }
    }
    return known->second;
  }

 private:
  // Null: there is no such kernel any more.
  const KernelDefinition* definition_of(const std::string& kernel) {
    const auto [known, added] = definitions_.try_emplace(kernel);
    if (added) {
      if (Result<KernelDefinition> definition = find_kernel(folder_, kernel))
        known->second = std::move(*definition);
    }
    return known->second ? &*known->second : nullptr;
  }

  std::filesystem::path folder_;
  std::map<std::string, std::optional<KernelDefinition>> definitions_;
  std::map<std::pair<std::string, std::string>, std::string> texts_;
};

}  // namespace

Result<ReplayDevice> open_replay(const std::filesystem::path& file,
                                 const std::vector<DeviceProfile>& profiles, const ReplayOptions& options) {
  Result<Store> store = Store::open(file, Store::Mode::read_only);
  if (!store) return store.error();
  Result<std::vector<Record>> records = store->records();
  if (!records) return records.error();

  std::vector<RecordedRow> rows;
  std::vector<std::string> devices;
  Provenance provenance;
  decltype(ReplayDevice::configs) configs;
  Problems problems(options.kernels_folder);
  for (Record& r : *records) {
    r.problem = problems.current(r);
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

}  // namespace weir
