#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
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
  EXPECT_EQ(profiles->size(), 5);
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
  EXPECT_TRUE(is_calibrated(*h100));
}

TEST(Profiles, OnlyMeasuredGpusCountAsCalibrated) {
  EXPECT_TRUE(is_calibrated(*find_profile(kProfiles, "h200-sxm-141gb")));
  EXPECT_FALSE(is_calibrated(*find_profile(kProfiles, "a100-sxm4-80gb")));
  EXPECT_FALSE(is_calibrated(*find_profile(kProfiles, "rtx-4090")));
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
