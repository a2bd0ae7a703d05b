// weir db: look into stores and maintain them.
#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "store/maintenance.h"
#include "store/store.h"
#include "tuner/repredict.h"

namespace weir::cli {
namespace {

struct Options {
  std::string db, out, kernel, problem;
  std::vector<std::string> from;
  bool json = false, picks_only = false;
};

int list(const Options& options) {
  Result<Store> store = Store::open(options.db, Store::Mode::read_only);
  if (!store) return complain(store.error());
  Result<std::vector<Summary>> rows = summaries(*store);
  if (!rows) return complain(rows.error());
  Json json = Json::array();
  if (!options.json)
    fmt::print("{:<20} {:>8} {:>8} {:>6} {:>9} {:>10}  problem, device\n", "kernel", "measured", "rejected",
               "failed", "predicted", "best");
  for (const Summary& s : *rows) {
    if (options.json) {
      json.push_back(Json{{"kernel", s.kernel},
                          {"source_hash", s.source_hash},
                          {"problem", text_to_json(s.problem)},
                          {"gpu", s.gpu_name},
                          {"predicted", s.predicted},
                          {"measured", s.measured},
                          {"rejected", s.rejected},
                          {"failed", s.failed},
                          {"best_seconds", s.best_seconds},
                          {"latest", s.latest}});
    } else {
      fmt::print("{:<20} {:>8} {:>8} {:>6} {:>9} {:>10}  {}, {}\n", s.kernel, s.measured, s.rejected,
                 s.failed, s.predicted, s.best_seconds > 0 ? microseconds(s.best_seconds) : "", s.problem,
                 s.gpu_name);
    }
  }
  if (options.json) fmt::print("{}\n", json.dump(2));
  return kOk;
}

int show(const Options& options) {
  Result<Store> store = Store::open(options.db, Store::Mode::read_only);
  if (!store) return complain(store.error());
  RecordFilter filter;
  if (!options.kernel.empty()) filter.kernel = options.kernel;
  if (!options.problem.empty()) filter.problem = options.problem;
  Result<std::vector<Record>> rows = store->records(filter);
  if (!rows) return complain(rows.error());
  Json json = Json::array();
  for (const Record& r : *rows) {
    if (options.json) {
      Json row = summary(r);
      row["kernel"] = r.kernel;
      row["problem"] = text_to_json(r.problem);
      json.push_back(row);
      continue;
    }
    fmt::print("{} {} {}: {}", r.kernel, r.problem, r.config, to_string(r.outcome));
    if (r.outcome == Outcome::measured && r.measurement) {
      fmt::print(", {}, DRAM read {}", microseconds(r.measurement->timing.median_seconds),
                 megabytes(r.measurement->counters.dram_read_bytes));
    }
    if (r.prediction) {
      fmt::print(" (predicted {}{})", megabytes(r.prediction->traffic.dram_read_bytes),
                 is_calibrated(r.prediction->uncalibrated) ? "" : ", uncalibrated");
    }
    fmt::print("{}\n", r.reason.empty() ? "" : ": " + r.reason);
  }
  if (options.json) fmt::print("{}\n", json.dump(2));
  return kOk;
}

int verify(const Options& options) {
  Result<Store> store = Store::open(options.db, Store::Mode::read_only);
  if (!store) return complain(store.error());
  if (Status status = store->verify(); !status) return complain(status.error());
  fmt::print("{}: sound\n", options.db);
  return kOk;
}

int merge_into(const Options& options) {
  Result<Store> into = Store::open(options.db, Store::Mode::create_or_open);
  if (!into) return complain(into.error());
  for (const std::string& file : options.from) {
    Result<Store> from = Store::open(file, Store::Mode::read_only);
    if (!from) return complain(from.error());
    Result<std::int64_t> taken = merge(*into, *from);
    if (!taken) return complain(taken.error());
    fmt::print("{}: {} rows taken\n", file, *taken);
  }
  return kOk;
}

int export_rows(const Options& options) {
  Result<Store> store = Store::open(options.db, Store::Mode::read_only);
  if (!store) return complain(store.error());
  std::ofstream file;
  if (!options.out.empty()) {
    file.open(options.out, std::ios::binary);
    if (!file) return complain(Error{ErrorKind::usage, "cannot write " + options.out, ""});
  }
  if (Status status = export_csv(*store, options.out.empty() ? std::cout : file); !status)
    return complain(status.error());
  return kOk;
}

int collect(const Options& options) {
  Result<Store> store = Store::open(options.db, Store::Mode::open_existing);
  if (!store) return complain(store.error());
  Result<GarbageReport> report =
      collect_garbage(*store, options.picks_only ? KeepModules::picks : KeepModules::measured);
  if (!report) return complain(report.error());
  fmt::print("removed {} rows and {} modules; {} bytes, was {}\n", report->rows, report->modules,
             report->bytes_after, report->bytes_before);
  return kOk;
}

int predict_again(const Options& options) {
  catch_interrupts();
  Result<std::vector<DeviceProfile>> profiles = load_all_profiles(profiles_folder());
  if (!profiles) return complain(profiles.error());
  Result<Store> store = Store::open(options.db, Store::Mode::open_existing);
  if (!store) return complain(store.error());
  Result<RepredictReport> report =
      repredict(*store, {.kernels = kernels_folder(), .calibrations = calibrations_folder()}, *profiles,
                stop_requested);
  if (!report) return complain(report.error());
  fmt::print("predicted {} rows again, left {} as they were\n", report->predicted, report->kept);
  return kOk;
}

}  // namespace

void register_db(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* db = app.add_subcommand("db", "Look into stores and maintain them");
  db->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*function)(const Options&)) {
    CLI::App* command = db->add_subcommand(name, help);
    command->add_option("--db", options->db, "The store")->required();
    command->callback([options, function, &exit_code] { exit_code = function(*options); });
    return command;
  };
  add("ls", "Problems and how many rows each has", list)->add_flag("--json", options->json, "Print JSON");
  CLI::App* rows = add("show", "Rows", show);
  rows->add_option("--kernel", options->kernel, "Only this kernel");
  rows->add_option("--problem", options->problem, "Only this problem, as stored");
  rows->add_flag("--json", options->json, "Print JSON");
  add("verify", "Integrity and, for a ship file, its digest", verify);
  add("merge", "Take the rows of other stores; the more recent row of a key stays", merge_into)
      ->add_option("from", options->from, "Stores to take rows from")
      ->required();
  add("export", "All rows as CSV", export_rows)->add_option("--out", options->out, "File (default: stdout)");
  add("repredict", "Predict the stored rows again with the model as it is now; measurements stay",
      predict_again);
  add("gc", "Remove rows of older sources and modules that nothing runs", collect)
      ->add_flag("--picks-only", options->picks_only, "Keep only the modules that weir ship would publish");
}

}  // namespace weir::cli
