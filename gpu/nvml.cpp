#include "gpu/nvml.h"

#include <utility>

namespace weir {
namespace {

constexpr int kSuccess = 0;
constexpr int kClockSm = 1;
constexpr int kClockMemory = 2;
constexpr int kTemperatureGpu = 0;

// nvmlClocksEventReasons that slow a busy GPU down; idle and application clocks are not throttling.
constexpr std::pair<unsigned long long, const char*> kThrottleReasons[] = {
    {0x04, "power cap"},        {0x08, "hardware slowdown"},        {0x20, "software thermal slowdown"},
    {0x40, "thermal slowdown"}, {0x80, "power brake from outside"},
};

}  // namespace

Error Nvml::error(Code code, const char* call) const {
  return {ErrorKind::missing,
          std::string(call) + ": " + (error_string_ ? error_string_(code) : std::to_string(code)), ""};
}

Result<Nvml> Nvml::open() {
  Result<SharedLibrary> library = SharedLibrary::open("libnvidia-ml.so.1");
  if (!library)
    return Error{ErrorKind::missing, library.error().message,
                 "It comes with the NVIDIA driver; clocks are then not shown."};
  Nvml nvml;
  nvml.shared_object_ = library.value();
  const SharedLibrary& lib = nvml.shared_object_;
  const bool complete = lib.find("nvmlInit_v2", nvml.init_) &&
                        lib.find("nvmlErrorString", nvml.error_string_) &&
                        lib.find("nvmlSystemGetDriverVersion", nvml.driver_version_) &&
                        lib.find("nvmlDeviceGetHandleByUUID", nvml.device_by_uuid_) &&
                        lib.find("nvmlDeviceGetClockInfo", nvml.clock_) &&
                        lib.find("nvmlDeviceGetTemperature", nvml.temperature_) &&
                        lib.find("nvmlDeviceGetPowerUsage", nvml.power_) &&
                        (lib.find("nvmlDeviceGetCurrentClocksEventReasons", nvml.throttle_) ||
                         lib.find("nvmlDeviceGetCurrentClocksThrottleReasons", nvml.throttle_));
  if (!complete) return Error{ErrorKind::missing, lib.file().string() + " is too old", ""};
  if (const Code code = nvml.init_(); code != kSuccess) return nvml.error(code, "nvmlInit");
  return nvml;
}

Result<std::string> Nvml::driver_version() const {
  char text[96] = {};
  if (const Code code = driver_version_(text, sizeof text); code != kSuccess)
    return error(code, "nvmlSystemGetDriverVersion");
  return std::string(text);
}

Result<DeviceState> Nvml::state(const std::string& uuid) const {
  Device device = nullptr;
  if (const Code code = device_by_uuid_(uuid.c_str(), &device); code != kSuccess)
    return error(code, "nvmlDeviceGetHandleByUUID");
  DeviceState state;
  unsigned value = 0;
  constexpr std::int64_t kMega = 1'000'000;
  if (clock_(device, kClockSm, &value) == kSuccess) state.sm_clock_hertz = value * kMega;
  if (clock_(device, kClockMemory, &value) == kSuccess) state.memory_clock_hertz = value * kMega;
  if (temperature_(device, kTemperatureGpu, &value) == kSuccess) state.temperature_celsius = value;
  if (power_(device, &value) == kSuccess) state.power_watts = value * 1e-3;
  unsigned long long reasons = 0;
  if (throttle_(device, &reasons) == kSuccess) {
    for (const auto& [bit, name] : kThrottleReasons) {
      if ((reasons & bit) != 0) state.throttle_reasons.emplace_back(name);
    }
  }
  return state;
}

}  // namespace weir
