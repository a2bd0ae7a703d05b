#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

class FindKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::path(::testing::TempDir()) / ("weir_find_kernel_" + std::to_string(getpid()));
    std::filesystem::remove_all(folder);
    for (const char* name : {"stream_copy", "gemm"}) {
      std::filesystem::create_directories(folder / name);
      std::ofstream(folder / name / "kernel.yaml") << test::gemm_yaml();
      std::ofstream(folder / name / "reference.cu") << "\n";
    }
    std::filesystem::create_directories(folder / "device");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
};

TEST_F(FindKernel, ListsFoldersWithADefinition) {
  EXPECT_EQ(list_kernels(folder), (std::vector<std::string>{"gemm", "stream_copy"}));
  EXPECT_TRUE(list_kernels(folder / "nothing").empty());
}

TEST_F(FindKernel, TakesNamesFilesAndFolders) {
  for (const std::string& name :
       {std::string("gemm"), (folder / "gemm").string(), (folder / "gemm/kernel.yaml").string()}) {
    const auto definition = find_kernel(folder, name);
    ASSERT_TRUE(definition.ok()) << to_string(definition.error());
    EXPECT_EQ(definition->file(), folder / "gemm/kernel.yaml");
  }
}

TEST_F(FindKernel, TellsWhichKernelsThereAre) {
  const auto unknown = find_kernel(folder, "gem");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, ErrorKind::missing);
  EXPECT_EQ(unknown.error().message,
            "found no kernel 'gem'; expected one of gemm and stream_copy, did you mean 'gemm'?");
  EXPECT_THAT(find_kernel(folder, "./nowhere/kernel.yaml").error().message,
              HasSubstr("cannot read the kernel definition './nowhere/kernel.yaml'"));
}

}  // namespace
}  // namespace weir
