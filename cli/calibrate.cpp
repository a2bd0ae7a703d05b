// weir calibrate: fit what is left of the time model's error to stored measurements, and say how well that
// does on problems and kernels that the fit did not see.
#include <fmt/format.h>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "store/store.h"
#include "tuner/calibration_error.h"
#include "tuner/calibration_file.h"
#include "tuner/calibration_samples.h"
#include "tuner/device_match.h"

namespace weir::cli {
namespace {

struct Options {
  std::filesystem::path db, out;
  std::string gpu;
  unsigned threads = 0;
  bool json = false, dry_run = false;
};

// --gpu, or the only profile that describes a GPU of the store.
Result<DeviceProfile> choose_profile(const Options& options, const Store& store) {
  if (!options.gpu.empty()) return find_profile(profiles_folder(), options.gpu);
  const Result<std::vector<DeviceProfile>> profiles = load_all_profiles(profiles_folder());
  if (!profiles) return profiles.error();
  const Result<std::vector<StoredDevice>> devices = store.devices();
  if (!devices) return devices.error();
  if (devices->size() != 1) {
    return Error{ErrorKind::usage,
                 fmt::format("{} holds rows of {} GPU models", store.file().string(), devices->size()),
                 "Choose a profile with --gpu."};
  }
  return profile_for(*profiles, devices->front().gpu_name);
}

std::string name_of(const std::string& kernel) {
  return kernel.empty() ? "all" : kernel;
}

void print_line(const std::string& title, const char* fit, const TimeError& e) {
  fmt::print("{:<20} {:<15} {:>5} {:>4} {:>9.1f}% {:>9.3f} {:>10.1f}% {:>9.1f}% {:>10.1f}%\n", title, fit,
             e.rows, e.problems, 100 * e.median_log_error, e.median_spearman, 100 * e.first_pick,
             100 * e.worst_first_pick, 100 * e.best_of_8);
}

void print_table(const Samples& samples, const std::vector<CalibrationReport>& reports,
                 const Calibration& calibration) {
  fmt::print("{} measured tilings of {}, driver {}, {}\n\n", calibration.rows, calibration.gpu_name,
             calibration.driver_version, calibration.date);
  fmt::print("{:<20} {:<15} {:>5} {:>4} {:>10} {:>9} {:>11} {:>10} {:>11}\n", "kernel", "time", "rows",
             "prob", "|log err|", "Spearman", "first pick", "worst", "best of 8");
  for (const CalibrationReport& report : reports) {
    print_line(name_of(report.kernel), "model", report.raw);
    print_line("", "held out", report.held_out);
    print_line("", "other kernels", report.other_kernels);
  }
  fmt::print(
      "\nmodel: without calibration. held out: each problem by a fit to the kernel's other problems. other "
      "kernels: by the\n"
      "pooled fit to all other kernels. Errors and ranks are medians, picks are shares of the best measured "
      "speed.\n\n");
  for (const CalibrationFamily& family : calibration.families) {
    fmt::print("{:<20} {}\n", family.kernel.empty() ? "other kernels" : family.kernel,
               family.rows == 0
                   ? "as the model says: a fit is not better on left-out problems"
                   : fmt::format("fitted to {} rows of {} problems", family.rows, family.problems));
  }
  if (!samples.skipped.empty())
    fmt::print("\n{} rows skipped, the first: {}\n", samples.skipped.size(), samples.skipped.front());
}

Json to_json(const TimeError& e) {
  return Json{{"rows", e.rows},
              {"problems", e.problems},
              {"median_log_error", e.median_log_error},
              {"median_spearman", e.median_spearman},
              {"first_pick", e.first_pick},
              {"worst_first_pick", e.worst_first_pick},
              {"best_of_8", e.best_of_8}};
}

Json to_json(const Samples& samples, const std::vector<CalibrationReport>& reports, const Calibration& c) {
  Json errors = Json::array(), families = Json::array();
  for (const CalibrationReport& report : reports) {
    errors.push_back(Json{{"kernel", name_of(report.kernel)},
                          {"model", to_json(report.raw)},
                          {"held_out", to_json(report.held_out)},
                          {"other_kernels", to_json(report.other_kernels)}});
  }
  for (const CalibrationFamily& family : c.families) {
    Json slopes = Json::object();
    for (std::size_t i = 0; i < family.slopes.size(); ++i)
      slopes[to_string(static_cast<Bottleneck>(i))] = family.slopes[i];
    families.push_back(Json{{"kernel", family.kernel},
                            {"rows", family.rows},
                            {"problems", family.problems},
                            {"offset", family.offset},
                            {"slopes", slopes}});
  }
  return Json{{"profile", c.profile},       {"gpu", c.gpu_name}, {"gpu_uuids", c.gpu_uuids},
              {"driver", c.driver_version}, {"date", c.date},    {"rows", c.rows},
              {"skipped", samples.skipped}, {"errors", errors},  {"families", families}};
}

int run(const Options& options) {
  Result<Store> store = Store::open(options.db, Store::Mode::read_only);
  if (!store) return complain(store.error());
  const Result<DeviceProfile> profile = choose_profile(options, *store);
  if (!profile) return complain(profile.error());

  catch_interrupts();
  ProgressLine progress("predicting");
  const Result<Samples> samples =
      collect_samples(*store, *profile,
                      {.kernels_folder = kernels_folder(),
                       .threads = options.threads,
                       .progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); },
                       .stop = stop_requested});
  progress.finish();
  if (!samples) return complain(samples.error());
  const std::vector<CalibrationReport> reports = cross_validate(samples->samples);
  Calibration calibration = samples->provenance;
  calibration.families = fit_families(samples->samples, reports);

  if (options.json) {
    fmt::print("{}\n", to_json(*samples, reports, calibration).dump(2));
  } else {
    print_table(*samples, reports, calibration);
  }
  if (options.dry_run) return kOk;
  const std::filesystem::path out =
      options.out.empty() ? calibrations_folder() / (profile->name + ".yaml") : options.out;
  if (const Status status = save_calibration(calibration, out); !status) return complain(status.error());
  say("wrote " + out.string());
  return kOk;
}

}  // namespace

void register_calibrate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "calibrate", "Fit the time model to stored measurements; errors on what the fit did not see");
  command->add_option("--db", options->db, "A store with measured rows")->required();
  command->add_option("--gpu", options->gpu,
                      "Device profile: a name from profiles/gpus or a path (default: by the store's GPU)");
  command->add_option("--out", options->out,
                      "Write the calibration here (default: profiles/calibrations/<profile>.yaml)");
  command->add_option("--threads", options->threads, "Threads (default: all cores)");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--dry-run", options->dry_run, "Print the errors, write nothing");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
