// The shipped GEMM with one thing left out: the emulator sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "device_limits.h"
#include "emulate.h"
#include "kernels/definition.h"

namespace weir::emulator::test {
namespace {

namespace fs = std::filesystem;

struct Fault {
  const char* name;
  const char* file;
  const char* text;         // its first occurrence in the file …
  const char* replacement;  // … becomes this
  const char* message;      // what the verdict says
};
void PrintTo(const Fault& fault, std::ostream* stream) {
  *stream << fault.name;
}

class BrokenGemm : public testing::TestWithParam<Fault> {
 protected:
  BrokenGemm() : folder_(fs::temp_directory_path() / ("weir_broken_gemm_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::copy(WEIR_SOURCE_DIR "/kernels", folder_, fs::copy_options::recursive);
  }
  ~BrokenGemm() override { fs::remove_all(folder_); }

  Verification emulate_with_seed(std::uint64_t seed) {
    const Result<KernelDefinition> definition = find_kernel(folder_, "gemm");
    const DeviceLimits device = device_limits(90);
    const Result<Candidate> candidate =
        definition->resolve(*definition->problem("m=100,n=120,k=296"),
                            *definition->config("tile_m=64,tile_n=64,tile_k=32,stages=3"), device);
    const Result<Emulation> emulation =
        emulate(*candidate, {.include_folder = folder_, .schedule_seed = seed});
    if (!emulation) return {.detail = to_string(emulation.error())};
    return emulation->verdict;
  }

  const fs::path folder_;
};

TEST_P(BrokenGemm, IsWrongWithSomeOrderOfThreads) {
  const fs::path file = folder_ / GetParam().file;
  std::ifstream stream(file);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  const std::size_t at = text.find(GetParam().text);
  ASSERT_NE(at, std::string::npos) << "the source no longer has what this test leaves out";
  ASSERT_TRUE(emulate_with_seed(0).passed);
  text.replace(at, std::string(GetParam().text).size(), GetParam().replacement);
  std::ofstream(file) << text;
  std::string found;
  for (std::uint64_t seed = 0; seed < 4 && found.empty(); ++seed) {
    const Verification verdict = emulate_with_seed(seed);
    if (!verdict.passed) found = verdict.detail;
  }
  EXPECT_THAT(found, testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BrokenGemm,
    testing::Values(Fault{"NoBarrierAfterAStage", "gemm/kernel.cu",
                          "ptx::cp_async_wait_group<config::stages - 2>();\n    __syncthreads();",
                          "ptx::cp_async_wait_group<config::stages - 2>();", "tensor c"},
                    Fault{"WaitsForOneStageTooFew", "gemm/kernel.cu",
                          "cp_async_wait_group<config::stages - 2>",
                          "cp_async_wait_group<config::stages - 1>", "tensor c"},
                    Fault{"NoBarrierBeforeTheStore", "gemm/kernel.cu",
                          "__syncthreads();\n  device::store_tile", "device::store_tile", "tensor c"},
                    Fault{"FillsAStageThatIsInUse", "gemm/kernel.cu", "filled_stage = used_stage;",
                          "filled_stage = next_in_ring(used_stage);", "tensor c"},
                    Fault{"CopiesRowsBeyondTheMatrix", "device/tile_copy.h", "pass < passes ? 16 : 0", "16",
                          "cp.async reads 16 bytes"},
                    Fault{"StoresColumnsBeyondTheMatrix", "device/tile_copy.h", "first_row + row < rows && ",
                          "", "tensor c"},
                    Fault{"IgnoresTheSwizzle", "device/shared_tile.h", "(chunk ^ swizzle) * 16",
                          "(chunk ^ (row < 32 ? swizzle : 0)) * 16", "tensor c"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::emulator::test
