#include "benchmarks/kernel_cases.h"

#include "simulator/predict.h"
#include "tuner/stored_problem.h"

namespace weir {
namespace {

std::map<std::string, std::vector<std::int64_t>> tables_of(const StoredPick& stored,
                                                           const std::vector<StoredTables>& all) {
  for (const StoredTables& tables : all) {
    if (tables.kernel == stored.kernel && tables.source_hash == stored.source_hash &&
        tables_hash_of(tables.problem) == tables_hash_of(stored.problem))
      return tables.tables;
  }
  return {};
}

Result<KernelCase> case_of(const Catalog& catalog, const StoredPick& stored,
                           const std::vector<StoredTables>& tables, const DeviceProfile& profile) {
  KernelCase found{.name = benchmark_name(stored.kernel, stored.problem)};
  const bool has_tables = !tables_hash_of(stored.problem).empty();
  found.pick = has_tables
                   ? catalog.pick(stored.kernel, without_tables(stored.problem), tables_of(stored, tables))
                   : catalog.pick(stored.kernel, stored.problem);
  if (found.pick.match != Match::exact) {
    return Error{ErrorKind::failed,
                 found.name + " is no exact match of the file it is in: " + found.pick.reason, ""};
  }
  const Result<Prediction> bounds = predict(profile, *found.pick.candidate, {.fidelity = Fidelity::bounds});
  if (!bounds) return bounds.error();
  found.flops = found.pick.candidate->useful_flops;
  found.bytes = bounds->bounds.compulsory_bytes;
  return found;
}

}  // namespace

std::string benchmark_name(const std::string& kernel, const std::string& problem) {
  return kernel + "/" + problem;
}

Result<std::vector<KernelCase>> kernel_cases(const std::filesystem::path& ship_file,
                                             const StoredDevice& device, const DeviceProfile& profile) {
  const Result<Catalog> catalog = Catalog::open(ship_file, device);
  if (!catalog) return catalog.error();
  const Result<Store> store = Store::open(ship_file, Store::Mode::read_only);
  if (!store) return store.error();
  const Result<std::vector<StoredPick>> picks = store->picks();
  if (!picks) return picks.error();
  const Result<std::vector<StoredTables>> tables = store->tables();
  if (!tables) return tables.error();
  std::vector<KernelCase> cases;
  std::string others;
  for (const StoredPick& stored : *picks) {
    if (stored.gpu_name != device.gpu_name) {
      if (others.find(stored.gpu_name) == std::string::npos)
        others += (others.empty() ? "" : ", ") + stored.gpu_name;
      continue;
    }
    Result<KernelCase> found = case_of(*catalog, stored, *tables, profile);
    if (!found) return found.error();
    cases.push_back(std::move(*found));
  }
  if (cases.empty()) {
    return Error{ErrorKind::missing,
                 ship_file.string() + " has nothing that was tuned on " + device.gpu_name +
                     (others.empty() ? "" : "; it was made on " + others),
                 "Tune and ship on this GPU first: weir tune, weir ship."};
  }
  return cases;
}

}  // namespace weir
