// What remains of the time model's error, per kernel family: factors on a predicted time, fitted to stored
// measurements. Traffic, intervals and regimes are never changed by it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/prediction.h"
#include "profiles/device_profile.h"

namespace weir {

// What a calibration sees of a prediction.
struct TimePoint {
  double seconds = 0;
  ResourceSeconds resources{};

  bool operator==(const TimePoint&) const = default;
};
TimePoint time_point(const Prediction& prediction);  // all launches together

// log(calibrated / predicted) = offset + sum over resources of slope · (resource's seconds / predicted
// seconds).
struct CalibrationFamily {
  std::string kernel;                   // empty: pooled, for kernels that were not measured
  std::int64_t rows = 0, problems = 0;  // that it was fitted to
  double offset = 0;
  std::array<double, 7> slopes{};  // by Bottleneck

  bool operator==(const CalibrationFamily&) const = default;
};

struct Calibration {
  std::string profile;       // the name of the device profile
  std::string model_digest;  // of the time model and the profile that it was fitted on
  std::string gpu_name, driver_version, date;
  std::vector<std::string> gpu_uuids;
  std::int64_t rows = 0;
  std::vector<CalibrationFamily> families;

  bool operator==(const Calibration&) const = default;
};

// The kernel's family, else the pooled one, else nothing.
const CalibrationFamily* family_of(const Calibration& calibration, const std::string& kernel);

double calibrated_seconds(const CalibrationFamily& family, const TimePoint& point);
// The prediction with the time, and its launches' times, scaled.
Prediction apply(const Calibration& calibration, const std::string& kernel, Prediction prediction);

// One measured tiling.
struct CalibrationSample {
  std::string kernel, problem;
  TimePoint predicted;  // with the registers that the compiler used
  TimePoint ranked;     // with the definition's estimate, which is what a tuner ranks by before it compiles
  double measured_seconds = 0;

  bool operator==(const CalibrationSample&) const = default;
};

// Slopes from the differences between tilings of one problem (ridge, Huber's loss, every problem counting
// alike), so that what a problem does to all its tilings cannot bend them; then the offset, the median over
// problems of what remains. No samples: the identity.
CalibrationFamily fit_family(const std::string& kernel, std::span<const CalibrationSample> samples);

// 16 hex digits that change when predicted times may change: of the model's version and the profile's values.
std::string model_digest(const DeviceProfile& profile);

}  // namespace weir
