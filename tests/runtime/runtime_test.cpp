// The shared library as an application sees it; the device is described, so that no GPU is needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "runtime/weir.hpp"
#include "tests/store/sample_work.h"

extern "C" int c_abi_test(const char* ship_file, const char* damaged_file);

namespace weir {
namespace {

using testing::HasSubstr;

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() { must(ship(sample_work(folder_ / "work.weir"), folder_ / "ship.weir")); }

  weir_options options() const {
    weir_options options{};
    options.struct_size = sizeof options;
    options.device = &device_;
    return options;
  }
  std::string file() const { return (folder_ / "ship.weir").string(); }

  TemporaryFolder folder_;
  weir_device device_{
      sizeof(weir_device), "NVIDIA H100 80GB HBM3", 90, 132, 2048, 65536, 233472, 232448, 52428800};
};

TEST_F(RuntimeTest, WorksFromCWithNullPointersAndOldStructures) {
  const std::string damaged = (folder_ / "damaged.weir").string();
  std::filesystem::copy(file(), damaged);
  std::fstream(damaged, std::ios::in | std::ios::out | std::ios::binary).seekp(9000).put('!');
  EXPECT_EQ(c_abi_test(file().c_str(), damaged.c_str()), 0) << "a line of c_abi.c";
}

TEST_F(RuntimeTest, WorksFromCpp) {
  runtime::Kernel kernel = [&] { return runtime::File(file(), options()).pick("scale", "n=1000"); }();
  ASSERT_TRUE(kernel);
  EXPECT_STREQ(kernel.info().config, "tile=256,variant=plain");
  EXPECT_EQ(kernel.tensors().size(), 2u);
  EXPECT_THROW(kernel.launch(nullptr, {{"x", 256}}), runtime::Failure);
  try {
    runtime::File("/nonexistent.weir", options());
    ADD_FAILURE();
  } catch (const runtime::Failure& failure) {
    EXPECT_EQ(failure.status(), WEIR_ERROR_MISSING);
    EXPECT_THAT(failure.what(), HasSubstr("/nonexistent.weir"));
  }
}

TEST_F(RuntimeTest, AMisalignedTensorIsRefusedBeforeAnyDriverCall) {
  runtime::Kernel kernel = runtime::File(file(), options()).pick("scale", "n=1000");
  try {
    kernel.launch(nullptr, {{"x", 256}, {"y", 256 + 32}});
    ADD_FAILURE();
  } catch (const runtime::Failure& failure) {
    EXPECT_EQ(failure.status(), WEIR_ERROR_ARGUMENT);
    EXPECT_THAT(failure.what(), HasSubstr("'y' is not aligned to 64 bytes"));
  }
}

TEST_F(RuntimeTest, WarnsOnceForEachReasonAndIsSilentOtherwise) {
  std::vector<std::string> warnings;
  weir_options with_log = options();
  with_log.log = [](void* user, const char* message) {
    static_cast<std::vector<std::string>*>(user)->push_back(message);
  };
  with_log.log_user = &warnings;
  const runtime::File opened(file(), with_log);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(opened.pick("scale", "n=1000"));
    EXPECT_FALSE(opened.pick("scale", "n=0"));
    EXPECT_FALSE(opened.pick("nothing", "n=1"));
  }
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_THAT(warnings[0], HasSubstr("scale n=0"));
  EXPECT_THAT(warnings[1], HasSubstr("no kernel 'nothing'"));
}

TEST_F(RuntimeTest, ManyThreadsPickAtOnce) {
  const runtime::File opened(file(), options());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string config = opened.pick("scale", t % 2 ? "n=1000" : "n=100000").info().config;
        if (config != (t % 2 ? "tile=256,variant=plain" : "tile=1024,variant=plain")) ++wrong;
        if (opened.pick("scale", "n=0")) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RuntimeTest, TheFileMayBeReplacedOrDeletedAfterOpen) {
  const runtime::File opened(file(), options());
  std::filesystem::remove(file());
  EXPECT_TRUE(opened.pick("scale", "n=1000"));
}

}  // namespace
}  // namespace weir
