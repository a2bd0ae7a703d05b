#include "tuner/calibration_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace weir {
namespace {

constexpr std::size_t kFirst = 8;
constexpr std::size_t kLeastForRanks = 3;
// What left-out problems may cost a fit that is better otherwise.
constexpr double kErrorSlack = 1.05;
constexpr double kSpearmanSlack = 0.01;
constexpr double kFirstPickSlack = 0.002;  // of speed: below what a measurement tells apart

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

std::vector<std::size_t> ascending(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

// Equal values share the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values) {
  const std::vector<std::size_t> order = ascending(values);
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = static_cast<double>(first + last - 1) / 2;
  }
  return ranks;
}

// 0 where one side does not vary: such a prediction ranks nothing.
double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = ranks(a), y = ranks(b);
  const double mean = static_cast<double>(x.size() - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

std::string problem_key(const CalibrationSample& sample) {
  return sample.kernel + ' ' + sample.problem;
}

std::vector<CalibrationSample> where(std::span<const CalibrationSample> samples, auto&& keep) {
  std::vector<CalibrationSample> kept;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(kept), keep);
  return kept;
}

std::vector<std::string> kernels_of(std::span<const CalibrationSample> samples) {
  std::vector<std::string> kernels;
  for (const CalibrationSample& s : samples) {
    if (std::find(kernels.begin(), kernels.end(), s.kernel) == kernels.end()) kernels.push_back(s.kernel);
  }
  return kernels;
}

// For each sample, what a fit to the samples that `trains(sample, left_out)` allows says.
std::vector<double> left_out_seconds(std::span<const CalibrationSample> samples, auto&& key, auto&& trains) {
  std::map<std::string, CalibrationFamily> fits;
  std::vector<double> seconds;
  for (const CalibrationSample& sample : samples) {
    auto fit = fits.find(key(sample));
    if (fit == fits.end()) {
      const std::vector<CalibrationSample> training =
          where(samples, [&](const CalibrationSample& other) { return trains(other, sample); });
      fit = fits.emplace(key(sample), fit_family("", training)).first;
    }
    seconds.push_back(calibrated_seconds(fit->second, sample.ranked));
  }
  return seconds;
}

// Closer or in better order, and in no respect clearly worse.
bool better(const TimeError& fitted, const TimeError& raw) {
  const bool closer = fitted.median_log_error < raw.median_log_error;
  const bool better_order = fitted.median_spearman > raw.median_spearman;
  return (closer || better_order) && fitted.median_log_error <= kErrorSlack * raw.median_log_error &&
         fitted.median_spearman >= raw.median_spearman - kSpearmanSlack &&
         fitted.first_pick >= raw.first_pick - kFirstPickSlack;
}

}  // namespace

TimeError time_error(std::span<const CalibrationSample> samples, std::span<const double> seconds) {
  TimeError error{.rows = static_cast<std::int64_t>(samples.size())};
  if (samples.empty()) return error;
  struct Times {
    std::vector<double> predicted, measured;
  };
  std::map<std::string, Times> problems;
  std::vector<double> log_errors;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    Times& times = problems[problem_key(samples[i])];
    times.predicted.push_back(seconds[i]);
    times.measured.push_back(samples[i].measured_seconds);
    log_errors.push_back(std::abs(std::log(seconds[i] / samples[i].measured_seconds)));
  }
  error.problems = static_cast<std::int64_t>(problems.size());
  error.median_log_error = median(std::move(log_errors));
  std::vector<double> correlations;
  double log_first = 0, log_best_of_8 = 0;
  error.worst_first_pick = 1;
  for (const auto& [name, times] : problems) {
    if (times.measured.size() >= kLeastForRanks)
      correlations.push_back(spearman(times.predicted, times.measured));
    const double best = *std::min_element(times.measured.begin(), times.measured.end());
    const std::vector<std::size_t> order = ascending(times.predicted);
    double of_first = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < std::min(kFirst, order.size()); ++i)
      of_first = std::min(of_first, times.measured[order[i]]);
    const double first = best / times.measured[order.front()];
    error.worst_first_pick = std::min(error.worst_first_pick, first);
    log_first += std::log(first);
    log_best_of_8 += std::log(best / of_first);
  }
  error.median_spearman = median(std::move(correlations));
  error.first_pick = std::exp(log_first / static_cast<double>(problems.size()));
  error.best_of_8 = std::exp(log_best_of_8 / static_cast<double>(problems.size()));
  return error;
}

std::vector<CalibrationReport> cross_validate(std::span<const CalibrationSample> samples) {
  std::vector<double> raw;
  for (const CalibrationSample& sample : samples) raw.push_back(sample.ranked.seconds);
  const std::vector<double> held_out = left_out_seconds(
      samples, problem_key, [](const CalibrationSample& other, const CalibrationSample& left_out) {
        return other.kernel == left_out.kernel && other.problem != left_out.problem;
      });
  const std::vector<double> other_kernels = left_out_seconds(
      samples, [](const CalibrationSample& sample) { return sample.kernel; },
      [](const CalibrationSample& other, const CalibrationSample& left_out) {
        return other.kernel != left_out.kernel;
      });

  std::vector<CalibrationReport> reports;
  std::vector<std::string> kernels = kernels_of(samples);
  kernels.emplace_back();
  for (const std::string& kernel : kernels) {
    std::vector<CalibrationSample> rows;
    std::vector<double> raw_rows, held_out_rows, other_rows;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!kernel.empty() && samples[i].kernel != kernel) continue;
      rows.push_back(samples[i]);
      raw_rows.push_back(raw[i]);
      held_out_rows.push_back(held_out[i]);
      other_rows.push_back(other_kernels[i]);
    }
    reports.push_back(
        {kernel, time_error(rows, raw_rows), time_error(rows, held_out_rows), time_error(rows, other_rows)});
  }
  return reports;
}

std::vector<CalibrationFamily> fit_families(std::span<const CalibrationSample> samples,
                                            std::span<const CalibrationReport> reports) {
  std::vector<CalibrationFamily> families;
  for (const CalibrationReport& report : reports) {
    const bool pooled = report.kernel.empty();
    if (!better(pooled ? report.other_kernels : report.held_out, report.raw)) {
      // A kernel without a family of its own must not get the pooled one: its held-out rows say the model is
      // better.
      if (!pooled) families.push_back({.kernel = report.kernel});
      continue;
    }
    families.push_back(fit_family(report.kernel, where(samples, [&](const CalibrationSample& sample) {
                                    return pooled || sample.kernel == report.kernel;
                                  })));
  }
  return families;
}

}  // namespace weir
