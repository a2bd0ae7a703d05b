// How far predicted times are from measured ones, and how well they rank: over the rows that were fitted, and
// over rows that were left out of the fit.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tuner/calibration.h"

namespace weir {

struct TimeError {
  std::int64_t rows = 0, problems = 0;
  double median_log_error = 0;  // of |log(predicted / measured)|
  double median_spearman = 0;   // over the problems with three rows or more
  double first_pick = 0;  // speed of the predicted fastest over that of the measured one: geometric mean
  double worst_first_pick = 0;
  double best_of_8 = 0;  // the same for the fastest of the first eight

  bool operator==(const TimeError&) const = default;
};
// `seconds[i]` is the prediction of samples[i]. Precondition: equal sizes. All 0 without samples.
TimeError time_error(std::span<const CalibrationSample> samples, std::span<const double> seconds);

struct CalibrationReport {
  std::string kernel;       // empty: all of them
  TimeError raw;            // as the model says it
  TimeError held_out;       // each problem by a fit to the kernel's other problems
  TimeError other_kernels;  // the kernel by the pooled fit to all other kernels: what an unknown kernel gets
};
// By kernel in the order of the samples, then all together. Nothing in it was predicted by a fit that saw it.
std::vector<CalibrationReport> cross_validate(std::span<const CalibrationSample> samples);

// One family for each kernel: a fit if left-out problems say that it is closer or in better order than the
// model alone, and the identity if not. The pooled family is there if left-out kernels say so.
std::vector<CalibrationFamily> fit_families(std::span<const CalibrationSample> samples,
                                            std::span<const CalibrationReport> reports);

}  // namespace weir
