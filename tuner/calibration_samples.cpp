#include "tuner/calibration_samples.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "kernels/definition.h"
#include "simulator/predict.h"

namespace weir {
namespace {

using Definitions = std::map<std::string, KernelDefinition>;  // by source hash

Result<Definitions> definitions_of(const Store& store, const std::filesystem::path& kernels_folder) {
  Result<std::vector<StoredDefinition>> stored = store.definitions();
  if (!stored) return stored.error();
  Definitions definitions;
  for (const StoredDefinition& definition : *stored) {
    Result<KernelDefinition> parsed =
        KernelDefinition::parse(definition.yaml, kernels_folder / definition.kernel / "kernel.yaml");
    if (parsed) definitions.emplace(definition.source_hash, std::move(*parsed));
  }
  return definitions;
}

struct Context {
  const DeviceProfile& profile;
  const Definitions& definitions;
  const std::vector<StoredTables>& tables;
  const std::vector<StoredDevice>& devices;

  DeviceLimits limits(const Record& row) const {
    for (const StoredDevice& device : devices) {
      if (device.gpu_name == row.measurement->provenance.gpu_name) return device.limits;
    }
    return limits_of(profile);
  }
};

Result<CalibrationSample> sample_of(const Record& row, const Context& context) {
  const auto definition = context.definitions.find(row.source_hash);
  if (definition == context.definitions.end()) {
    return Error{ErrorKind::missing,
                 "the store does not hold its definition in a form that this version reads", ""};
  }
  std::map<std::string, std::vector<std::int64_t>> tables;
  for (const StoredTables& stored : context.tables) {
    if (stored.source_hash == row.source_hash && stored.problem == row.problem) tables = stored.tables;
  }
  const Result<Problem> problem = definition->second.problem(row.problem, std::move(tables));
  if (!problem) return problem.error();
  const Result<Config> config = definition->second.config(row.config);
  if (!config) return config.error();
  const Result<Candidate> candidate = definition->second.resolve(*problem, *config, context.limits(row));
  if (!candidate) return candidate.error();

  PredictOptions options{.cold_l2 = row.measurement->timing.l2_state != "warm"};
  const Result<Prediction> ranked = predict(context.profile, *candidate, options);
  if (!ranked) return ranked.error();
  options.registers_per_thread = row.measurement->resources.registers_per_thread;
  const Result<Prediction> predicted = predict(context.profile, *candidate, options);
  if (!predicted) return predicted.error();
  return CalibrationSample{.kernel = row.kernel,
                           .problem = row.problem,
                           .predicted = time_point(*predicted),
                           .ranked = time_point(*ranked),
                           .measured_seconds = row.measurement->timing.median_seconds};
}

void note_provenance(const Measurement& measurement, Calibration& calibration) {
  const Provenance& p = measurement.provenance;
  calibration.gpu_name = p.gpu_name;
  if (std::find(calibration.gpu_uuids.begin(), calibration.gpu_uuids.end(), p.gpu_uuid) ==
      calibration.gpu_uuids.end())
    calibration.gpu_uuids.push_back(p.gpu_uuid);
  // The latest row speaks for the file.
  if (p.date < calibration.date) return;
  calibration.date = p.date;
  calibration.driver_version = p.driver_version;
}

}  // namespace

Result<Samples> collect_samples(const Store& store, const DeviceProfile& profile,
                                const SampleOptions& options) {
  Result<std::vector<Record>> records = store.records({.outcome = Outcome::measured});
  if (!records) return records.error();
  std::erase_if(*records, [&](const Record& row) {
    return !row.measurement || !row.measurement->verification.passed ||
           row.measurement->timing.median_seconds <= 0 ||
           std::find(profile.device_names.begin(), profile.device_names.end(),
                     row.measurement->provenance.gpu_name) == profile.device_names.end();
  });
  if (records->empty()) {
    return Error{ErrorKind::missing,
                 store.file().string() + " has no measured row of a GPU that " + profile.name + " describes",
                 "Record some with weir tune, or choose another profile with --gpu."};
  }
  const Result<Definitions> definitions = definitions_of(store, options.kernels_folder);
  if (!definitions) return definitions.error();
  const Result<std::vector<StoredTables>> tables = store.tables();
  if (!tables) return tables.error();
  const Result<std::vector<StoredDevice>> devices = store.devices();
  if (!devices) return devices.error();
  const Context context{profile, *definitions, *tables, *devices};

  std::vector<std::optional<Result<CalibrationSample>>> found(records->size());
  std::atomic<std::size_t> next{0}, done{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  const auto work = [&] {
    for (std::size_t i = next++; i < found.size() && !stopped; i = next++) {
      found[i] = sample_of((*records)[i], context);
      const std::size_t finished = ++done;
      const std::lock_guard lock(mutex);
      if (options.progress) options.progress(finished, found.size());
      if (options.stop && options.stop()) stopped = true;
    }
  };
  {
    const unsigned wanted =
        options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < std::min<std::size_t>(wanted, found.size()); ++t) pool.emplace_back(work);
    work();
  }
  if (stopped) return Error{ErrorKind::interrupted, "stopped while predicting", ""};

  Samples samples{.provenance = {.profile = profile.name, .model_digest = model_digest(profile)}};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Record& row = (*records)[i];
    if (!found[i]->ok()) {
      samples.skipped.push_back(row.kernel + ' ' + row.problem + ' ' + row.config + ": " +
                                found[i]->error().message);
      continue;
    }
    samples.samples.push_back(std::move(found[i]->value()));
    note_provenance(*row.measurement, samples.provenance);
  }
  samples.provenance.rows = static_cast<std::int64_t>(samples.samples.size());
  return samples;
}

}  // namespace weir
