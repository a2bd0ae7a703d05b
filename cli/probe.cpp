// weir probe: microbenchmarks, and from them a calibrated profile of this GPU.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "cli/backend.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "profiles/profile_writer.h"
#include "tuner/probe.h"
#include "tuner/tune.h"

namespace weir::cli {
namespace {

struct Options {
  std::filesystem::path db = "probe.weir", out;
  BackendOptions backend;
  bool json = false, dry_run = false;
};

constexpr std::int64_t kRepeats = 3;  // of each count; their spread is the noise floor
constexpr double kSecondsPerMicrobenchmark = 0.2;

struct Measured {
  std::vector<ProbeSample> samples;
  Provenance provenance;
  double largest_spread = 0;  // between repeated counts of DRAM reads
};

Result<Measured> measure(const OpenBackend& opened, Store& store) {
  TuneOptions options;
  options.strategy.name = "exhaustive";
  options.timing.maximum_seconds = kSecondsPerMicrobenchmark;
  options.count.repeats = kRepeats;
  options.finalists = 0;
  const std::vector<ProbeProblem> plan = probe_plan(opened.profile);
  Measured measured;
  ProgressLine progress("probing");
  TuneObserver quiet;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    progress.update(i, plan.size());
    const Result<KernelDefinition> definition = find_kernel(kernels_folder(), plan[i].kernel);
    if (!definition) return definition.error();
    const Result<Problem> problem = definition->problem(plan[i].problem);
    if (!problem) return problem.error();
    const Result<Config> config = definition->config("");
    if (!config) return config.error();
    const TuneRequest request{*definition, *problem,  opened.profile, kernels_folder(),
                              options,     {*config}, stop_requested};
    const Result<TuneResult> result = tune(request, *opened.backend, store, quiet);
    if (!result) return result.error();
    if (result->interrupted) return Error{ErrorKind::interrupted, "stopped while probing", ""};
    if (!result->choice) {
      return Error{ErrorKind::failed, plan[i].kernel + " " + plan[i].problem + " could not be measured",
                   "weir verify " + plan[i].kernel + " --problem " + plan[i].problem + " says more."};
    }
    const Record& row = result->choice->best;
    Result<Candidate> candidate = definition->resolve(*problem, *config, opened.backend->facts().limits);
    if (!candidate) return candidate.error();
    measured.samples.push_back({.candidate = std::move(*candidate),
                                .counters = row.measurement->counters,
                                .seconds = row.measurement->timing.median_seconds});
    measured.provenance = row.measurement->provenance;
    measured.largest_spread = std::max(measured.largest_spread, row.measurement->counters.dram_read_spread);
  }
  return measured;
}

std::string source_of(const ProbedValue& value, const Provenance& provenance) {
  return fmt::format("measured by weir probe on one {} ({}): {}", provenance.gpu_name, provenance.gpu_uuid,
                     value.evidence);
}

Status write_profile(const DeviceProfile& base, const ProbeFit& fit, const Provenance& provenance,
                     const std::filesystem::path& out) {
  const std::filesystem::path file = profiles_folder() / (base.name + ".yaml");
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) return Error{ErrorKind::missing, "cannot read " + file.string(), ""};
  std::vector<ProfileValue> values;
  for (const ProbedValue& value : fit.values) {
    values.push_back({.key = value.key,
                      .value = fmt::format("{:.4g}{}{}", value.value / value.unit_size,
                                           value.unit.empty() ? "" : " ", value.unit),
                      .source = source_of(value, provenance),
                      .run = {.gpu = provenance.gpu_name,
                              .driver = provenance.driver_version,
                              .date = provenance.date.substr(0, 10)}});
  }
  const Result<std::string> yaml = with_values(text.str(), values);
  if (!yaml) return yaml.error();
  std::ofstream written(out);
  written << *yaml;
  written.close();
  if (!written) return Error{ErrorKind::unexpected, "cannot write " + out.string(), "Choose another --out."};
  const Result<DeviceProfile> read_back = load_profile(out);
  return read_back ? ok_status() : read_back.error();
}

void print_fit(const ProbeFit& fit, const Measured& measured) {
  fmt::print("{:<26} {:>12} {:>12}  {}\n", "parameter", "profile", "probed", "from");
  for (const ProbedValue& value : fit.values) {
    fmt::print("{:<26} {:>12} {:>12}  {}\n", value.key,
               fmt::format("{:.4g} {}", value.before / value.unit_size, value.unit),
               fmt::format("{:.4g} {}", value.value / value.unit_size, value.unit), value.evidence);
  }
  fmt::print("\n{:<26} {:>8} {:>12} {:>12} {:>8}\n", "DRAM bytes, error", "samples", "profile", "probed",
             "worst");
  for (const ProbeResidual& residual : fit.residuals) {
    fmt::print("{:<26} {:>8} {:>11.1f}% {:>11.1f}% {:>7.1f}%\n", residual.pattern, residual.samples,
               100 * residual.before, 100 * residual.after, 100 * residual.worst_after);
  }
  fmt::print(
      "\nErrors are root mean squares over the sizes, as shares of the bytes that the kernel asks for.\n"
      "Repeated counts of one size differ by {:.1f}% at most.\n",
      100 * measured.largest_spread);
}

Json to_json(const DeviceProfile& base, const ProbeFit& fit, const Measured& measured) {
  Json values = Json::object(), residuals = Json::array();
  for (const ProbedValue& value : fit.values) {
    values[value.key] = Json{
        {"before", value.before}, {"value", value.value}, {"source", source_of(value, measured.provenance)}};
  }
  for (const ProbeResidual& residual : fit.residuals) {
    residuals.push_back(Json{{"pattern", residual.pattern},
                             {"samples", residual.samples},
                             {"rms_before", residual.before},
                             {"rms", residual.after},
                             {"worst", residual.worst_after}});
  }
  return Json{{"profile", base.name},
              {"gpu", measured.provenance.gpu_name},
              {"gpu_uuid", measured.provenance.gpu_uuid},
              {"driver", measured.provenance.driver_version},
              {"values", values},
              {"residuals", residuals},
              {"largest_count_spread", measured.largest_spread}};
}

int run(Options options) {
  catch_interrupts();
  options.backend.require_counters = true;
  const Result<OpenBackend> opened = open_backend(options.backend);
  if (!opened) return complain(opened.error());
  for (const std::string& note : opened->notes) say("note: " + note);
  if (opened->backend->tier() != Tier::counters)
    return complain(
        {ErrorKind::counters_denied, "the probe needs counters: " + opened->backend->tier_reason(), ""});
  if (options.dry_run) {
    for (const ProbeProblem& problem : probe_plan(opened->profile))
      fmt::print("would measure {} {}\n", problem.kernel, problem.problem);
    return kOk;
  }
  Result<Store> store = Store::open(options.db, Store::Mode::create_or_open);
  if (!store) return complain(store.error());
  const Result<Measured> measured = measure(*opened, *store);
  if (!measured) return complain(measured.error());
  const Result<ProbeFit> fit = fit_probe(opened->profile, measured->samples, stop_requested);
  if (!fit) return complain(fit.error());
  if (options.json) {
    fmt::print("{}\n", to_json(opened->profile, *fit, *measured).dump(2));
  } else {
    print_fit(*fit, *measured);
  }
  if (options.out.empty()) options.out = opened->profile.name + ".yaml";
  if (const Status status = write_profile(opened->profile, *fit, measured->provenance, options.out); !status)
    return complain(status.error());
  say("wrote " + options.out.string() + "; predict with it by --gpu " + options.out.string());
  return kOk;
}

}  // namespace

void register_probe(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("probe", "Measure this GPU's memory parameters and write a calibrated profile");
  command
      ->add_option("--db", options->db, "The store of the measurements; what it holds is not measured again")
      ->capture_default_str();
  command->add_option("--out", options->out, "Write the profile here (default: <profile>.yaml)");
  add_backend_options(*command, options->backend);
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--dry-run", options->dry_run, "Say what would be measured");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
