// CUPTI's functions and the host objects that both planning and profiling use. Internal to cupti.h's
// implementation: the only header that includes CUPTI's own.
#pragma once

#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_result.h>
#include <cupti_target.h>
#include <cupti_version.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gpu/cupti.h"
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
  X(cuptiRangeProfilerGetCounterDataInfo)         \
  X(cuptiRangeProfilerCounterDataGetRangeInfo)

// A parameter structure with its size set the way CUPTI checks it (never sizeof) and everything else zero.
#define WEIR_CUPTI_PARAMS(type, name) \
  type name = {};                     \
  name.structSize = type##_STRUCT_SIZE

namespace weir {

// CUPTI wants config and counter images aligned to 8 bytes.
class CuptiImage {
 public:
  explicit CuptiImage(std::size_t bytes = 0) : words_((bytes + 7) / 8), bytes_(bytes) {}
  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(words_.data()); }
  std::size_t size() const { return bytes_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t bytes_;
};

struct CuptiApi {
#define WEIR_CUPTI_MEMBER(function) decltype(&::function) function = nullptr;
  WEIR_CUPTI_FUNCTIONS(WEIR_CUPTI_MEMBER)
#undef WEIR_CUPTI_MEMBER
  SharedLibrary library;
  std::uint32_t api_version = 0;

  std::mutex mutex;  // guards plans
  std::map<std::string, MetricPlan> plans;

  // `call` failed on `subject`; with what to do about it.
  Error error(CUptiResult code, const char* call, const std::string& subject = {}) const;
};

// A chip and the metrics scheduled on it. They are all added in one call, because CUPTI gives each call its
// own passes.
class CuptiHostObject {
 public:
  static Result<std::unique_ptr<CuptiHostObject>> create(const CuptiApi& api, const std::string& chip,
                                                         const std::vector<std::uint8_t>& availability) {
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_Initialize_Params, params);
    params.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
    params.pChipName = chip.c_str();
    params.pCounterAvailabilityImage = availability.empty() ? nullptr : availability.data();
    const CUptiResult code = api.cuptiProfilerHostInitialize(&params);
    if (code != CUPTI_SUCCESS) return api.error(code, "cuptiProfilerHostInitialize", chip);
    return std::unique_ptr<CuptiHostObject>(new CuptiHostObject(api, params.pHostObject));
  }
  ~CuptiHostObject() {
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_Deinitialize_Params, params);
    params.pHostObject = object_;
    api_.cuptiProfilerHostDeinitialize(&params);
  }
  CuptiHostObject(const CuptiHostObject&) = delete;
  CuptiHostObject& operator=(const CuptiHostObject&) = delete;

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
  Result<CuptiImage> schedule(const MetricSet& metrics) const {
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
    CuptiImage image(size.configImageSize);
    WEIR_CUPTI_PARAMS(CUpti_Profiler_Host_GetConfigImage_Params, get);
    get.pHostObject = object_;
    get.configImageSize = image.size();
    get.pConfigImage = image.data();
    code = api_.cuptiProfilerHostGetConfigImage(&get);
    if (code != CUPTI_SUCCESS) return api_.error(code, "cuptiProfilerHostGetConfigImage", metrics.front());
    return image;
  }

 private:
  CuptiHostObject(const CuptiApi& api, CUpti_Profiler_Host_Object* object) : api_(api), object_(object) {}
  const CuptiApi& api_;
  CUpti_Profiler_Host_Object* object_;
};

}  // namespace weir
