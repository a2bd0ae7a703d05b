// What the library says and does where there is no GPU. On a machine with one these tests skip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "gpu/compiler.h"
#include "gpu/cuda_backend.h"
#include "gpu/doctor.h"
#include "gpu/driver.h"
#include "gpu/utility_kernels.h"
#include "gpu/worker_backend.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WithoutDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (open_driver()) GTEST_SKIP() << "this machine has a GPU";
  }
};

TEST_F(WithoutDevice, OpeningTheDriverSaysWhatIsMissing) {
  const Result<const Driver*> driver = open_driver();
  EXPECT_EQ(driver.error().kind, ErrorKind::no_device);
  EXPECT_NE(driver.error().message, "");
  EXPECT_NE(driver.error().advice, "");
}

TEST_F(WithoutDevice, NoBackendOpens) {
  EXPECT_EQ(CudaBackend::open({}).error().kind, ErrorKind::no_device);
  const auto worker = open_worker_backend({});
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().kind, ErrorKind::no_device);
  EXPECT_NE(worker.error().advice, "");
}

TEST_F(WithoutDevice, DoctorStillChecksTheRest) {
  const fs::path cache = fs::path(testing::TempDir()) / ("weir_doctor_" + std::to_string(getpid()));
  const DoctorReport report = doctor({.cache_folder = cache});
  auto check = [&](const std::string& name) {
    const auto found = std::find_if(report.checks.begin(), report.checks.end(),
                                    [&](const DoctorCheck& c) { return c.name == name; });
    return found == report.checks.end() ? DoctorCheck{} : *found;
  };
  EXPECT_FALSE(check("driver").ok);
  EXPECT_NE(check("driver").advice, "");
  EXPECT_NE(check("compiler").detail, "");
  EXPECT_NE(check("counter plan").detail, "");
  EXPECT_TRUE(check("compile cache").ok);
  EXPECT_NE(check("working folder").detail, "");
  EXPECT_EQ(report.tier, Tier::none);
  EXPECT_NE(report.tier_reason, "");
  EXPECT_TRUE(report.devices.empty());
  fs::remove_all(cache);
}

TEST(UtilityKernels, CompileForEveryArchitectureWithoutSpilling) {
  const fs::path cache = fs::path(testing::TempDir()) / ("weir_utility_" + std::to_string(getpid()));
  const Result<Compiler> compiler = Compiler::open(cache);
  if (!compiler) GTEST_SKIP() << compiler.error().message;
  for (const std::int64_t capability : {80, 90, 120}) {
    const Result<Compiled> compiled = compiler.value().compile(
        {.source = "utility.cu", .text = kUtilitySource, .compute_capability = capability});
    ASSERT_TRUE(compiled) << compiled.error().message;
    EXPECT_EQ(compiled.value().entries.size(), 8u);
    for (const EntryResources& entry : compiled.value().entries)
      EXPECT_EQ(entry.resources.spill_bytes, 0) << entry.entry;
  }
  fs::remove_all(cache);
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (const auto status = weir::run_worker_if_asked(argc, argv)) return *status;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
