#include "gpu/doctor.h"

#include <sys/vfs.h>

#include <cstdio>

#include "gpu/compiler.h"
#include "gpu/cupti.h"
#include "gpu/driver.h"
#include "gpu/nvml.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr const char* kChipWithoutDevice = "GH100";

DoctorCheck failed(const std::string& name, const Error& error) {
  return {name, false, error.message, error.advice};
}

std::string scaled(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%.4g %s", value, unit);
  return text;
}

std::string describe(const DeviceFacts& facts) {
  const DeviceLimits& l = facts.limits;
  return facts.name + ", " + facts.uuid + ", compute capability " +
         std::to_string(l.compute_capability / 10) + "." + std::to_string(l.compute_capability % 10) + ", " +
         std::to_string(l.sm_count) + " SMs, L2 " + scaled(static_cast<double>(l.l2_bytes) * 1e-6, "MB") +
         ", memory " + scaled(static_cast<double>(facts.dram_bytes) * 1e-9, "GB") + ", shared memory " +
         std::to_string(l.shared_bytes_per_block) + " B per block, up to " +
         scaled(static_cast<double>(facts.sm_clock_hertz) * 1e-6, "MHz") + ", driver " + facts.driver_version;
}

DoctorCheck check_compiler(const DoctorOptions& options, std::int64_t compute_capability) {
  const Result<Compiler> compiler = Compiler::open(options.cache_folder);
  if (!compiler) return failed("compiler", compiler.error());
  const Result<Compiled> compiled = compiler.value().compile(
      {.source = "doctor.cu",
       .text = "extern \"C\" __global__ void doctor(float* x) { x[threadIdx.x] *= 2; }",
       .compute_capability = compute_capability});
  if (!compiled) return failed("compiler", compiled.error());
  return {"compiler", true,
          compiler.value().version() + " from " + compiler.value().nvrtc().file().string() +
              ", compiled a kernel for sm_" + std::to_string(compute_capability),
          ""};
}

// The host library works without a device, on a chip that it must know.
DoctorCheck check_plan(const std::string& chip) {
  const Result<const Cupti*> cupti = Cupti::open();
  if (!cupti) return failed("counter plan", cupti.error());
  const Result<MetricPlan> plan = cupti.value()->plan(chip, default_metrics());
  if (!plan) return failed("counter plan", plan.error());
  std::size_t metrics = 0;
  for (const MetricSet& set : plan.value().sets) metrics += set.size();
  return {"counter plan", true,
          cupti.value()->version() + " from " + cupti.value()->file() + ": " + std::to_string(metrics) +
              " metrics of " + chip + " in " + std::to_string(plan.value().sets.size()) +
              (plan.value().sets.size() == 1 ? " pass" : " passes"),
          ""};
}

// The compile cache and databases need a file system that locks and syncs; network ones often do not.
DoctorCheck check_folder(const std::string& name, const fs::path& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0)
    return {name, false, "cannot look at " + folder.string(), "Create it or choose another."};
  struct Kind {
    unsigned long magic;
    const char* name;
    bool shared;
  };
  constexpr Kind kKinds[] = {
      {0xef53, "ext4", false},      {0x58465342, "xfs", false},       {0x9123683e, "btrfs", false},
      {0x01021994, "tmpfs", false}, {0x794c7630, "overlayfs", false}, {0x2fc12fc1, "zfs", false},
      {0x6969, "NFS", true},        {0xff534d42, "CIFS", true},       {0xfe534d42, "SMB", true},
      {0x0bd00bd0, "Lustre", true}, {0x65735546, "FUSE", true},       {0x01021997, "9p", true}};
  std::error_code ignored;
  const std::string where = fs::absolute(folder, ignored).lexically_normal().string();
  const double free_bytes = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_bsize);
  const std::string room = ", " + scaled(free_bytes * 1e-9, "GB") + " free";
  for (const Kind& kind : kKinds) {
    if (static_cast<unsigned long>(info.f_type) != kind.magic) continue;
    return {name, !kind.shared, where + " on " + kind.name + room,
            kind.shared ? "Databases that are being written belong on a local disk: locks are not reliable "
                          "on a network one."
                        : ""};
  }
  char magic[24];
  std::snprintf(magic, sizeof magic, "0x%lx", static_cast<unsigned long>(info.f_type));
  return {name, true, where + " on a file system of type " + magic + room, ""};
}

// Counters of the first device. Opens a context.
DoctorCheck check_counters(const Driver& driver, DoctorReport& report) {
  const Result<PrimaryContext> context = PrimaryContext::open(driver, 0);
  if (!context) {
    report.tier_reason = context.error().message;
    return failed("counters", context.error());
  }
  report.tier = Tier::events;
  const Result<std::unique_ptr<RangeProfiler>> profiler = RangeProfiler::open(context.value(), 0);
  if (!profiler) {
    report.tier_reason = profiler.error().message;
    return failed("counters", profiler.error());
  }
  report.tier = Tier::counters;
  const MetricPlan& plan = profiler.value()->plan();
  return {"counters", true,
          "readable on " + plan.chip + " in " + std::to_string(plan.sets.size()) +
              (plan.sets.size() == 1 ? " pass" : " passes"),
          ""};
}

DoctorCheck check_clocks(const DeviceFacts& facts) {
  const Result<Nvml> nvml = Nvml::open();
  if (!nvml) return failed("clocks", nvml.error());
  const Result<DeviceState> state = nvml.value().state(facts.uuid);
  if (!state) return failed("clocks", state.error());
  const DeviceState& now = state.value();
  std::string throttled;
  for (const std::string& reason : now.throttle_reasons)
    throttled += (throttled.empty() ? ", slowed down by " : ", ") + reason;
  return {"clocks", true,
          "SM " + scaled(static_cast<double>(now.sm_clock_hertz) * 1e-6, "MHz") + ", memory " +
              scaled(static_cast<double>(now.memory_clock_hertz) * 1e-6, "MHz") + ", " +
              std::to_string(now.temperature_celsius) + " C, " + scaled(now.power_watts, "W") + throttled,
          ""};
}

}  // namespace

DoctorReport doctor(const DoctorOptions& options) {
  DoctorReport report;
  std::vector<DoctorCheck>& checks = report.checks;
  const Result<const Driver*> driver = open_driver();
  if (driver) {
    checks.push_back({"driver", true,
                      driver_version(*driver.value()) + ", CUDA " +
                          std::to_string(driver.value()->version / 1000) + "." +
                          std::to_string(driver.value()->version % 1000 / 10),
                      ""});
    const Result<int> count = device_count(*driver.value());
    if (!count) checks.push_back(failed("gpu", count.error()));
    for (int ordinal = 0; count && ordinal < count.value(); ++ordinal) {
      const std::string name = "gpu " + std::to_string(ordinal);
      Result<DeviceFacts> facts = query_device(*driver.value(), ordinal);
      if (!facts) {
        checks.push_back(failed(name, facts.error()));
        continue;
      }
      checks.push_back({name, true, describe(*facts), ""});
      report.devices.push_back(std::move(facts).value());
    }
  } else {
    checks.push_back(failed("driver", driver.error()));
    report.tier_reason = driver.error().message;
  }

  constexpr std::int64_t kCapabilityWithoutDevice = 90;
  checks.push_back(check_compiler(options, report.devices.empty()
                                               ? kCapabilityWithoutDevice
                                               : report.devices.front().limits.compute_capability));
  checks.push_back(check_plan(kChipWithoutDevice));
  if (!report.devices.empty()) {
    checks.push_back(check_counters(*driver.value(), report));
    checks.push_back(check_clocks(report.devices.front()));
  }
  const fs::path cache = options.cache_folder.empty() ? CompileCache::default_folder() : options.cache_folder;
  if (const Result<CompileCache> opened = CompileCache::open(cache); opened) {
    checks.push_back(check_folder("compile cache", cache));
    if (opened->limit_bytes() > 0)
      checks.back().detail +=
          ", kept below " + scaled(static_cast<double>(opened->limit_bytes()) * 1e-9, "GB");
  } else {
    checks.push_back(failed("compile cache", opened.error()));
  }
  checks.push_back(check_folder("working folder", options.working_folder));
  return report;
}

}  // namespace weir
