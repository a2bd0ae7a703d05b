#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <thread>
#include <unsupported/Eigen/NonLinearOptimization>

#include "kernels/definition.h"
#include "simulator/predict.h"
#include "tuner/probe.h"

namespace weir {
namespace {

// Samples of more passes than this are there for their time.
constexpr std::int64_t kMostFittedPasses = 8;
// Of numerical derivatives, in the free parameters: 2% of what a weight exceeds its least value by. Below it,
// drift between blocks shows. Not relative to the parameter, which is 0 where a weight exceeds that by 1.
constexpr double kDerivativeStep = 0.02;
constexpr int kMostEvaluations = 25;
// Capacities that a kernel has read when nothing of what was in the L2 before is left there.
constexpr double kDisplaced = 1.5;
constexpr double kScannedWeights = 1.0, kScanStep = 0.1;

struct Interrupted {};

std::string pattern_of(const ProbeSample& sample) {
  const NamedValue* pattern = find(sample.candidate.problem.values, "pattern");
  return pattern ? pattern->text : sample.candidate.kernel;
}

std::int64_t parameter(const ProbeSample& sample, const char* name) {
  return value_of(sample.candidate.problem.values, name);
}

// What the kernel asks for, to which deviations are relative.
double asked_bytes(const ProbeSample& sample) {
  return static_cast<double>(parameter(sample, "bytes") * parameter(sample, "passes"));
}

bool is_re_read(const ProbeSample& sample) {
  const std::string pattern = pattern_of(sample);
  return (pattern == "private_reads" || pattern == "shared_reads") &&
         parameter(sample, "passes") <= kMostFittedPasses;
}

bool is_write(const ProbeSample& sample) {
  return pattern_of(sample) == "writes";
}

double dram_bytes(const ProbeSample& sample, const Traffic& traffic) {
  return is_write(sample) ? traffic.dram_write_bytes : traffic.dram_read_bytes;
}

double dram_bytes(const ProbeSample& sample) {
  return is_write(sample) ? sample.counters.dram_write_bytes : sample.counters.dram_read_bytes;
}

using Group = std::vector<const ProbeSample*>;

// Predicted less measured, as a share of what is asked for.
Eigen::VectorXd deviations(const DeviceProfile& profile, const Group& group,
                           const std::function<bool()>& stop, Fidelity fidelity = Fidelity::cache) {
  Eigen::VectorXd result(static_cast<Eigen::Index>(group.size()));
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::vector<std::optional<Error>> errors(group.size());
  const auto work = [&] {
    for (std::size_t i = next++; i < group.size() && !stopped; i = next++) {
      const ProbeSample& sample = *group[i];
      const Result<Prediction> prediction = predict(profile, sample.candidate, {.fidelity = fidelity});
      if (!prediction) {
        errors[i] = prediction.error();
        continue;
      }
      result[static_cast<Eigen::Index>(i)] =
          (dram_bytes(sample, prediction->traffic) - dram_bytes(sample)) / asked_bytes(sample);
      if (stop && stop()) stopped = true;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < std::min<std::size_t>(std::thread::hardware_concurrency(), group.size()); ++t)
      pool.emplace_back(work);
    work();
  }
  if (stopped) throw Interrupted{};
  for (const std::optional<Error>& error : errors) {
    if (error) throw *error;
  }
  return result;
}

// The fitted parameters without bounds: logarithms of what each may exceed its least value by, and the
// logistic of the width's share of its largest value.
constexpr double kLargestWidth = 0.2;
constexpr double kLeastExcess = 1e-4;

Eigen::VectorXd free_parameters(const DeviceProfile& profile) {
  const double share = std::clamp(profile.l2_survival_width / kLargestWidth, 0.01, 0.99);
  const double width = std::log(share / (1 - share));
  if (profile.l2_partitions == 1) return Eigen::VectorXd::Constant(1, width);
  return Eigen::Vector3d(
      width, std::log(std::max(profile.l2_private_weight - 1, kLeastExcess)),
      std::log(std::max(profile.l2_shared_weight - profile.l2_private_weight, kLeastExcess)));
}

DeviceProfile with_parameters(DeviceProfile profile, const Eigen::VectorXd& free) {
  profile.l2_survival_width = kLargestWidth / (1 + std::exp(-free[0]));
  if (profile.l2_partitions == 1) return profile;
  profile.l2_private_weight = 1 + std::exp(free[1]);
  profile.l2_shared_weight = profile.l2_private_weight + std::exp(free[2]);
  return profile;
}

// What Eigen's Levenberg-Marquardt asks of a problem.
struct LeastSquares {
  using Scalar = double;
  using InputType = Eigen::VectorXd;
  using ValueType = Eigen::VectorXd;
  using JacobianType = Eigen::MatrixXd;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };

  std::function<Eigen::VectorXd(const Eigen::VectorXd&)> deviations_at;
  int parameter_count = 0, deviation_count = 0;
  // Of the last call, where the derivatives are asked for next.
  Eigen::VectorXd last_parameters = {}, last_deviations = {};

  int inputs() const { return parameter_count; }
  int values() const { return deviation_count; }
  int operator()(const Eigen::VectorXd& parameters, Eigen::VectorXd& deviations) {
    last_parameters = parameters;
    deviations = last_deviations = deviations_at(parameters);
    return 0;
  }
  int df(const Eigen::VectorXd& parameters, Eigen::MatrixXd& jacobian) {
    const Eigen::VectorXd here = parameters == last_parameters ? last_deviations : deviations_at(parameters);
    for (Eigen::Index i = 0; i < parameters.size(); ++i) {
      Eigen::VectorXd moved = parameters;
      moved[i] += kDerivativeStep;
      jacobian.col(i) = (deviations_at(moved) - here) / kDerivativeStep;
    }
    return 0;
  }
};

Eigen::VectorXd least_squares(Eigen::VectorXd parameters, std::size_t deviations,
                              std::function<Eigen::VectorXd(const Eigen::VectorXd&)> deviations_at) {
  LeastSquares problem{.deviations_at = std::move(deviations_at),
                       .parameter_count = static_cast<int>(parameters.size()),
                       .deviation_count = static_cast<int>(deviations)};
  Eigen::LevenbergMarquardt<LeastSquares> solver(problem);
  solver.parameters.maxfev = kMostEvaluations;
  solver.parameters.ftol = solver.parameters.xtol = 1e-3;
  solver.minimize(parameters);
  return parameters;
}

class Fit {
 public:
  Fit(const DeviceProfile& base, std::span<const ProbeSample> samples, const std::function<bool()>& stop)
      : base_(base), samples_(samples), stop_(stop) {
    fit_.profile = base;
  }

  ProbeFit run() {
    read_granule();
    copy_rate();
    l2_rate();
    re_reads();
    foreign_lines();
    writes();
    for (const char* pattern : {"private_reads", "shared_reads", "writes"}) judge(pattern);
    return std::move(fit_);
  }

 private:
  template <typename Predicate>
  Group where(Predicate&& predicate) const {
    Group group;
    for (const ProbeSample& sample : samples_) {
      if (predicate(sample)) group.push_back(&sample);
    }
    return group;
  }

  template <typename Value>
  void set(const char* key, Value DeviceProfile::*member, double value, std::string evidence,
           const char* unit = "", double unit_size = 1) {
    const auto before = static_cast<double>(base_.*member);
    fit_.profile.*member = static_cast<Value>(value);
    fit_.values.push_back({key, before, value, unit, unit_size, std::move(evidence)});
  }

  // Sectors that lie a granule or more apart cost a granule each.
  void read_granule() {
    const Group strided = where([](const ProbeSample& s) { return pattern_of(s) == "strided_reads"; });
    double granule = 0;
    for (const ProbeSample* sample : strided) {
      const double sectors = asked_bytes(*sample) / static_cast<double>(parameter(*sample, "stride")) /
                             static_cast<double>(base_.sector_bytes);
      granule = std::max(granule, sample->counters.dram_read_bytes / sectors);
    }
    if (granule == 0) return;
    const double sector = static_cast<double>(base_.sector_bytes);
    const double doublings = std::max(0.0, std::round(std::log2(granule / sector)));
    set("dram_read_granule_bytes", &DeviceProfile::dram_read_granule_bytes, sector * std::exp2(doublings),
        "reads of single sectors at strides up to 8", "B");
  }

  void copy_rate() {
    for (const ProbeSample* copy :
         where([](const ProbeSample& s) { return s.candidate.kernel == "stream_copy"; })) {
      const double seconds = copy->seconds - base_.launch_latency_seconds;
      if (seconds <= 0) continue;
      const double rate = (copy->counters.dram_read_bytes + copy->counters.dram_write_bytes) / seconds;
      set("dram_efficiency", &DeviceProfile::dram_efficiency,
          std::min(1.0, rate / base_.dram_bytes_per_second),
          "counted bytes of a copy of 1 GiB over its time");
    }
  }

  void l2_rate() {
    const auto resident = [](const ProbeSample& s) {
      return pattern_of(s) == "shared_reads" && parameter(s, "passes") > kMostFittedPasses;
    };
    for (const ProbeSample* reads : where(resident)) {
      const double seconds = reads->seconds - base_.launch_latency_seconds;
      if (seconds <= 0) continue;
      set("l2_bandwidth", &DeviceProfile::l2_bytes_per_second, reads->counters.l2_read_bytes / seconds,
          "re-reads of a buffer that fits in the L2, by all SMs", "TB/s", 1e12);
    }
  }

  // The weights at which the steps of the curves lie nearest; least squares would not find a step from afar.
  DeviceProfile near_steps() const {
    DeviceProfile profile = fit_.profile;
    if (profile.l2_partitions == 1) return profile;
    const auto scan = [&](const char* pattern, Fidelity fidelity, double from, auto&& set) {
      const Group group =
          where([&](const ProbeSample& s) { return is_re_read(s) && pattern_of(s) == pattern; });
      double least = std::numeric_limits<double>::infinity(), best = from;
      for (double weight = from; weight < from + kScannedWeights; weight += kScanStep) {
        set(weight);
        const double size = deviations(profile, group, stop_, fidelity).norm();
        if (size >= least) continue;
        least = size;
        best = weight;
      }
      set(best);
    };
    // The fast mode is right for blocks that share nothing.
    scan("private_reads", Fidelity::fast, 1.02, [&](double weight) {
      profile.l2_private_weight = weight;
      profile.l2_shared_weight = std::max(profile.l2_shared_weight, weight);
    });
    scan("shared_reads", Fidelity::cache, profile.l2_private_weight + kScanStep,
         [&](double weight) { profile.l2_shared_weight = weight; });
    return profile;
  }

  void re_reads() {
    const Group group = where(is_re_read);
    const DeviceProfile profile = near_steps();
    const Eigen::VectorXd start = free_parameters(profile);
    if (group.size() < static_cast<std::size_t>(start.size())) return;
    const Eigen::VectorXd free = least_squares(start, group.size(), [&](const Eigen::VectorXd& parameters) {
      return deviations(with_parameters(profile, parameters), group, stop_);
    });
    const DeviceProfile fitted = with_parameters(profile, free);
    const std::string evidence =
        "least squares over " + std::to_string(group.size()) + " sizes of private and shared re-reads";
    set("l2_survival_width", &DeviceProfile::l2_survival_width, fitted.l2_survival_width, evidence);
    if (base_.l2_partitions == 1) return;
    set("l2_private_weight", &DeviceProfile::l2_private_weight, fitted.l2_private_weight, evidence);
    set("l2_shared_weight", &DeviceProfile::l2_shared_weight, fitted.l2_shared_weight, evidence);
  }

  void writes() {
    const Group group = where(is_write);
    if (group.empty()) return;
    const DeviceProfile profile = fit_.profile;
    const auto with_dirty = [&](double free) {
      DeviceProfile trial = profile;
      trial.l2_dirty_fraction = 1 / (1 + std::exp(-free));
      return trial;
    };
    const double share = std::clamp(base_.l2_dirty_fraction, 0.05, 0.95);
    const Eigen::VectorXd free = least_squares(Eigen::VectorXd::Constant(1, std::log(share / (1 - share))),
                                               group.size(), [&](const Eigen::VectorXd& parameters) {
                                                 return deviations(with_dirty(parameters[0]), group, stop_);
                                               });
    set("l2_dirty_fraction", &DeviceProfile::l2_dirty_fraction, with_dirty(free[0]).l2_dirty_fraction,
        "least squares over " + std::to_string(group.size()) + " sizes of a buffer that is written");
  }

  // What kernels are counted to write that only read, once they have displaced the L2.
  void foreign_lines() {
    const auto displaces = [&](const ProbeSample& s) {
      return pattern_of(s).ends_with("_reads") && s.counters.dram_read_bytes * base_.l2_private_weight >=
                                                      kDisplaced * static_cast<double>(base_.l2_bytes);
    };
    std::vector<double> written;
    for (const ProbeSample* sample : where(displaces)) written.push_back(sample->counters.dram_write_bytes);
    if (written.empty()) return;
    const auto middle = written.begin() + static_cast<std::ptrdiff_t>(written.size() / 2);
    std::ranges::nth_element(written, middle);
    set("l2_foreign_dirty_bytes", &DeviceProfile::l2_foreign_dirty_bytes, *middle,
        "writes of " + std::to_string(written.size()) + " kernels that only read, and displace the L2", "KB",
        1e3);
  }

  void judge(const std::string& pattern) {
    const Group group = where(
        [&](const ProbeSample& s) { return pattern_of(s) == pattern && (is_re_read(s) || is_write(s)); });
    if (group.empty()) return;
    const auto root_mean_square = [&](const Eigen::VectorXd& d) {
      return d.norm() / std::sqrt(static_cast<double>(group.size()));
    };
    const Eigen::VectorXd after = deviations(fit_.profile, group, stop_);
    fit_.residuals.push_back({.pattern = pattern,
                              .samples = static_cast<std::int64_t>(group.size()),
                              .before = root_mean_square(deviations(base_, group, stop_)),
                              .after = root_mean_square(after),
                              .worst_after = after.cwiseAbs().maxCoeff()});
  }

  const DeviceProfile& base_;
  std::span<const ProbeSample> samples_;
  const std::function<bool()>& stop_;
  ProbeFit fit_;
};

}  // namespace

Result<ProbeFit> fit_probe(const DeviceProfile& base, std::span<const ProbeSample> samples,
                           const std::function<bool()>& stop) try {
  if (samples.empty()) return Error{ErrorKind::missing, "there is no measurement to fit to", ""};
  ProbeFit fit = Fit(base, samples, stop).run();
  if (const std::vector<std::string> broken = validate(fit.profile); !broken.empty()) {
    return Error{ErrorKind::verification, "the fitted profile breaks a rule: " + broken.front(),
                 "Look at the measurements: they are not of the GPU that the profile describes, or the model "
                 "does not hold for it."};
  }
  return fit;
} catch (const Error& error) {
  return error;
} catch (const Interrupted&) {
  return Error{ErrorKind::interrupted, "stopped while fitting", ""};
}

}  // namespace weir
