#include "tuner/calibration.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/digest.h"
#include "simulator/time_model.h"

namespace weir {
namespace {

constexpr int kSlopes = 7;
// In units of a problem's mean squared residual: a slope of 1 costs as much as a standard deviation of 10%
// over one problem. Shares lie in [0, 1], so slopes beyond a few tenths need evidence.
constexpr double kRidge = 0.01;
constexpr double kHuber = 1.345;       // standard deviations; 95% efficient on normal residuals
constexpr double kLeastSpread = 1e-6;  // of the residuals, for data without noise
constexpr int kRounds = 30;            // of reweighting, at most
constexpr double kConverged = 1e-10;

Eigen::VectorXd shares_of(const TimePoint& point) {
  Eigen::VectorXd shares(kSlopes);
  for (int i = 0; i < kSlopes; ++i)
    shares[i] = point.seconds > 0 ? point.resources[static_cast<std::size_t>(i)] / point.seconds : 0;
  return shares;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// Rows of one family with the number of their problem.
struct Table {
  Eigen::MatrixXd shares;
  Eigen::VectorXd log_ratio;  // measured over predicted
  std::vector<int> problem;
  int problems = 0;
};

Table table_of(std::span<const CalibrationSample> samples) {
  Table table{.shares = Eigen::MatrixXd(samples.size(), kSlopes),
              .log_ratio = Eigen::VectorXd(samples.size())};
  std::map<std::string, int> numbers;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const CalibrationSample& sample = samples[i];
    const auto row = static_cast<Eigen::Index>(i);
    table.shares.row(row) = shares_of(sample.predicted).transpose();
    table.log_ratio[row] = std::log(sample.measured_seconds / sample.predicted.seconds);
    const auto number =
        numbers.try_emplace(sample.kernel + ' ' + sample.problem, static_cast<int>(numbers.size()));
    table.problem.push_back(number.first->second);
  }
  table.problems = static_cast<int>(numbers.size());
  return table;
}

// Every row less its problem's weighted mean.
void center(const Table& table, const Eigen::VectorXd& weights, Eigen::MatrixXd& x, Eigen::VectorXd& y) {
  Eigen::MatrixXd mean_x = Eigen::MatrixXd::Zero(table.problems, kSlopes);
  Eigen::VectorXd mean_y = Eigen::VectorXd::Zero(table.problems), sum = mean_y;
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    const int p = table.problem[static_cast<std::size_t>(i)];
    mean_x.row(p) += weights[i] * table.shares.row(i);
    mean_y[p] += weights[i] * table.log_ratio[i];
    sum[p] += weights[i];
  }
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    const int p = table.problem[static_cast<std::size_t>(i)];
    x.row(i) = table.shares.row(i) - mean_x.row(p) / sum[p];
    y[i] = table.log_ratio[i] - mean_y[p] / sum[p];
  }
}

Eigen::VectorXd fit_slopes(const Table& table) {
  const Eigen::Index rows = table.log_ratio.size();
  Eigen::VectorXd alike(rows), counts = Eigen::VectorXd::Zero(table.problems);
  for (const int p : table.problem) counts[p] += 1;
  for (Eigen::Index i = 0; i < rows; ++i) alike[i] = 1 / counts[table.problem[static_cast<std::size_t>(i)]];

  Eigen::VectorXd weights = alike, slopes = Eigen::VectorXd::Zero(kSlopes);
  Eigen::MatrixXd x(rows, kSlopes);
  Eigen::VectorXd y(rows);
  for (int round = 0; round < kRounds; ++round) {
    center(table, weights, x, y);
    const Eigen::MatrixXd weighted = weights.asDiagonal() * x;
    const Eigen::MatrixXd normal =
        x.transpose() * weighted + kRidge * Eigen::MatrixXd::Identity(kSlopes, kSlopes);
    const Eigen::VectorXd next = normal.ldlt().solve(weighted.transpose() * y);
    const bool converged = (next - slopes).norm() < kConverged;
    slopes = next;
    if (converged) break;
    const Eigen::VectorXd residuals = y - x * slopes;
    std::vector<double> sizes(static_cast<std::size_t>(rows));
    for (Eigen::Index i = 0; i < rows; ++i) sizes[static_cast<std::size_t>(i)] = std::abs(residuals[i]);
    const double spread = std::max(kLeastSpread, 1.4826 * median(sizes));
    for (Eigen::Index i = 0; i < rows; ++i)
      weights[i] = alike[i] * std::min(1.0, kHuber * spread / std::max(std::abs(residuals[i]), kLeastSpread));
  }
  return slopes;
}

}  // namespace

TimePoint time_point(const Prediction& prediction) {
  TimePoint point{.seconds = prediction.time_seconds};
  for (const LaunchPrediction& launch : prediction.launches) {
    for (std::size_t i = 0; i < point.resources.size(); ++i) point.resources[i] += launch.resource_seconds[i];
  }
  return point;
}

const CalibrationFamily* family_of(const Calibration& calibration, const std::string& kernel) {
  const CalibrationFamily* pooled = nullptr;
  for (const CalibrationFamily& family : calibration.families) {
    if (family.kernel == kernel) return &family;
    if (family.kernel.empty()) pooled = &family;
  }
  return pooled;
}

double calibrated_seconds(const CalibrationFamily& family, const TimePoint& point) {
  if (point.seconds <= 0) return point.seconds;
  double log_factor = family.offset;
  for (std::size_t i = 0; i < family.slopes.size(); ++i)
    log_factor += family.slopes[i] * point.resources[i] / point.seconds;
  return point.seconds * std::exp(log_factor);
}

Prediction apply(const Calibration& calibration, const std::string& kernel, Prediction prediction) {
  const CalibrationFamily* family = family_of(calibration, kernel);
  if (!family || prediction.time_seconds <= 0) return prediction;
  const double seconds = calibrated_seconds(*family, time_point(prediction));
  const double factor = seconds / prediction.time_seconds;
  prediction.time_seconds = seconds;
  for (LaunchPrediction& launch : prediction.launches) launch.time_seconds *= factor;
  return prediction;
}

CalibrationFamily fit_family(const std::string& kernel, std::span<const CalibrationSample> samples) {
  CalibrationFamily family{.kernel = kernel, .rows = static_cast<std::int64_t>(samples.size())};
  if (samples.empty()) return family;
  const Table table = table_of(samples);
  family.problems = table.problems;
  const Eigen::VectorXd slopes = fit_slopes(table);
  Eigen::Map<Eigen::VectorXd>(family.slopes.data(), kSlopes) = slopes;
  const Eigen::VectorXd rest = table.log_ratio - table.shares * slopes;
  std::vector<std::vector<double>> by_problem(static_cast<std::size_t>(table.problems));
  for (Eigen::Index i = 0; i < rest.size(); ++i)
    by_problem[static_cast<std::size_t>(table.problem[static_cast<std::size_t>(i)])].push_back(rest[i]);
  std::vector<double> medians;
  for (std::vector<double>& of_problem : by_problem) medians.push_back(median(std::move(of_problem)));
  family.offset = median(std::move(medians));
  return family;
}

std::string model_digest(const DeviceProfile& p) {
  Digest digest;
  digest.add(std::to_string(kTimeModelVersion));
  for (const double value :
       {p.sm_clock_hertz, p.tensor_flops_per_second, p.mma_sync_fraction, p.fp32_flops_per_second,
        p.special_ops_per_second, p.shared_bytes_per_second, p.l2_bytes_per_second, p.dram_bytes_per_second,
        p.dram_efficiency, p.dram_latency_seconds, p.l2_latency_seconds, p.launch_latency_seconds,
        p.block_overhead_seconds, p.step_overhead_seconds, static_cast<double>(p.sm_count),
        static_cast<double>(p.l2_bytes)}) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    digest.add(text);
  }
  return digest.hex64();
}

}  // namespace weir
