#include "tuner/repredict.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>

#include "kernels/definition.h"
#include "simulator/predict.h"
#include "tuner/calibration_file.h"
#include "tuner/stored_problem.h"

namespace weir {
namespace {

using Calibrations = std::map<std::string, Calibration>;  // by profile

Result<Calibrations> load_calibrations(const std::filesystem::path& folder,
                                       const std::vector<DeviceProfile>& profiles) {
  Calibrations calibrations;
  for (const DeviceProfile& profile : profiles) {
    Result<FoundCalibration> found = find_calibration(folder, profile);
    if (!found) return found.error();
    if (found->calibration) calibrations.emplace(profile.name, std::move(*found->calibration));
  }
  return calibrations;
}

std::optional<Prediction> predict_row(const Record& record, const KernelDefinition& definition,
                                      const DeviceProfile& profile, const Calibrations& calibrations,
                                      const std::vector<StoredTables>& tables) {
  Result<Problem> problem =
      stored_problem(definition, record.kernel, record.source_hash, record.problem, tables);
  if (!problem) return std::nullopt;
  Result<Config> config = definition.config(record.config);
  if (!config) return std::nullopt;
  Result<Candidate> candidate = definition.resolve(*problem, *config, limits_of(profile));
  if (!candidate) return std::nullopt;
  PredictOptions options;
  if (record.measurement) options.registers_per_thread = record.measurement->resources.registers_per_thread;
  Result<Prediction> prediction = predict(profile, *candidate, options);
  if (!prediction) return std::nullopt;
  const auto calibration = calibrations.find(profile.name);
  if (calibration == calibrations.end()) return std::move(*prediction);
  return apply(calibration->second, record.kernel, std::move(*prediction));
}

}  // namespace

Result<RepredictReport> repredict(Store& store, const RepredictFolders& folders,
                                  const std::vector<DeviceProfile>& profiles,
                                  const std::function<bool()>& stop) {
  Result<std::vector<Record>> rows = store.records();
  if (!rows) return rows.error();
  Result<std::vector<StoredTables>> tables = store.tables();
  if (!tables) return tables.error();
  const Result<Calibrations> calibrations = load_calibrations(folders.calibrations, profiles);
  if (!calibrations) return calibrations.error();

  std::map<std::string, KernelDefinition> definitions;
  std::vector<Record*> work;
  for (Record& record : *rows) {
    if (record.outcome == Outcome::rejected) continue;
    if (!definitions.contains(record.kernel)) {
      Result<KernelDefinition> definition = find_kernel(folders.kernels, record.kernel);
      if (!definition && definition.error().kind != ErrorKind::missing) return definition.error();
      if (definition) definitions.emplace(record.kernel, std::move(*definition));
    }
    if (definitions.contains(record.kernel)) work.push_back(&record);
  }

  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::vector<char> changed(work.size(), 0);
  const auto run = [&] {
    for (std::size_t i = next++; i < work.size() && !stopped; i = next++) {
      if (stop && stop()) {
        stopped = true;
        break;
      }
      Record& record = *work[i];
      const auto profile = std::find_if(profiles.begin(), profiles.end(),
                                        [&](const DeviceProfile& p) { return p.name == record.profile; });
      if (profile == profiles.end()) continue;
      std::optional<Prediction> prediction =
          predict_row(record, definitions.at(record.kernel), *profile, *calibrations, *tables);
      if (!prediction) continue;
      record.prediction = std::move(prediction);
      changed[i] = 1;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < std::max(1u, std::thread::hardware_concurrency()); ++t) pool.emplace_back(run);
    run();
  }
  std::vector<Record> written;
  for (std::size_t i = 0; i < work.size(); ++i) {
    if (changed[i]) written.push_back(*work[i]);
  }
  if (Status status = store.write(written); !status) return status.error();
  if (stopped) {
    return Error{ErrorKind::interrupted,
                 "stopped: " + std::to_string(written.size()) + " of " + std::to_string(work.size()) +
                     " rows are predicted again and written",
                 "Run the command again for the others."};
  }
  return RepredictReport{static_cast<std::int64_t>(written.size()),
                         static_cast<std::int64_t>(rows->size() - written.size())};
}

}  // namespace weir
