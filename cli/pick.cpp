// weir pick: what the runtime would pick from a ship file, and why. Needs no GPU.
#include <fmt/format.h>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "masks/problem_mask.h"
#include "runtime/catalog.h"
#include "tuner/device_match.h"

namespace weir::cli {
namespace {

struct Options {
  std::string kernel, db, problem, gpu;
  TableOptions tables;
  bool json = false;
};

Result<StoredDevice> device_for(const Options& options) {
  if (options.gpu.empty()) return only_device(options.db);
  Result<DeviceProfile> profile = find_profile(profiles_folder(), options.gpu);
  if (!profile) return profile.error();
  const DeviceFacts facts = facts_of(*profile);
  return StoredDevice{facts.name, facts.limits};
}

int run(const Options& options) {
  auto tables = parse_tables(options.tables);
  if (!tables) return complain(tables.error());
  Result<StoredDevice> device = device_for(options);
  if (!device) return complain(device.error());
  Result<Catalog> catalog = Catalog::open(options.db, *device);
  if (!catalog) return complain(catalog.error());
  if (!options.tables.mask.empty()) {
    Result<KernelDefinition> definition = find_kernel(kernels_folder(), options.kernel);
    if (!definition) return complain(definition.error());
    tables = with_mask(*definition, options.problem, std::move(*tables), options.tables.mask);
    if (!tables) return complain(tables.error());
  }
  const Pick pick = catalog->pick(options.kernel, options.problem, *tables);

  if (options.json) {
    Json out{{"kernel", pick.kernel},
             {"problem", text_to_json(pick.problem)},
             {"gpu", device->gpu_name},
             {"match", to_string(pick.match)},
             {"reason", pick.reason},
             {"config", pick.match == Match::none ? Json(nullptr) : text_to_json(pick.config)}};
    if (pick.match == Match::exact) {
      out["time_seconds"] = pick.median_seconds;
      out["predicted_dram_bytes"] = pick.predicted_dram_bytes;
      out.update(to_json(pick.uncalibrated));
    }
    fmt::print("{}\n", out.dump(2));
  } else {
    fmt::print("{} {} on {}\n  {}: {}\n", pick.kernel, pick.problem, device->gpu_name, to_string(pick.match),
               pick.reason);
    if (pick.match != Match::none) fmt::print("  {}\n", pick.config);
    if (pick.match == Match::exact) {
      fmt::print("  {} when it was tuned; DRAM traffic predicted {}\n", microseconds(pick.median_seconds),
                 megabytes(pick.predicted_dram_bytes));
      if (const std::string note = calibration_note(pick.uncalibrated); !note.empty())
        fmt::print("  {}\n", note);
    }
  }
  return pick.match == Match::none ? kMiss : kOk;
}

}  // namespace

void register_pick(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("pick", "What the runtime would pick from a ship file, and why");
  command->add_option("kernel", options->kernel, "The kernel's name")->required();
  command->add_option("--db", options->db, "The ship file (weir ship makes one)")->required();
  command->add_option("--problem", options->problem, "Problem parameters, k=v,k=v")->required();
  add_table_options(*command, options->tables);
  command->add_option("--gpu", options->gpu, "Pick for this profile's GPU (default: the file's only device)");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
