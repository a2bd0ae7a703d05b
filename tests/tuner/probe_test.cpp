// The probe against GPUs whose parameters are known: ones made up here, and the two that were measured.
#include "tuner/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/definition.h"
#include "simulator/predict.h"
#include "tests/simulator/measured_tables.h"

namespace weir {
namespace {

const std::filesystem::path kSource = WEIR_SOURCE_DIR;

DeviceProfile profile_of(const std::string& name) {
  return find_profile(kSource / "profiles/gpus", name).value();
}

Candidate candidate_of(const ProbeProblem& problem, const DeviceProfile& profile,
                       const std::string& config = "") {
  const KernelDefinition definition = find_kernel(kSource / "kernels", problem.kernel).value();
  return definition
      .resolve(definition.problem(problem.problem).value(), definition.config(config).value(),
               limits_of(profile))
      .value();
}

// What a GPU that is as `truth` says would measure.
std::vector<ProbeSample> measured_on(const DeviceProfile& truth, const std::vector<ProbeProblem>& plan) {
  std::vector<ProbeSample> samples;
  for (const ProbeProblem& problem : plan) {
    ProbeSample sample{.candidate = candidate_of(problem, truth)};
    const Traffic traffic = predict(truth, sample.candidate).value().traffic;
    sample.counters = {.dram_read_bytes = traffic.dram_read_bytes,
                       .dram_write_bytes = traffic.dram_write_bytes,
                       .l2_read_bytes = traffic.l2_read_bytes};
    const double dram = traffic.dram_read_bytes + traffic.dram_write_bytes;
    sample.seconds =
        truth.launch_latency_seconds + std::max(dram / (truth.dram_bytes_per_second * truth.dram_efficiency),
                                                traffic.l2_read_bytes / truth.l2_bytes_per_second);
    samples.push_back(std::move(sample));
  }
  return samples;
}

double value_of(const ProbeFit& fit, const std::string& key) {
  for (const ProbedValue& value : fit.values) {
    if (value.key == key) return value.value;
  }
  return std::nan("");
}

const ProbeResidual& residual_of(const ProbeFit& fit, const std::string& pattern) {
  for (const ProbeResidual& residual : fit.residuals) {
    if (residual.pattern == pattern) return residual;
  }
  throw std::runtime_error("no residual of " + pattern);
}

TEST(ProbePlan, SizesFollowTheL2AndEveryProblemIsLegal) {
  for (const char* name : {"h100-sxm5-80gb", "rtx-4090"}) {
    const DeviceProfile profile = profile_of(name);
    double least = 1e9, most = 0;
    for (const ProbeProblem& problem : probe_plan(profile)) {
      const Candidate candidate = candidate_of(problem, profile);
      if (problem.problem.find("private_reads") == std::string::npos) continue;
      const double share = static_cast<double>(weir::value_of(candidate.problem.values, "bytes")) /
                           static_cast<double>(profile.l2_bytes);
      least = std::min(least, share);
      most = std::max(most, share);
    }
    EXPECT_NEAR(least, 0.4, 0.01) << name;
    EXPECT_NEAR(most, 1.3, 0.01) << name;
  }
}

TEST(ProbeFit, FindsTheParametersOfAGpuThatIsNotWhatItsProfileSays) {
  const DeviceProfile base = profile_of("h100-sxm5-80gb");
  DeviceProfile truth = base;
  truth.l2_private_weight = 1.08;
  truth.l2_shared_weight = 2.0;
  truth.l2_survival_width = 0.04;
  truth.l2_dirty_fraction = 0.4;
  truth.l2_foreign_dirty_bytes = 200'000;
  truth.dram_read_granule_bytes = 32;
  truth.dram_efficiency = 0.85;
  truth.l2_bytes_per_second = 5e12;
  const Result<ProbeFit> fit = fit_probe(base, measured_on(truth, probe_plan(base)));
  ASSERT_TRUE(fit.ok()) << to_string(fit.error());
  EXPECT_NEAR(fit->profile.l2_private_weight, 1.08, 0.01);
  EXPECT_NEAR(fit->profile.l2_shared_weight, 2.0, 0.02);
  EXPECT_NEAR(fit->profile.l2_survival_width, 0.04, 0.005);
  EXPECT_NEAR(fit->profile.l2_dirty_fraction, 0.4, 0.005);
  EXPECT_EQ(fit->profile.l2_foreign_dirty_bytes, 200'000);
  EXPECT_EQ(fit->profile.dram_read_granule_bytes, 32);
  EXPECT_NEAR(fit->profile.dram_efficiency, 0.85, 1e-6);
  EXPECT_NEAR(fit->profile.l2_bytes_per_second, 5e12, 1e6);
  EXPECT_EQ(fit->values.size(), 8U);
  EXPECT_LT(residual_of(*fit, "private_reads").after, 0.005);
  EXPECT_LT(residual_of(*fit, "shared_reads").after, 0.01);
  EXPECT_GT(residual_of(*fit, "private_reads").before, 5 * residual_of(*fit, "private_reads").after);
}

TEST(ProbeFit, APartWithOneL2PartitionKeepsItsWeights) {
  const DeviceProfile base = profile_of("rtx-4090");
  DeviceProfile truth = base;
  truth.l2_survival_width = 0.09;
  const Result<ProbeFit> fit = fit_probe(base, measured_on(truth, probe_plan(base)));
  ASSERT_TRUE(fit.ok()) << to_string(fit.error());
  EXPECT_NEAR(fit->profile.l2_survival_width, 0.09, 0.01);
  EXPECT_EQ(fit->profile.l2_private_weight, 1);
  EXPECT_TRUE(std::isnan(value_of(*fit, "l2_shared_weight")));
}

std::vector<ProbeSample> samples_of(const measured::Table& table, const std::string& pattern, int passes,
                                    const DeviceProfile& profile) {
  std::vector<ProbeSample> samples;
  for (const measured::Row& row : table) {
    const auto bytes = static_cast<std::int64_t>(row.buffer_megabytes * 1e6) / 65536 * 65536;
    const ProbeProblem problem{"memory_probe", "pattern=" + pattern + ",bytes=" + std::to_string(bytes) +
                                                   ",passes=" + std::to_string(passes)};
    samples.push_back({.candidate = candidate_of(problem, profile, "threads=1024")});
    const double measured = row.dram_megabytes * 1e6;
    (pattern == "writes" ? samples.back().counters.dram_write_bytes
                         : samples.back().counters.dram_read_bytes) = measured;
  }
  return samples;
}

TEST(ProbeFit, TheMeasuredTablesGiveTheParametersOfTheProfile) {
  for (const auto& [name, reads, shared, writes] :
       {std::tuple{"h100-sxm5-80gb", &measured::kH100Private, &measured::kH100Shared, &measured::kH100Writes},
        std::tuple{"h200-sxm-141gb", &measured::kH200Private, &measured::kH200Shared,
                   &measured::kH200Writes}}) {
    const DeviceProfile profile = profile_of(name);
    std::vector<ProbeSample> samples = samples_of(*reads, "private_reads", 4, profile);
    std::ranges::move(samples_of(*shared, "shared_reads", 3, profile), std::back_inserter(samples));
    std::ranges::move(samples_of(*writes, "writes", 1, profile), std::back_inserter(samples));
    // From a start that is wrong on purpose.
    DeviceProfile base = profile;
    base.l2_private_weight = 1.02;
    base.l2_shared_weight = 1.5;
    base.l2_survival_width = 0.02;
    base.l2_dirty_fraction = 0.7;
    const Result<ProbeFit> fit = fit_probe(base, samples);
    ASSERT_TRUE(fit.ok()) << to_string(fit.error());
    // The sizes of the tables' tiles and blocks were other ones than the probe's.
    EXPECT_NEAR(fit->profile.l2_private_weight, profile.l2_private_weight, 0.06) << name;
    EXPECT_NEAR(fit->profile.l2_shared_weight, profile.l2_shared_weight, 0.1) << name;
    EXPECT_NEAR(fit->profile.l2_dirty_fraction, profile.l2_dirty_fraction, 0.02) << name;
    EXPECT_LT(residual_of(*fit, "private_reads").after, 0.03) << name;
    EXPECT_LT(residual_of(*fit, "shared_reads").after, 0.06) << name;
    EXPECT_LT(residual_of(*fit, "writes").after, 0.02) << name;
  }
}

TEST(ProbeFit, WhatWasNotMeasuredKeepsItsValue) {
  const DeviceProfile base = profile_of("h100-sxm5-80gb");
  const Result<ProbeFit> fit = fit_probe(base, samples_of(measured::kH100Writes, "writes", 1, base));
  ASSERT_TRUE(fit.ok()) << to_string(fit.error());
  ASSERT_EQ(fit->values.size(), 1U);
  EXPECT_EQ(fit->values[0].key, "l2_dirty_fraction");
  EXPECT_EQ(fit->profile.l2_private_weight, base.l2_private_weight);
}

TEST(ProbeFit, NothingMeasuredIsAnErrorAndStoppingIsTold) {
  const DeviceProfile base = profile_of("h100-sxm5-80gb");
  EXPECT_EQ(fit_probe(base, {}).error().kind, ErrorKind::missing);
  const std::vector<ProbeSample> samples = samples_of(measured::kH100Writes, "writes", 1, base);
  EXPECT_EQ(fit_probe(base, samples, [] { return true; }).error().kind, ErrorKind::interrupted);
}

}  // namespace
}  // namespace weir
