#include "profiles/profile_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "profiles/device_profile.h"

namespace weir {
namespace {

const std::filesystem::path kGpus = std::filesystem::path(WEIR_SOURCE_DIR) / "profiles/gpus";

std::string text_of(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(ProfileWriter, ReplacesValuesAndKeepsEverythingElse) {
  const std::string before = text_of(kGpus / "h100-sxm5-80gb.yaml");
  const CalibrationRun run{.gpu = "NVIDIA H100 80GB HBM3", .driver = "580.1", .date = "2026-01-02"};
  const Result<std::string> after = with_values(
      before,
      {{"l2_private_weight", "1.3", "measured: \"here\"", run}, {"l2_bandwidth", "5.5 TB/s", "so", run}});
  ASSERT_TRUE(after.ok()) << to_string(after.error());
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "-written.yaml");
  std::ofstream(file) << *after;
  const Result<DeviceProfile> read = load_profile(file);
  std::filesystem::remove(file);
  ASSERT_TRUE(read.ok()) << to_string(read.error());

  DeviceProfile expected = load_profile(kGpus / "h100-sxm5-80gb.yaml").value();
  expected.name = read->name;
  expected.l2_private_weight = 1.3;
  expected.l2_bytes_per_second = 5.5e12;
  expected.sources["l2_private_weight"] = {.text = "measured: \"here\"", .calibrated = run};
  expected.sources["l2_bandwidth"] = {.text = "so", .calibrated = run};
  EXPECT_EQ(*read, expected);
  EXPECT_EQ(std::count(after->begin(), after->end(), '\n'), std::count(before.begin(), before.end(), '\n'));
}

TEST(ProfileWriter, RefusesWhatItCannotReplaceWhole) {
  EXPECT_THAT(with_values("a: {value: 1, source: x}\n", {{"b", "2", "y", {}}}).error().message,
              testing::HasSubstr("no entry 'b'"));
  EXPECT_THAT(with_values("a:\n  value: 1\n  source: x\nb: {value: 1, source: y}\n", {{"a", "2", "y", {}}})
                  .error()
                  .message,
              testing::HasSubstr("more than one line"));
}

}  // namespace
}  // namespace weir
