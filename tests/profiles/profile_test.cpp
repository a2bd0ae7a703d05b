#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "profiles/device_profile.h"
#include "profiles/quantity.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path kProfiles = std::filesystem::path(WEIR_SOURCE_DIR) / "profiles" / "gpus";

// The H100's profile with one replacement, loaded from a temporary file.
class ChangedProfile : public testing::Test {
 protected:
  Result<DeviceProfile> load_with(const std::string& from, const std::string& to) {
    std::ifstream original(kProfiles / "h100-sxm5-80gb.yaml");
    std::stringstream text;
    text << original.rdbuf();
    std::string changed = text.str();
    const std::size_t position = changed.find(from);
    EXPECT_NE(position, std::string::npos) << from;
    line_ = 1 + static_cast<int>(
                    std::count(changed.begin(), changed.begin() + static_cast<long>(position), '\n'));
    changed.replace(position, from.size(), to);
    file_ = std::filesystem::path(testing::TempDir()) /
            (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ".yaml");
    std::ofstream(file_) << changed;
    return load_profile(file_);
  }
  std::string place() const { return file_.string() + ":" + std::to_string(line_) + ":"; }

  std::filesystem::path file_;
  int line_ = 0;
};

TEST(Quantity, UnitsScaleToSiBaseUnits) {
  EXPECT_EQ(*parse_quantity("50 MiB", Dimension::bytes), 52428800);
  EXPECT_EQ(*parse_quantity("80 GB", Dimension::bytes), 80e9);
  EXPECT_EQ(*parse_quantity("3.35 TB/s", Dimension::bytes_per_second), 3.35e12);
  EXPECT_EQ(*parse_quantity("1.83 GHz", Dimension::hertz), 1.83e9);
  EXPECT_EQ(*parse_quantity("989 TFLOP/s", Dimension::flops_per_second), 989e12);
  EXPECT_DOUBLE_EQ(*parse_quantity("360 ns", Dimension::seconds), 360e-9);
  EXPECT_EQ(*parse_quantity("132", Dimension::count), 132);
}

TEST(Quantity, AWrongUnitIsAnErrorThatListsTheRightOnes) {
  EXPECT_THAT(parse_quantity("50 Mib", Dimension::bytes).error().message,
              AllOf(HasSubstr("\"Mib\""), HasSubstr("KiB, MiB, GiB")));
  EXPECT_THAT(parse_quantity("50", Dimension::bytes).error().message, HasSubstr("has no unit"));
  EXPECT_THAT(parse_quantity("3 B", Dimension::count).error().message,
              HasSubstr("a plain number is expected"));
  EXPECT_THAT(parse_quantity("fast", Dimension::hertz).error().message,
              HasSubstr("does not start with a number"));
}

TEST(Profiles, EveryShippedProfileLoadsAndEveryValueHasASource) {
  const auto profiles = load_all_profiles(kProfiles);
  ASSERT_TRUE(profiles.ok()) << to_string(profiles.error());
  EXPECT_EQ(profiles->size(), 17);
  for (const DeviceProfile& profile : *profiles) {
    EXPECT_THAT(validate(profile), testing::IsEmpty()) << profile.name;
    for (const auto& [key, source] : profile.sources)
      EXPECT_GT(source.text.size(), 8) << profile.name << " " << key;
  }
}

TEST(Profiles, TheH100HasTheValuesOfTheDeviceQuery) {
  const auto h100 = find_profile(kProfiles, "h100-sxm5-80gb");
  ASSERT_TRUE(h100.ok()) << to_string(h100.error());
  EXPECT_EQ(h100->name, "h100-sxm5-80gb");
  EXPECT_THAT(h100->device_names, testing::ElementsAre("NVIDIA H100 80GB HBM3"));
  EXPECT_EQ(h100->compute_capability, 90);
  EXPECT_EQ(h100->sm_count, 132);
  EXPECT_EQ(h100->l2_bytes, 52428800);
  EXPECT_EQ(h100->shared_bytes_per_block, 232448);
  EXPECT_NEAR(h100->dram_bytes_per_second, 2 * 2619e6 * 5120 / 8, 1e9);
  EXPECT_EQ(uncalibrated(*h100), (Uncalibrated{"", ""}));
}

std::vector<DeviceProfile> shipped() {
  return load_all_profiles(kProfiles).value();
}

std::string names_of(const std::vector<DeviceProfile>& profiles, bool (*holds)(const DeviceProfile&)) {
  std::string names;
  for (const DeviceProfile& p : profiles) names += holds(p) ? p.name + " " : "";
  return names;
}

TEST(Profiles, OnlyMeasuredGpusCountAsCalibrated) {
  const auto profiles = load_all_profiles(kProfiles).value();
  EXPECT_EQ(names_of(profiles, [](const DeviceProfile& p) { return uncalibrated(p).traffic.empty(); }),
            "h100-sxm5-80gb h200-sxm-141gb ");
  EXPECT_EQ(names_of(profiles, [](const DeviceProfile& p) { return uncalibrated(p).time.empty(); }),
            "h100-sxm5-80gb ");
}

TEST(Profiles, WhatIsNotCalibratedIsNamedWithItsOrigin) {
  const Uncalibrated a100 = uncalibrated(*find_profile(kProfiles, "a100-sxm4-80gb"));
  EXPECT_EQ(
      a100.traffic,
      "l2_private_weight, l2_shared_weight, l2_survival_width, l2_dirty_fraction, l2_foreign_dirty_bytes "
      "carried over from h100-sxm5-80gb; dram_read_granule_bytes not measured");
  const Uncalibrated h200 = uncalibrated(*find_profile(kProfiles, "h200-sxm-141gb"));
  EXPECT_EQ(h200.traffic, "");
  EXPECT_EQ(h200.time,
            "mma_sync_fraction, l2_bandwidth, dram_efficiency, dram_latency, l2_latency, launch_latency, "
            "block_overhead, step_overhead carried over from h100-sxm5-80gb");
}

// One parameter that nobody measured is enough: the memory model is calibrated as a whole or not.
TEST(Profiles, EachParameterOfTheMemoryModelDecidesAlone) {
  const DeviceProfile h100 = find_profile(kProfiles, "h100-sxm5-80gb").value();
  for (const char* key : {"l2_private_weight", "l2_shared_weight", "l2_survival_width", "l2_dirty_fraction",
                          "l2_foreign_dirty_bytes", "dram_read_granule_bytes"}) {
    DeviceProfile changed = h100;
    changed.sources.at(key).calibrated.reset();
    EXPECT_EQ(uncalibrated(changed), (Uncalibrated{std::string(key) + " not measured", ""}));
    changed.sources.erase(key);
    EXPECT_FALSE(is_calibrated(uncalibrated(changed))) << key;
  }
}

// The file's values as texts, so that units count too.
std::map<std::string, std::string> value_lines(const std::string& profile) {
  std::ifstream stream(kProfiles / (profile + ".yaml"));
  std::map<std::string, std::string> values;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(": {value: "), end = line.find(", source: ");
    if (colon != std::string::npos) values[line.substr(0, colon)] = line.substr(colon + 10, end - colon - 10);
  }
  return values;
}

TEST(Profiles, ACarriedOverValueIsTheCalibratedOneOfTheProfileThatItNames) {
  int carried = 0;
  for (const DeviceProfile& profile : shipped()) {
    for (const auto& [key, source] : profile.sources) {
      if (source.carried_over_from.empty()) continue;
      ++carried;
      const auto donor = find_profile(kProfiles, source.carried_over_from);
      ASSERT_TRUE(donor.ok()) << profile.name << " " << key;
      EXPECT_TRUE(donor->sources.at(key).calibrated) << profile.name << " " << key;
      EXPECT_EQ(value_lines(profile.name)[key], value_lines(donor->name)[key]) << profile.name << " " << key;
    }
  }
  EXPECT_GT(carried, 100);
}

TEST(Profiles, ADeviceNameBelongsToOneProfile) {
  std::map<std::string, std::string> owner;
  for (const DeviceProfile& profile : shipped()) {
    for (const std::string& name : profile.device_names) {
      EXPECT_TRUE(owner.emplace(name, profile.name).second) << name;
    }
  }
}

// Rates per SM and clock that follow from the architecture, whatever the datasheets round to.
TEST(Profiles, RatesAgreeWithSmsAndClocks) {
  const std::map<std::int64_t, double> tensor_flops_per_clock{
      {70, 1024}, {75, 1024}, {80, 2048}, {86, 1024}, {89, 1024}, {90, 4096}, {100, 8192}, {120, 512}};
  for (const DeviceProfile& p : shipped()) {
    const double clocks = static_cast<double>(p.sm_count) * p.sm_clock_hertz;
    EXPECT_NEAR(p.special_ops_per_second / clocks, 16, 0.2) << p.name;
    EXPECT_NEAR(p.shared_bytes_per_second / clocks, 128, 1.5) << p.name;
    // GeForce accumulates in FP32 at half the rate.
    const bool half = p.name == "rtx-3090" || p.name == "rtx-4090";
    const double flops = tensor_flops_per_clock.at(p.compute_capability) * (half ? 0.5 : 1);
    EXPECT_NEAR(p.tensor_flops_per_second / clocks / flops, 1, 0.03) << p.name;
  }
}

TEST(Profiles, AnUnknownNameListsTheKnownOnes) {
  const auto missing = find_profile(kProfiles, "h100");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::missing);
  EXPECT_THAT(missing.error().advice, AllOf(HasSubstr("h100-sxm5-80gb"), HasSubstr("rtx-4090")));
}

TEST(Profiles, APathIsAProfileToo) {
  EXPECT_EQ(find_profile("/nowhere", (kProfiles / "l40s.yaml").string())->name, "l40s");
}

TEST_F(ChangedProfile, AnUnknownKeyIsAnErrorAtItsLineWithTheNearestKey) {
  const auto result = load_with("sm_count:", "sm_cuont:");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::usage);
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("unknown key \"sm_cuont\"")));
  EXPECT_EQ(result.error().advice, "Did you mean \"sm_count\"?");
}

TEST_F(ChangedProfile, AMissingSourceIsAnError) {
  const auto result = load_with("device query (cudaDeviceProp::multiProcessorCount)", "");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message,
              AllOf(HasSubstr(place()), HasSubstr("sm_count: the source is missing")));
}

TEST_F(ChangedProfile, AMissingValueIsAnError) {
  const auto result = load_with("l2_bytes: {value: 50 MiB, ", "l2_bytes: {");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("l2_bytes: the value is missing")));
}

TEST_F(ChangedProfile, AWrongUnitIsAnErrorAtItsLine) {
  const auto result = load_with("value: 50 MiB", "value: 50 MHz");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("l2_bytes"), HasSubstr("MiB")));
}

TEST_F(ChangedProfile, AMissingKeyIsNamed) {
  const auto result = load_with("l2_latency:", "#");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("\"l2_latency\" is missing"));
}

TEST_F(ChangedProfile, AFractionOfABlockIsNotACount) {
  const auto result = load_with("value: 132", "value: 132.5");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("not a whole number")));
}

TEST_F(ChangedProfile, CalibratedSaysWhereAndWhen) {
  for (const char* run : {"true", "{gpu: NVIDIA H100 80GB HBM3, driver: 580.159.04}", "{}",
                          "{gpu: NVIDIA H100 80GB HBM3, driver: 580.159.04, date: 2026-11-23, by: me}"}) {
    const auto result = load_with("{gpu: NVIDIA H100 80GB HBM3, driver: 580.159.04, date: 2026-11-23}", run);
    ASSERT_FALSE(result.ok()) << run;
    EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("calibrated is {gpu: "))) << run;
  }
}

TEST_F(ChangedProfile, AnotherGpusMeasurementIsNotThisProfiles) {
  const auto result = load_with("calibrated: {gpu: NVIDIA H100 80GB HBM3", "calibrated: {gpu: NVIDIA H200");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message,
              AllOf(HasSubstr(place()), HasSubstr("calibrated on a GPU that is not among device_names")));
}

TEST_F(ChangedProfile, AValueIsCalibratedOrCarriedOverNotBoth) {
  const auto result =
      load_with("date: 2026-11-22}}", "date: 2026-11-22}, carried_over_from: h200-sxm-141gb}");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("not both")));
}

TEST_F(ChangedProfile, ABrokenRuleNamesTheLineOfItsKey) {
  const auto result = load_with("l2_partitions: {value: 2", "l2_partitions: {value: 3");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("l2_partitions is 1 or 2")));
}

TEST_F(ChangedProfile, AKeyGivenTwiceIsAnError) {
  const auto result = load_with("l2_line_bytes:", "l2_bytes:");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("l2_bytes is given twice")));
}

TEST_F(ChangedProfile, BrokenYamlIsAnErrorWithItsLine) {
  const auto result = load_with("sm_count: {value: 132,", "sm_count: {value: 132, }}");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(place()), HasSubstr("not valid YAML")));
}

}  // namespace
}  // namespace weir
