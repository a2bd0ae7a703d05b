#include "gpu/cupti.h"

#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_result.h>
#include <cupti_target.h>
#include <cupti_version.h>

#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "gpu/library.h"

// Every CUPTI function that Weir calls; the types are the headers'.
#define WEIR_CUPTI_FUNCTIONS(X)                   \
  X(cuptiGetVersion)                              \
  X(cuptiGetResultString)                         \
  X(cuptiProfilerHostGetSupportedChips)           \
  X(cuptiProfilerHostInitialize)                  \
  X(cuptiProfilerHostDeinitialize)                \
  X(cuptiProfilerHostGetMetricProperties)         \
  X(cuptiProfilerHostConfigAddMetrics)            \
  X(cuptiProfilerHostGetConfigImageSize)          \
  X(cuptiProfilerHostGetConfigImage)              \
  X(cuptiProfilerHostGetNumOfPasses)              \
  X(cuptiProfilerHostEvaluateToGpuValues)         \
  X(cuptiProfilerInitialize)                      \
  X(cuptiProfilerDeviceSupported)                 \
  X(cuptiProfilerGetCounterAvailability)          \
  X(cuptiDeviceGetChipName)                       \
  X(cuptiRangeProfilerEnable)                     \
  X(cuptiRangeProfilerDisable)                    \
  X(cuptiRangeProfilerGetCounterDataSize)         \
  X(cuptiRangeProfilerCounterDataImageInitialize) \
  X(cuptiRangeProfilerSetConfig)                  \
  X(cuptiRangeProfilerStart)                      \
  X(cuptiRangeProfilerPushRange)                  \
  X(cuptiRangeProfilerPopRange)                   \
  X(cuptiRangeProfilerStop)                       \
  X(cuptiRangeProfilerDecodeData)                 \
  X(cuptiRangeProfilerGetCounterDataInfo)

// A parameter structure with its size set the way CUPTI checks it (never sizeof) and everything else zero.
#define WEIR_CUPTI_PARAMS(type, name) \
  type name = {};                     \
  name.structSize = type##_STRUCT_SIZE

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

std::string level_name(CUpti_Profiler_Support_Level level) {
  switch (level) {
    case CUPTI_PROFILER_CONFIGURATION_SUPPORTED:
      return "supported";
    case CUPTI_PROFILER_CONFIGURATION_DISABLED:
      return "disabled";
    case CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED:
      return "unsupported";
    default:
      return "unknown";
  }
}

// CUPTI wants config and counter images aligned to 8 bytes.
class Image {
 public:
  explicit Image(std::size_t bytes = 0) : words_((bytes + 7) / 8), bytes_(bytes) {}
  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(words_.data()); }
  std::size_t size() const { return bytes_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t bytes_;
};

}  // namespace

struct CuptiApi {
#define WEIR_CUPTI_MEMBER(function) decltype(&::function) function = nullptr;
  WEIR_CUPTI_FUNCTIONS(WEIR_CUPTI_MEMBER)
#undef WEIR_CUPTI_MEMBER
  SharedLibrary library;
  std::uint32_t api_version = 0;

  std::mutex mutex;  // guards plans
  std::map<std::string, MetricPlan> plans;

  Error error(CUptiResult code, const char* call, const std::string& subject = {}) const {
    const char* text = nullptr;
    cuptiGetResultString(code, &text);
    return {ErrorKind::counters_denied,
            std::string(call) + (subject.empty() ? "" : " (" + subject + ")") + ": " +
                (text ? text : std::to_string(code)),
            advice_for(code)};
  }
};

namespace {

// A chip and the metrics scheduled on it. They are all added in one call, because CUPTI gives each call its
// own passes.
class HostObject {
 public:
  static Result<std::unique_ptr<HostObject>> create(const CuptiApi& api, const std::string& chip,
                                                    const std::vector<std::uint8_t>& availability) {
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_Initialize_Params, params);
    params.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
    params.pChipName = chip.c_str();
    params.pCounterAvailabilityImage = availability.empty() ? nullptr : availability.data();
    const CUptiResult code = api.cuptiProfilerHostInitialize(&params);
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerHostInitialize", chip);
    return std::unique_ptr<HostObject>(new HostObject(api, params.pHostObject));
  }
  ~HostObject() {
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_Deinitialize_Params, params);
    params.pHostObject = object_;
    api_.cuptiProfilerHostDeinitialize(&params);
  }
  HostObject(const HostObject&) = delete;
  HostObject& operator=(const HostObject&) = delete;

  CUpti_Profiler_Host_Object* get() const { return object_; }

  // A name without a suffix ("dram__bytes_read") has properties, but cannot be collected.
  bool has(const std::string& metric) const {
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_GetMetricProperties_Params, params);
    params.pHostObject = object_;
    params.pMetricName = metric.c_str();
    const std::size_t name = metric.find("__");
    return name != std::string::npos && metric.find('.', name) != std::string::npos &&
           api_.cuptiProfilerHostGetMetricProperties(&params) == CUPTI_SUCCESS;
  }

  // Call once per object.
  Result<Image> schedule(const MetricSet& metrics) const {
    std::vector<const char*> names;
    for (const std::string& metric : metrics) names.push_back(metric.c_str());
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_ConfigAddMetrics_Params, add);
    add.pHostObject = object_;
    add.ppMetricNames = names.data();
    add.numMetrics = names.size();
    CUptiResult code = api_.cuptiProfilerHostConfigAddMetrics(&add);
    if (code != CUPTI_SUCCESS) return api_.error(code, "cuptiProfilerHostConfigAddMetrics", metrics.front());
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_GetConfigImageSize_Params, size);
    size.pHostObject = object_;
    code = api_.cuptiProfilerHostGetConfigImageSize(&size);
    if (code != CUPTI_SUCCESS)
      return api_.error(code, "cuptiProfilerHostGetConfigImageSize", metrics.front());
    Image image(size.configImageSize);
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_GetConfigImage_Params, get);
    get.pHostObject = object_;
    get.configImageSize = image.size();
    get.pConfigImage = image.data();
    code = api_.cuptiProfilerHostGetConfigImage(&get);
    if (code != CUPTI_SUCCESS) return api_.error(code, "cuptiProfilerHostGetConfigImage", metrics.front());
    return image;
  }

 private:
  HostObject(const CuptiApi& api, CUpti_Profiler_Host_Object* object) : api_(api), object_(object) {}
  const CuptiApi& api_;
  CUpti_Profiler_Host_Object* object_;
};

Result<std::int64_t> count_passes(const CuptiApi& api, const std::string& chip, const MetricSet& metrics,
                                  const std::vector<std::uint8_t>& availability) {
  Result<std::unique_ptr<HostObject>> host = HostObject::create(api, chip, availability);
  if (!host) return host.error();
  for (const std::string& metric : metrics) {
    if (!(*host)->has(metric)) return Error{ErrorKind::missing, chip + " has no metric " + metric, ""};
  }
  Result<Image> image = (*host)->schedule(metrics);
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
    Result<std::unique_ptr<HostObject>> host = HostObject::create(api, chip, availability);
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

// One set of metrics on one context, ready to collect.
struct ScheduledSet {
  std::unique_ptr<HostObject> host;
  Image config;
  Image counters;
};

struct RangeProfiler::Impl {
  const CuptiApi& api;
  std::vector<std::uint8_t> availability;  // host objects may keep pointing at it
  MetricPlan plan;
  CUpti_RangeProfiler_Object* profiler = nullptr;
  std::map<MetricSet, ScheduledSet> scheduled;

  explicit Impl(const CuptiApi& a) : api(a) {}
  ~Impl() {
    if (profiler == nullptr) return;
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Disable_Params, params);
    params.pRangeProfilerObject = profiler;
    api.cuptiRangeProfilerDisable(&params);
  }

  Result<ScheduledSet*> schedule(const MetricSet& set);
};

Result<ScheduledSet*> RangeProfiler::Impl::schedule(const MetricSet& set) {
  if (const auto known = scheduled.find(set); known != scheduled.end()) return &known->second;
  Result<std::unique_ptr<HostObject>> host = HostObject::create(api, plan.chip, availability);
  if (!host) return host.error();
  Result<Image> config = (*host)->schedule(set);
  if (!config) return config.error();

  std::vector<const char*> names;
  for (const std::string& metric : set) names.push_back(metric.c_str());
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_GetCounterDataSize_Params, size);
  size.pRangeProfilerObject = profiler;
  size.pMetricNames = names.data();
  size.numMetrics = names.size();
  size.maxNumOfRanges = 1;
  size.maxNumRangeTreeNodes = 1;
  const CUptiResult code = api.cuptiRangeProfilerGetCounterDataSize(&size);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerGetCounterDataSize");
  const auto added = scheduled.emplace(
      set, ScheduledSet{std::move(host).value(), std::move(config).value(), Image(size.counterDataSize)});
  return &added.first->second;
}

RangeProfiler::RangeProfiler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RangeProfiler::~RangeProfiler() = default;
const MetricPlan& RangeProfiler::plan() const {
  return impl_->plan;
}

Result<std::unique_ptr<RangeProfiler>> RangeProfiler::open(const PrimaryContext& context, int ordinal) {
  const Result<const Cupti*> cupti = Cupti::open();
  if (!cupti) return cupti.error();
  const CuptiApi& api = cupti.value()->api();

  // The order matters: without a driver and a successful initialisation the later calls crash instead of
  // failing.
  WEIR_CUPTI_PARAMS(CUpti_Profiler_Initialize_Params, initialize);
  CUptiResult code = api.cuptiProfilerInitialize(&initialize);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerInitialize");

  WEIR_CUPTI_PARAMS(CUpti_Profiler_DeviceSupported_Params, supported);
  supported.cuDevice = context.device();
  supported.api = CUPTI_PROFILER_RANGE_PROFILING;
  code = api.cuptiProfilerDeviceSupported(&supported);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerDeviceSupported");
  if (supported.isSupported != CUPTI_PROFILER_CONFIGURATION_SUPPORTED) {
    return Error{ErrorKind::counters_denied,
                 "the range profiler does not work on this device: architecture " +
                     level_name(supported.architecture) + ", SLI " + level_name(supported.sli) + ", vGPU " +
                     level_name(supported.vGpu) + ", confidential computing " +
                     level_name(supported.confidentialCompute) + ", CMP " + level_name(supported.cmp) +
                     ", WSL " + level_name(supported.wsl),
                 "Times are still measured."};
  }

  WEIR_CUPTI_PARAMS(CUpti_Device_GetChipName_Params, chip);
  chip.deviceIndex = static_cast<std::size_t>(ordinal);
  code = api.cuptiDeviceGetChipName(&chip);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiDeviceGetChipName");

  // Reading the availability image is what asks for permission; enabling the profiler does not.
  auto impl = std::make_unique<Impl>(api);
  WEIR_CUPTI_PARAMS(CUpti_Profiler_GetCounterAvailability_Params, available);
  available.ctx = context.get();
  code = api.cuptiProfilerGetCounterAvailability(&available);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerGetCounterAvailability");
  impl->availability.resize(available.counterAvailabilityImageSize);
  available.pCounterAvailabilityImage = impl->availability.data();
  code = api.cuptiProfilerGetCounterAvailability(&available);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerGetCounterAvailability");

  Result<MetricPlan> plan = cupti.value()->plan(chip.pChipName, default_metrics(), impl->availability);
  if (!plan) return plan.error();
  impl->plan = std::move(plan).value();
  for (const std::string& metric : required_metrics()) {
    if (const auto refused = impl->plan.refused.find(metric); refused != impl->plan.refused.end()) {
      return Error{ErrorKind::counters_denied,
                   "the counter " + metric + " cannot be read: " + refused->second,
                   "Times are still measured."};
    }
  }

  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Enable_Params, enable);
  enable.ctx = context.get();
  // The counters have one owner at a time; another tool, or a worker that was just killed, may need a moment
  // to let go.
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    code = api.cuptiRangeProfilerEnable(&enable);
    if (code != CUPTI_ERROR_HARDWARE_BUSY || attempt == kAttempts) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100 << attempt));
  }
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerEnable");
  impl->profiler = enable.pRangeProfilerObject;
  return std::unique_ptr<RangeProfiler>(new RangeProfiler(std::move(impl)));
}

Result<std::map<std::string, double>> RangeProfiler::measure(const MetricSet& set,
                                                             const std::function<Status()>& before,
                                                             const std::function<Status()>& body) {
  const CuptiApi& api = impl_->api;
  Result<ScheduledSet*> scheduled = impl_->schedule(set);
  if (!scheduled) return scheduled.error();
  ScheduledSet& ready = *scheduled.value();

  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_CounterDataImage_Initialize_Params, reset);
  reset.pRangeProfilerObject = impl_->profiler;
  reset.counterDataSize = ready.counters.size();
  reset.pCounterData = ready.counters.data();
  CUptiResult code = api.cuptiRangeProfilerCounterDataImageInitialize(&reset);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerCounterDataImageInitialize");

  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_SetConfig_Params, config);
  config.pRangeProfilerObject = impl_->profiler;
  config.configSize = ready.config.size();
  config.pConfig = ready.config.data();
  config.counterDataImageSize = ready.counters.size();
  config.pCounterDataImage = ready.counters.data();
  config.range = CUPTI_UserRange;
  config.replayMode = CUPTI_UserReplay;
  config.maxRangesPerPass = 1;
  config.numNestingLevels = 1;
  config.minNestingLevel = 1;
  config.passIndex = 0;
  config.targetNestingLevel = 1;
  code = api.cuptiRangeProfilerSetConfig(&config);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerSetConfig");

  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Stop_Params, stop);
  stop.pRangeProfilerObject = impl_->profiler;
  do {
    if (Status status = before(); !status) return status.error();
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Start_Params, start);
    start.pRangeProfilerObject = impl_->profiler;
    code = api.cuptiRangeProfilerStart(&start);
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerStart");
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_PushRange_Params, push);
    push.pRangeProfilerObject = impl_->profiler;
    push.pRangeName = "kernel";
    code = api.cuptiRangeProfilerPushRange(&push);
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerPushRange");
    const Status status = body();
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_PopRange_Params, pop);
    pop.pRangeProfilerObject = impl_->profiler;
    const CUptiResult popped = api.cuptiRangeProfilerPopRange(&pop);
    code = api.cuptiRangeProfilerStop(&stop);
    if (!status) return status.error();
    if (popped != CUPTI_SUCCESS) return api.error(popped, "cuptiRangeProfilerPopRange");
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerStop");
  } while (stop.isAllPassSubmitted == 0);

  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_DecodeData_Params, decode);
  decode.pRangeProfilerObject = impl_->profiler;
  code = api.cuptiRangeProfilerDecodeData(&decode);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerDecodeData");
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_GetCounterDataInfo_Params, info);
  info.pCounterDataImage = ready.counters.data();
  info.counterDataImageSize = ready.counters.size();
  code = api.cuptiRangeProfilerGetCounterDataInfo(&info);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerGetCounterDataInfo");
  if (decode.numOfRangeDropped != 0 || info.numTotalRanges != 1) {
    return Error{ErrorKind::failed,
                 "the counters of this run were lost: " + std::to_string(info.numTotalRanges) + " ranges, " +
                     std::to_string(decode.numOfRangeDropped) + " dropped",
                 ""};
  }

  std::vector<const char*> names;
  for (const std::string& metric : set) names.push_back(metric.c_str());
  std::vector<double> values(set.size());
  WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_EvaluateToGpuValues_Params, evaluate);
  evaluate.pHostObject = ready.host->get();
  evaluate.pCounterDataImage = ready.counters.data();
  evaluate.counterDataImageSize = ready.counters.size();
  evaluate.rangeIndex = 0;
  evaluate.ppMetricNames = names.data();
  evaluate.numMetrics = names.size();
  evaluate.pMetricValues = values.data();
  code = api.cuptiProfilerHostEvaluateToGpuValues(&evaluate);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerHostEvaluateToGpuValues");
  std::map<std::string, double> by_name;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (std::isfinite(values[i])) by_name[set[i]] = values[i];
  }
  return by_name;
}

}  // namespace weir
