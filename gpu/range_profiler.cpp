#include <charconv>
#include <chrono>
#include <cmath>
#include <thread>

#include "gpu/cupti_api.h"

namespace weir {
namespace {

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

}  // namespace

// One set of metrics on one context, ready to collect.
struct ScheduledSet {
  std::unique_ptr<CuptiHostObject> host;
  CuptiImage config;
  CuptiImage counters;
  bool settled = false;  // it has been collected before
};

struct RangeProfiler::Impl {
  const CuptiApi& api;
  std::vector<std::uint8_t> availability;  // host objects may keep pointing at it
  MetricPlan plan;
  CUpti_RangeProfiler_Object* profiler = nullptr;
  std::map<std::pair<MetricSet, std::size_t>, ScheduledSet> scheduled;  // by set and number of ranges

  explicit Impl(const CuptiApi& a) : api(a) {}
  ~Impl() {
    if (profiler == nullptr || leaking_driver_objects()) return;
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Disable_Params, params);
    params.pRangeProfilerObject = profiler;
    api.cuptiRangeProfilerDisable(&params);
  }

  Result<ScheduledSet*> schedule(const MetricSet& set, std::size_t ranges);
  Status configure(ScheduledSet& ready, std::size_t ranges);
  Status collect(const std::function<Status()>& before, const std::vector<std::function<Status()>>& parts);
  Status collect_all(ScheduledSet& ready, const std::function<Status()>& before,
                     const std::vector<std::function<Status()>>& parts);
  Result<std::size_t> decode();
  Status settle(ScheduledSet& ready, const std::vector<std::function<Status()>>& parts);
  Status collect_part(std::size_t index, const std::function<Status()>& part, std::size_t parts);
  Result<Values> evaluate(ScheduledSet& ready, const MetricSet& set, std::size_t range) const;
  Result<std::size_t> part_of(ScheduledSet& ready, std::size_t range, std::size_t parts) const;
};

Result<ScheduledSet*> RangeProfiler::Impl::schedule(const MetricSet& set, std::size_t ranges) {
  const std::pair key(set, ranges);
  if (const auto known = scheduled.find(key); known != scheduled.end()) return &known->second;
  Result<std::unique_ptr<CuptiHostObject>> host = CuptiHostObject::create(api, plan.chip, availability);
  if (!host) return host.error();
  Result<CuptiImage> config = (*host)->schedule(set);
  if (!config) return config.error();

  std::vector<const char*> names;
  for (const std::string& metric : set) names.push_back(metric.c_str());
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_GetCounterDataSize_Params, size);
  size.pRangeProfilerObject = profiler;
  size.pMetricNames = names.data();
  size.numMetrics = names.size();
  size.maxNumOfRanges = ranges;
  size.maxNumRangeTreeNodes = ranges;
  const CUptiResult code = api.cuptiRangeProfilerGetCounterDataSize(&size);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerGetCounterDataSize");
  const auto added = scheduled.emplace(key, ScheduledSet{std::move(host).value(), std::move(config).value(),
                                                         CuptiImage(size.counterDataSize)});
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

Status RangeProfiler::Impl::configure(ScheduledSet& ready, std::size_t ranges) {
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_CounterDataImage_Initialize_Params, reset);
  reset.pRangeProfilerObject = profiler;
  reset.counterDataSize = ready.counters.size();
  reset.pCounterData = ready.counters.data();
  CUptiResult code = api.cuptiRangeProfilerCounterDataImageInitialize(&reset);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerCounterDataImageInitialize");

  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_SetConfig_Params, config);
  config.pRangeProfilerObject = profiler;
  config.configSize = ready.config.size();
  config.pConfig = ready.config.data();
  config.counterDataImageSize = ready.counters.size();
  config.pCounterDataImage = ready.counters.data();
  config.range = CUPTI_UserRange;
  config.replayMode = CUPTI_UserReplay;
  config.maxRangesPerPass = ranges;
  config.numNestingLevels = 1;
  config.minNestingLevel = 1;
  config.passIndex = 0;
  config.targetNestingLevel = 1;
  code = api.cuptiRangeProfilerSetConfig(&config);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerSetConfig");
  return ok_status();
}

// One range.
Status RangeProfiler::Impl::collect_part(std::size_t index, const std::function<Status()>& part,
                                         std::size_t parts) {
  const std::string name = parts == 1 ? "kernel" : std::to_string(index);
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_PushRange_Params, push);
  push.pRangeProfilerObject = profiler;
  push.pRangeName = name.c_str();
  const CUptiResult pushed = api.cuptiRangeProfilerPushRange(&push);
  if (pushed != CUPTI_SUCCESS) return api.error(pushed, "cuptiRangeProfilerPushRange");
  const Status status = part();
  if (!status && leaking_driver_objects())
    return status;  // the call below would wait for a kernel that hangs
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_PopRange_Params, pop);
  pop.pRangeProfilerObject = profiler;
  const CUptiResult popped = api.cuptiRangeProfilerPopRange(&pop);
  if (!status) return status;
  if (popped != CUPTI_SUCCESS) return api.error(popped, "cuptiRangeProfilerPopRange");
  return ok_status();
}

Status RangeProfiler::Impl::collect(const std::function<Status()>& before,
                                    const std::vector<std::function<Status()>>& parts) {
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Stop_Params, stop);
  stop.pRangeProfilerObject = profiler;
  do {
    if (Status status = before(); !status) return status;
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_Start_Params, start);
    start.pRangeProfilerObject = profiler;
    CUptiResult code = api.cuptiRangeProfilerStart(&start);
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerStart");
    Status status = ok_status();
    for (std::size_t i = 0; i < parts.size() && status; ++i) status = collect_part(i, parts[i], parts.size());
    if (!status && leaking_driver_objects()) return status;
    code = api.cuptiRangeProfilerStop(&stop);
    if (!status) return status;
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerStop");
  } while (stop.isAllPassSubmitted == 0);
  return ok_status();
}

// Moves what was collected into the counter data; the number of ranges that were dropped.
Result<std::size_t> RangeProfiler::Impl::decode() {
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_DecodeData_Params, params);
  params.pRangeProfilerObject = profiler;
  const CUptiResult code = api.cuptiRangeProfilerDecodeData(&params);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerDecodeData");
  return static_cast<std::size_t>(params.numOfRangeDropped);
}

// Runs the parts once for nothing. The first collection after the profiler was opened sets up CUPTI's own
// buffers on the device, after the caller has cleaned the L2: what is left dirty there is written to DRAM by
// the first kernel that is counted, 4.5 to 5 MB on an H100 (attention_decode's first candidates in
// profiles/recorded, which store 0.3 to 1.7 MB and were counted at 4.6 to 6 MB).
Status RangeProfiler::Impl::settle(ScheduledSet& ready, const std::vector<std::function<Status()>>& parts) {
  if (Status status = configure(ready, parts.size()); !status) return status;
  if (Status status = collect([] { return ok_status(); }, parts); !status) return status;
  if (Result<std::size_t> dropped = decode(); !dropped) return dropped.error();
  ready.settled = true;
  return ok_status();
}

// Which part a range of the counter data is, by the name that it was pushed with.
Result<std::size_t> RangeProfiler::Impl::part_of(ScheduledSet& ready, std::size_t range,
                                                 std::size_t parts) const {
  WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_CounterData_GetRangeInfo_Params, info);
  info.pCounterDataImage = ready.counters.data();
  info.counterDataImageSize = ready.counters.size();
  info.rangeIndex = range;
  info.rangeDelimiter = "/";
  const CUptiResult code = api.cuptiRangeProfilerCounterDataGetRangeInfo(&info);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerCounterDataGetRangeInfo");
  const std::string name = info.rangeName == nullptr ? "" : info.rangeName;
  const std::string last = name.substr(name.rfind('/') + 1);
  std::size_t part = 0;
  const auto [stop, problem] = std::from_chars(last.data(), last.data() + last.size(), part);
  if (problem != std::errc() || stop != last.data() + last.size() || part >= parts)
    return Error{ErrorKind::failed, "the counters of this run have the range '" + name + "'", ""};
  return part;
}

Result<RangeProfiler::Values> RangeProfiler::Impl::evaluate(ScheduledSet& ready, const MetricSet& set,
                                                            std::size_t range) const {
  std::vector<const char*> names;
  for (const std::string& metric : set) names.push_back(metric.c_str());
  std::vector<double> values(set.size());
  WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_EvaluateToGpuValues_Params, evaluate);
  evaluate.pHostObject = ready.host->get();
  evaluate.pCounterDataImage = ready.counters.data();
  evaluate.counterDataImageSize = ready.counters.size();
  evaluate.rangeIndex = range;
  evaluate.ppMetricNames = names.data();
  evaluate.numMetrics = names.size();
  evaluate.pMetricValues = values.data();
  const CUptiResult code = api.cuptiProfilerHostEvaluateToGpuValues(&evaluate);
  if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerHostEvaluateToGpuValues");
  Values by_name;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (std::isfinite(values[i])) by_name[set[i]] = values[i];
  }
  return by_name;
}

// Every part's range. On an H100, 3 of 142 candidates of several launches came back with a range less and
// none dropped (driver 580, CUPTI 13.0): such a run is repeated.
Status RangeProfiler::Impl::collect_all(ScheduledSet& ready, const std::function<Status()>& before,
                                        const std::vector<std::function<Status()>>& parts) {
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    if (Status status = configure(ready, parts.size()); !status) return status;
    if (Status status = collect(before, parts); !status) return status;
    const Result<std::size_t> dropped = decode();
    if (!dropped) return dropped.error();
    WEIR_CUPTI_PARAMS(CUpti_RangeProfiler_GetCounterDataInfo_Params, info);
    info.pCounterDataImage = ready.counters.data();
    info.counterDataImageSize = ready.counters.size();
    const CUptiResult code = api.cuptiRangeProfilerGetCounterDataInfo(&info);
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiRangeProfilerGetCounterDataInfo");
    if (*dropped == 0 && info.numTotalRanges == parts.size()) return ok_status();
    if (attempt < kAttempts) continue;
    return Error{ErrorKind::failed,
                 "the counters of this run were lost: " + std::to_string(info.numTotalRanges) + " of " +
                     std::to_string(parts.size()) + " ranges, " + std::to_string(*dropped) + " dropped",
                 ""};
  }
}

Result<std::vector<RangeProfiler::Values>> RangeProfiler::measure(
    const MetricSet& set, const std::function<Status()>& before,
    const std::vector<std::function<Status()>>& parts) {
  Result<ScheduledSet*> scheduled = impl_->schedule(set, parts.size());
  if (!scheduled) return scheduled.error();
  ScheduledSet& ready = *scheduled.value();
  if (!ready.settled) {
    if (Status status = impl_->settle(ready, parts); !status) return status.error();
  }
  if (Status status = impl_->collect_all(ready, before, parts); !status) return status.error();

  std::vector<Values> all(parts.size());
  for (std::size_t range = 0; range < parts.size(); ++range) {
    const Result<std::size_t> part =
        parts.size() == 1 ? std::size_t{0} : impl_->part_of(ready, range, parts.size());
    if (!part) return part.error();
    Result<Values> values = impl_->evaluate(ready, set, range);
    if (!values) return values.error();
    all.at(*part) = std::move(*values);
  }
  return all;
}

}  // namespace weir
