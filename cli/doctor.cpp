// weir doctor: what works on this machine, and what to do about what does not.
#include "gpu/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "tuner/device_match.h"

namespace weir::cli {
namespace {

struct Options {
  std::string require;
  bool json = false;
};

// What the driver reports against the profile that would be used.
DoctorCheck check_profile(const DeviceFacts& facts) {
  DoctorCheck check{"profile of " + facts.name, false, "", ""};
  Result<std::vector<DeviceProfile>> profiles = load_all_profiles(profiles_folder());
  Result<DeviceProfile> profile =
      profiles ? profile_for(*profiles, facts.name) : Result<DeviceProfile>(profiles.error());
  if (!profile) {
    check.detail = profile.error().message;
    check.advice = profile.error().advice;
    return check;
  }
  const std::vector<std::string> found = differences(*profile, facts);
  check.ok = found.empty();
  check.detail = found.empty() ? profile->name + " agrees with what the driver reports"
                               : fmt::format("{}", fmt::join(found, "; "));
  if (!found.empty()) check.advice = "predictions use the profile; pass --gpu with one that fits, or add one";
  return check;
}

int run(const Options& options) {
  DoctorReport report = doctor();
  for (const DeviceFacts& facts : report.devices) report.checks.push_back(check_profile(facts));
  const bool color = color_wanted(STDOUT_FILENO);
  if (options.json) {
    Json checks = Json::array();
    for (const DoctorCheck& c : report.checks) {
      checks.push_back(Json{{"name", c.name}, {"ok", c.ok}, {"detail", c.detail}, {"advice", c.advice}});
    }
    const Json out{{"version", version_text()},
                   {"home", home_folder().string()},
                   {"tier", std::string(1, letter(report.tier))},
                   {"tier_reason", report.tier_reason},
                   {"checks", checks}};
    fmt::print("{}\n", out.dump(2));
  } else {
    fmt::print("{}\n", version_text());
    for (const DoctorCheck& c : report.checks) {
      const char* mark = c.ok ? (color ? "\033[32mok\033[0m" : "ok") : (color ? "\033[33m--\033[0m" : "--");
      fmt::print("  {} {:<16} {}\n", mark, c.name, c.detail);
      if (!c.ok && !c.advice.empty()) fmt::print("     {:<16} {}\n", "", c.advice);
    }
    fmt::print("measurements here would be tier {}{}{}\n", letter(report.tier),
               report.tier_reason.empty() ? "" : ": ", report.tier_reason);
  }
  if (options.require == "gpu" && report.tier == Tier::none) return kNoDevice;
  if (options.require == "counters" && report.tier == Tier::none) return kNoDevice;
  if (options.require == "counters" && report.tier != Tier::counters) return kCountersDenied;
  return kOk;
}

}  // namespace

void register_doctor(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("doctor", "What works here: driver, compiler, counters and why not, versions");
  command->add_option("--require", options->require, "Exit with 3 without a GPU, with 4 without counters")
      ->check(CLI::IsMember({"gpu", "counters"}));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
