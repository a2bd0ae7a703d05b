#include "tuner/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/temporary_folder.h"
#include "tuner/calibration_error.h"
#include "tuner/calibration_file.h"

namespace weir {
namespace {

using testing::HasSubstr;

constexpr auto kTensor = static_cast<std::size_t>(Bottleneck::tensor);
constexpr auto kDram = static_cast<std::size_t>(Bottleneck::dram);
constexpr auto kLatency = static_cast<std::size_t>(Bottleneck::latency);

TimePoint point(double seconds, double tensor, double dram, double latency) {
  TimePoint p{.seconds = seconds};
  p.resources[kTensor] = tensor * seconds;
  p.resources[kDram] = dram * seconds;
  p.resources[kLatency] = latency * seconds;
  return p;
}

CalibrationSample sample(const std::string& kernel, const std::string& problem, double predicted,
                         double measured) {
  const TimePoint p = point(predicted, 0.5, 0.2, 0.1);
  return {.kernel = kernel, .problem = problem, .predicted = p, .ranked = p, .measured_seconds = measured};
}

// Tilings of `problems` problems whose times follow a known family exactly.
class Synthetic {
 public:
  CalibrationFamily truth{.offset = 0.1};
  std::vector<CalibrationSample> samples;

  Synthetic() {
    truth.slopes[kTensor] = 0.3;
    truth.slopes[kDram] = -0.2;
    truth.slopes[kLatency] = 0.5;
    std::mt19937_64 random(7);
    const auto uniform = [&] { return static_cast<double>(random() % 1000) / 1000; };
    for (int problem = 0; problem < 20; ++problem) {
      for (int tiling = 0; tiling < 30; ++tiling) {
        CalibrationSample s = sample("gemm", "m=" + std::to_string(problem), 0, 0);
        s.predicted = s.ranked =
            point(1e-5 * (problem + 1) * (1 + uniform()), uniform(), uniform(), uniform());
        s.measured_seconds = calibrated_seconds(truth, s.predicted);
        samples.push_back(s);
      }
    }
  }
};

void expect_near(const CalibrationFamily& fitted, const CalibrationFamily& truth, double tolerance) {
  EXPECT_NEAR(fitted.offset, truth.offset, tolerance);
  for (std::size_t i = 0; i < truth.slopes.size(); ++i)
    EXPECT_NEAR(fitted.slopes[i], truth.slopes[i], tolerance) << i;
}

TEST(FitFamily, KnownCoefficientsAreFound) {
  const Synthetic data;
  const CalibrationFamily fitted = fit_family("gemm", data.samples);
  EXPECT_EQ(fitted.rows, 600);
  EXPECT_EQ(fitted.problems, 20);
  expect_near(fitted, data.truth, 0.005);
}

TEST(FitFamily, ATenthOfWildMeasurementsDoesNotMoveThem) {
  Synthetic data;
  for (std::size_t i = 0; i < data.samples.size(); i += 10) data.samples[i].measured_seconds *= 4;
  expect_near(fit_family("gemm", data.samples), data.truth, 0.02);
}

TEST(FitFamily, WhatAProblemDoesToAllItsTilingsDoesNotBendTheSlopes) {
  Synthetic data;
  for (CalibrationSample& s : data.samples) {
    if (s.problem == "m=3" || s.problem == "m=4") s.measured_seconds *= 1.5;
  }
  expect_near(fit_family("gemm", data.samples), data.truth, 0.005);
}

TEST(FitFamily, WithoutSamplesItIsTheIdentity) {
  const TimePoint p = point(1e-3, 0.5, 0.2, 0.9);
  EXPECT_EQ(calibrated_seconds(fit_family("gemm", {}), p), p.seconds);
}

TEST(Apply, OnlyTimesChange) {
  Calibration calibration{.families = {{.kernel = "gemm", .offset = std::log(2.0)}}};
  Prediction prediction{.traffic = {1, 2, 3, 4}, .dram_read_low_bytes = 5, .time_seconds = 1.0};
  prediction.launches = {{.launch = "a", .time_seconds = 0.25}, {.launch = "b", .time_seconds = 0.75}};
  const Prediction calibrated = apply(calibration, "gemm", prediction);
  EXPECT_DOUBLE_EQ(calibrated.time_seconds, 2.0);
  EXPECT_DOUBLE_EQ(calibrated.launches[0].time_seconds, 0.5);
  EXPECT_DOUBLE_EQ(calibrated.launches[1].time_seconds, 1.5);
  Prediction same = calibrated;
  same.time_seconds = 1.0;
  same.launches = prediction.launches;
  EXPECT_EQ(same, prediction);
}

TEST(Apply, AKernelWithoutAFamilyGetsThePooledOneAndWithoutThatNothing) {
  Calibration calibration{.families = {{.kernel = "gemm", .offset = 1}}};
  const Prediction prediction{.time_seconds = 1.0};
  EXPECT_EQ(apply(calibration, "other", prediction), prediction);
  calibration.families.push_back({.kernel = "", .offset = std::log(3.0)});
  EXPECT_DOUBLE_EQ(apply(calibration, "other", prediction).time_seconds, 3.0);
}

TEST(TimeErrors, AreWhatIsWorkedOutByHand) {
  // Problem a: predicted order 2, 1, 3 of the measured ones; problem b: in order.
  const std::vector<CalibrationSample> samples{sample("k", "a", 1, 2.0), sample("k", "a", 2, 1.0),
                                               sample("k", "a", 3, 4.0), sample("k", "b", 1, 1.0),
                                               sample("k", "b", 2, 2.0), sample("k", "b", 3, 3.0)};
  std::vector<double> seconds;
  for (const CalibrationSample& s : samples) seconds.push_back(s.predicted.seconds);
  const TimeError error = time_error(samples, seconds);
  EXPECT_EQ(error.rows, 6);
  EXPECT_EQ(error.problems, 2);
  EXPECT_NEAR(error.median_log_error, std::log(4.0 / 3) / 2, 1e-12);  // 0, 0, 0, log 4/3, log 2, log 2
  EXPECT_NEAR(error.median_spearman, (0.5 + 1.0) / 2, 1e-12);
  EXPECT_NEAR(error.first_pick, std::sqrt(0.5 * 1.0), 1e-12);
  EXPECT_DOUBLE_EQ(error.worst_first_pick, 0.5);
  EXPECT_DOUBLE_EQ(error.best_of_8, 1.0);
}

TEST(TimeErrors, TiesInThePredictionRankNothing) {
  const std::vector<CalibrationSample> samples{sample("k", "a", 1, 1.0), sample("k", "a", 1, 2.0),
                                               sample("k", "a", 1, 3.0)};
  EXPECT_EQ(time_error(samples, std::vector<double>{1, 1, 1}).median_spearman, 0);
}

TEST(CrossValidation, AProblemIsNeverPredictedByAFitThatSawIt) {
  // Two problems that disagree by a factor of 10: a fit to both is off by its root for each; a fit to the
  // other one, by 10.
  std::vector<CalibrationSample> samples;
  for (int i = 1; i <= 9; ++i) {
    samples.push_back(sample("k", "a", i, i));
    samples.push_back(sample("k", "b", i, 10.0 * i));
  }
  EXPECT_NEAR(fit_family("k", samples).offset, std::log(10.0) / 2, 1e-9);
  const CalibrationReport report = cross_validate(samples).front();
  EXPECT_NEAR(report.held_out.median_log_error, std::log(10.0), 1e-9);
}

TEST(CrossValidation, AKernelIsNeverPredictedByAPooledFitThatSawIt) {
  std::vector<CalibrationSample> samples;
  for (int i = 1; i <= 9; ++i) {
    samples.push_back(sample("one", "a", i, i));
    samples.push_back(sample("two", "a", i, 10.0 * i));
  }
  const std::vector<CalibrationReport> reports = cross_validate(samples);
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].kernel, "one");
  EXPECT_NEAR(reports[0].other_kernels.median_log_error, std::log(10.0), 1e-9);
  EXPECT_NEAR(reports[1].other_kernels.median_log_error, 0, 1e-9 + std::log(10.0));
  EXPECT_EQ(reports[2].kernel, "");
  EXPECT_EQ(reports[2].raw.rows, 18);
}

TEST(CrossValidation, ErrorsAreOfWhatATunerRanksBy) {
  std::vector<CalibrationSample> samples{sample("k", "a", 1, 1), sample("k", "b", 2, 2)};
  for (CalibrationSample& s : samples) s.ranked.seconds *= 3;
  EXPECT_NEAR(cross_validate(samples).front().raw.median_log_error, std::log(3.0), 1e-12);
}

TEST(FitFamilies, AKernelThatAFitDoesNotHelpKeepsTheModelsTimes) {
  std::vector<CalibrationSample> samples;
  for (int i = 1; i <= 9; ++i) {
    samples.push_back(sample("exact", "a", i, i));
    samples.push_back(sample("exact", "b", 2.0 * i, 2.0 * i));
    samples.push_back(sample("slow", "a", i, 2.0 * i));
    samples.push_back(sample("slow", "b", 2.0 * i, 4.0 * i));
  }
  const Calibration calibration{.families = fit_families(samples, cross_validate(samples))};
  ASSERT_NE(family_of(calibration, "exact"), nullptr);
  EXPECT_EQ(*family_of(calibration, "exact"), CalibrationFamily{.kernel = "exact"});
  ASSERT_NE(family_of(calibration, "slow"), nullptr);
  EXPECT_NEAR(calibrated_seconds(*family_of(calibration, "slow"), samples[2].predicted),
              samples[2].measured_seconds, 1e-9);
}

class CalibrationFile : public testing::Test {
 protected:
  static Calibration example() {
    Calibration c{.profile = "h100-sxm5-80gb",
                  .model_digest = "0123456789abcdef",
                  .gpu_name = "NVIDIA H100 80GB HBM3",
                  .driver_version = "580.159.04",
                  .date = "2026-11-23T00:21:31Z",
                  .gpu_uuids = {"GPU-1", "GPU-2"},
                  .rows = 655};
    c.families = {{.kernel = "gemm",
                   .rows = 416,
                   .problems = 8,
                   .offset = 0.1 + 0.2,
                   .slopes = {1.0 / 3, -1e-17, 0, 1, 2, 3, 4}},
                  {.kernel = "", .rows = 655, .problems = 29, .offset = -0.5}};
    return c;
  }
  std::filesystem::path write(const std::string& text) const {
    const std::filesystem::path file = folder_ / "h100-sxm5-80gb.yaml";
    std::ofstream(file) << text;
    return file;
  }

  TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(CalibrationFile, WhatWasSavedIsLoadedToTheLastDigit) {
  const std::filesystem::path file = folder_ / "calibrations" / "h100.yaml";
  ASSERT_TRUE(save_calibration(example(), file).ok());
  const Result<Calibration> loaded = load_calibration(file);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(*loaded, example());
}

TEST_F(CalibrationFile, ErrorsNameTheFileTheLineAndTheKey) {
  const std::string text = to_yaml(example());
  const auto broken = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    const Result<Calibration> loaded = load_calibration(write(changed));
    EXPECT_FALSE(loaded.ok()) << to;
    return loaded.ok() ? std::string() : loaded.error().message;
  };
  EXPECT_THAT(broken("rows: 655", "rows: many"),
              HasSubstr("h100-sxm5-80gb.yaml:9: rows: expected a whole number"));
  EXPECT_THAT(broken("profile:", "profil:"), HasSubstr("the key \"profile\" is missing"));
  EXPECT_THAT(broken("rows: 655", "rows: 655\nextra: 1"),
              HasSubstr(":10: calibration: unknown key \"extra\""));
  EXPECT_THAT(broken("    tensor: 0.3", "    tensor: fast #"), HasSubstr(":15: tensor: expected a number"));
  EXPECT_THAT(broken("    dram: 3", "    dram: .inf"), HasSubstr("dram: expected a finite number"));
  EXPECT_THAT(broken("gpu_uuids: [", "gpu_uuids: [["), HasSubstr("not valid YAML"));
}

TEST_F(CalibrationFile, OneThatWasFittedToOtherFiguresIsNotUsed) {
  DeviceProfile profile;
  profile.name = "h100-sxm5-80gb";
  Result<FoundCalibration> found = find_calibration(folder_, profile);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->calibration.has_value());
  EXPECT_EQ(found->note, "");

  Calibration calibration = example();
  calibration.model_digest = model_digest(profile);
  write(to_yaml(calibration));
  found = find_calibration(folder_, profile);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->calibration, calibration);

  profile.l2_latency_seconds = 1;
  found = find_calibration(folder_, profile);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->calibration.has_value());
  EXPECT_THAT(found->note, HasSubstr("weir calibrate"));

  write("profile: [");
  EXPECT_FALSE(find_calibration(folder_, profile).ok());
}

}  // namespace
}  // namespace weir
