// From weir_open with the driver's own device to the parameters of cuLaunchKernel, over a stand-in for the
// driver.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/weir.hpp"
#include "tests/runtime/fake_cuda.h"
#include "tests/store/sample_work.h"

namespace weir {
namespace {

using testing::HasSubstr;

class LaunchTest : public testing::Test {
 protected:
  LaunchTest() {
    // Opened first, it answers to the name libcuda.so.1.
    static void* const library = ::dlopen(WEIR_FAKE_CUDA, RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    cuda_ = reinterpret_cast<FakeCuda* (*)()>(::dlsym(library, "fake_cuda"))();
    *cuda_ = FakeCuda{};
    must(ship(sample_work(folder_ / "work.weir"), folder_ / "ship.weir"));
  }

  runtime::Kernel kernel(const char* problem) {
    return runtime::File((folder_ / "ship.weir").string()).pick("scale", problem);
  }
  weir_status launch_status(runtime::Kernel& kernel, std::string& message) {
    try {
      kernel.launch(nullptr, {{"x", 256}, {"y", 512}});
      return WEIR_OK;
    } catch (const runtime::Failure& failure) {
      message = failure.what();
      return failure.status();
    }
  }

  TemporaryFolder folder_;
  FakeCuda* cuda_ = nullptr;
};

TEST_F(LaunchTest, PassesShapeStreamAndArgumentsInTheKernelsOrder) {
  int stream = 0;
  runtime::Kernel exact = kernel("n=1000");
  EXPECT_EQ(exact.info().match, WEIR_MATCH_EXACT) << exact.info().reason;
  exact.launch(&stream, {{"y", 0x1234567800}, {"x", 0x100}});
  ASSERT_EQ(cuda_->launches.size(), 1u);
  const FakeLaunch& launch = cuda_->launches.front();
  EXPECT_EQ(launch.function, "scale");
  EXPECT_EQ(launch.grid, (std::array<unsigned, 3>{4, 1, 1}));
  EXPECT_EQ(launch.threads, (std::array<unsigned, 3>{128, 1, 1}));
  EXPECT_EQ(launch.shared_bytes, 256u * 8);
  EXPECT_EQ(cuda_->largest_shared_bytes, 256 * 8);
  EXPECT_EQ(launch.stream, &stream);
  EXPECT_EQ(launch.pointers, (std::array<std::uint64_t, 2>{0x100, 0x1234567800}));
  EXPECT_EQ(launch.integer, 1000);
  EXPECT_EQ(cuda_->first_image_byte, 256 / 8);  // the module of the picked tile
}

TEST_F(LaunchTest, LoadsTheModuleOnceAndUnloadsItOnRelease) {
  {
    runtime::Kernel tuned = kernel("n=1000");
    EXPECT_EQ(cuda_->modules_loaded, 0);
    for (int i = 0; i < 3; ++i) tuned.launch(nullptr, {{"x", 256}, {"y", 512}});
    EXPECT_EQ(cuda_->modules_loaded, 1);
    EXPECT_EQ(cuda_->launches.size(), 3u);
  }
  EXPECT_EQ(cuda_->modules_unloaded, 1);
}

TEST_F(LaunchTest, LaunchesTheDefaultOfAnUntunedProblem) {
  kernel("n=12345").launch(nullptr, {{"x", 256}, {"y", 512}});
  EXPECT_EQ(cuda_->launches.front().grid[0], (12345u + 127) / 128);
  EXPECT_EQ(cuda_->launches.front().integer, 12345);
}

TEST_F(LaunchTest, SaysWhatTheDriverRefused) {
  runtime::Kernel tuned = kernel("n=1000");
  std::string message;
  cuda_->load_code = 209;
  EXPECT_EQ(launch_status(tuned, message), WEIR_ERROR_DRIVER);
  EXPECT_THAT(message, HasSubstr("as the test asked"));
  cuda_->load_code = 0;
  cuda_->launch_code = 701;
  EXPECT_EQ(launch_status(tuned, message), WEIR_ERROR_DRIVER);
  EXPECT_THAT(message, HasSubstr("cuLaunchKernel"));
  cuda_->launch_code = 0;
  cuda_->context_current = false;
  EXPECT_EQ(launch_status(tuned, message), WEIR_ERROR_NO_DEVICE);
  EXPECT_THAT(message, HasSubstr("context"));
  cuda_->context_current = true;
  EXPECT_EQ(launch_status(tuned, message), WEIR_OK);
}

TEST_F(LaunchTest, ADeviceThatDoesNotExistIsNoDevice) {
  weir_options options{};
  options.device_ordinal = 7;
  try {
    runtime::File((folder_ / "ship.weir").string(), options);
    ADD_FAILURE();
  } catch (const runtime::Failure& failure) {
    EXPECT_EQ(failure.status(), WEIR_ERROR_NO_DEVICE) << failure.what();
  }
}

}  // namespace
}  // namespace weir
