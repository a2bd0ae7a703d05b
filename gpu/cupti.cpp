#include "gpu/cupti_api.h"

namespace weir {
namespace {

std::string advice_for(CUptiResult code) {
  switch (code) {
    case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES:
      return "Reading counters is reserved to administrators here (RmProfilingAdminOnly in "
             "/proc/driver/nvidia/params): run as "
             "root, give the container CAP_SYS_ADMIN, or set NVreg_RestrictProfilingToAdminUsers=0.";
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED:
      return "The hypervisor does not pass the counters on; times are still measured.";
    case CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED:
      return "Counters need the whole GPU, not a shared MIG instance; times are still measured.";
    case CUPTI_ERROR_HARDWARE_BUSY:
      return "Another process holds the counters (DCGM, ncu or nsys): stop it, or `dcgmi profile --pause`.";
    case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
      return "This process already runs under a profiler; run it on its own.";
    case CUPTI_ERROR_INVALID_PARAMETER:
      return "The CUPTI library may not match the headers of the build; use the same toolkit release.";
    case CUPTI_ERROR_INVALID_CHIP_NAME:
      return "This CUPTI does not know the GPU; update the CUDA toolkit.";
    case CUPTI_ERROR_NOT_INITIALIZED:
    case CUPTI_ERROR_UNKNOWN:
      return "The driver may be older than CUPTI, or libnvperf_host.so is not beside libcupti.so.";
    default:
      return {};
  }
}

Result<std::int64_t> count_passes(const CuptiApi& api, const std::string& chip, const MetricSet& metrics,
                                  const std::vector<std::uint8_t>& availability) {
  Result<std::unique_ptr<CuptiHostObject>> host = CuptiHostObject::create(api, chip, availability);
  if (!host) return host.error();
  for (const std::string& metric : metrics) {
    if (!(*host)->has(metric)) return Error{ErrorKind::missing, chip + " has no metric " + metric, ""};
  }
  Result<CuptiImage> image = (*host)->schedule(metrics);
  if (!image) return image.error();
  WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_GetNumOfPasses_Params, params);
  params.configImageSize = image->size();
  params.pConfigImage = image->data();
  const CUptiResult code = api.cuptiProfilerHostGetNumOfPasses(&params);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerHostGetNumOfPasses", metrics.front());
  return static_cast<std::int64_t>(params.numOfPasses);
}

Result<MetricPlan> make_plan(const CuptiApi& api, const std::string& chip,
                             const std::vector<std::string>& wanted,
                             const std::vector<std::uint8_t>& availability) {
  MetricPlan plan{.chip = chip};
  MetricSet valid;
  {
    Result<std::unique_ptr<CuptiHostObject>> host = CuptiHostObject::create(api, chip, availability);
    if (!host) return host.error();
    for (const std::string& metric : wanted) {
      if ((*host)->has(metric)) {
        valid.push_back(metric);
      } else {
        plan.refused[metric] = chip + " does not have it";
      }
    }
  }
  auto one_pass = [&](const MetricSet& set) {
    const Result<std::int64_t> passes = count_passes(api, chip, set, availability);
    return passes && passes.value() == 1;
  };
  if (!valid.empty() && one_pass(valid)) {
    plan.sets.push_back(valid);
    return plan;
  }
  for (const std::string& metric : valid) {
    bool placed = false;
    for (MetricSet& set : plan.sets) {
      MetricSet longer = set;
      longer.push_back(metric);
      if (!one_pass(longer)) continue;
      set = std::move(longer);
      placed = true;
      break;
    }
    if (placed) continue;
    if (one_pass({metric})) {
      plan.sets.push_back({metric});
    } else {
      plan.refused[metric] = "it needs more than one pass, or is scheduled on no counter of this " + chip;
    }
  }
  return plan;
}

Result<std::unique_ptr<CuptiApi>> load_cupti() {
  const std::string advice =
      "Install the CUDA toolkit (or pip's nvidia-cuda-cupti) of the build's release and set CUDA_HOME to it.";
  const std::string major = std::to_string(CUPTI_API_VERSION / 10000);
  const std::string name = "libcupti.so." + major;
  Result<SharedLibrary> library = open_toolkit_library({name.c_str(), "libcupti.so"},
                                                       {"libnvperf_host.so", "libnvperf_target.so"}, advice);
  if (!library) return Error{ErrorKind::counters_denied, library.error().message, advice};
  auto api = std::make_unique<CuptiApi>();
  api->library = library.value();
  std::string absent;
#define WEIR_CUPTI_LOAD(function) \
  if (!api->library.find(#function, api->function)) absent += " " #function;
  WEIR_CUPTI_FUNCTIONS(WEIR_CUPTI_LOAD)
#undef WEIR_CUPTI_LOAD
  if (!absent.empty()) {
    return Error{ErrorKind::counters_denied, api->library.file().string() + " lacks" + absent, advice};
  }
  api->cuptiGetVersion(&api->api_version);
  // Structures grow between releases: a library older than the headers refuses them.
  if (api->api_version < CUPTI_API_VERSION || std::to_string(api->api_version / 10000) != major) {
    return Error{ErrorKind::counters_denied,
                 api->library.file().string() + " has API version " + std::to_string(api->api_version) +
                     ", the build's headers have " + std::to_string(CUPTI_API_VERSION),
                 advice};
  }
  return api;
}

}  // namespace

Error CuptiApi::error(CUptiResult code, const char* call, const std::string& subject) const {
  const char* text = nullptr;
  cuptiGetResultString(code, &text);
  return {ErrorKind::counters_denied,
          std::string(call) + (subject.empty() ? "" : " (" + subject + ")") + ": " +
              (text ? text : std::to_string(code)),
          advice_for(code)};
}

Cupti::Cupti(std::unique_ptr<CuptiApi> api) : api_(std::move(api)) {}
Cupti::~Cupti() = default;

Result<const Cupti*> Cupti::open() {
  // Never destroyed: CUPTI's own threads may outlive static destruction.
  static const Result<const Cupti*> cupti = []() -> Result<const Cupti*> {
    Result<std::unique_ptr<CuptiApi>> api = load_cupti();
    if (!api) return api.error();
    return static_cast<const Cupti*>(new Cupti(std::move(api).value()));
  }();
  return cupti;
}

std::string Cupti::version() const {
  const std::uint32_t v = api_->api_version;
  return "CUPTI " + std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." +
         std::to_string(v % 100);
}

std::string Cupti::file() const {
  return api_->library.file().string();
}

std::vector<std::string> Cupti::chips() const {
  WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_GetSupportedChips_Params, params);
  if (api_->cuptiProfilerHostGetSupportedChips(&params) != CUPTI_SUCCESS) return {};
  return {params.ppChipNames, params.ppChipNames + params.numChips};
}

Result<std::int64_t> Cupti::passes(const std::string& chip, const MetricSet& metrics) const {
  return count_passes(*api_, chip, metrics, {});
}

Result<MetricPlan> Cupti::plan(const std::string& chip, const std::vector<std::string>& wanted,
                               const std::vector<std::uint8_t>& availability) const {
  std::string key = chip;
  for (const std::string& metric : wanted) key += "\n" + metric;
  key.append("\n").append(availability.begin(), availability.end());
  const std::lock_guard lock(api_->mutex);
  if (const auto known = api_->plans.find(key); known != api_->plans.end()) return known->second;
  Result<MetricPlan> plan = make_plan(*api_, chip, wanted, availability);
  if (plan) api_->plans.emplace(std::move(key), plan.value());
  return plan;
}

}  // namespace weir
