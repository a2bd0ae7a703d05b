// Candidates of every shipped kernel compile for every architecture that Weir names, with registers and
// shared memory as the definition says. A sample that covers each space from end to end; all of it with
// WEIR_ALL_CANDIDATES=1.
#include <gtest/gtest.h>

#include <cstdlib>

#include "gpu/build_candidate.h"
#include "kernels/definition.h"

namespace weir {
namespace {

const std::filesystem::path kKernels = WEIR_SOURCE_DIR "/kernels";

// CUDA C++ Programming Guide, technical specifications per compute capability.
DeviceLimits limits(std::int64_t capability) {
  DeviceLimits device{.compute_capability = capability,
                      .sm_count = 100,
                      .max_threads_per_sm = 1536,
                      .registers_per_sm = 65536,
                      .shared_bytes_per_sm = 100 * 1024,
                      .shared_bytes_per_block = 99 * 1024,
                      .l2_bytes = 48 << 20};
  if (capability == 80 || capability == 90) device.max_threads_per_sm = 2048;
  if (capability == 80) device.shared_bytes_per_sm = 164 * 1024, device.shared_bytes_per_block = 163 * 1024;
  if (capability == 90) device.shared_bytes_per_sm = 228 * 1024, device.shared_bytes_per_block = 227 * 1024;
  return device;
}

struct Case {
  const char* kernel;
  const char* problem;
  std::int64_t capability;
};

class CompileCandidates : public testing::TestWithParam<Case> {};

TEST_P(CompileCandidates, FitTheRegistersAndSharedMemoryOfTheirDefinition) {
  const Result<Compiler> compiler = Compiler::open({});
  if (!compiler) GTEST_SKIP() << "no NVRTC here: " << to_string(compiler.error());
  const Result<KernelDefinition> definition = find_kernel(kKernels, GetParam().kernel);
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const Result<Problem> problem = definition->problem(GetParam().problem);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const DeviceLimits device = limits(GetParam().capability);

  std::vector<Candidate> legal;
  for (const Config& config : definition->enumerate(device)) {
    Result<Candidate> candidate = definition->resolve(*problem, config, device);
    if (candidate) legal.push_back(std::move(*candidate));
  }
  ASSERT_GE(legal.size(), 30u);
  const std::size_t sample = std::getenv("WEIR_ALL_CANDIDATES") ? legal.size() : 4;
  for (std::size_t i = 0; i < sample; ++i) {
    const Candidate& candidate = legal[sample == 1 ? 0 : i * (legal.size() - 1) / (sample - 1)];
    const Result<Executable> executable =
        build_candidate(*compiler, candidate, kKernels, GetParam().capability);
    ASSERT_TRUE(executable.ok()) << to_string(candidate.config) << ": " << to_string(executable.error());
    const Resources& found = executable->resources;
    const Launch& launch = candidate.launches.front();
    EXPECT_EQ(found.static_shared_bytes, 0)
        << to_string(candidate.config) << ": all shared memory is the definition's";
    EXPECT_LE(launch.shared_bytes, device.shared_bytes_per_block);
    const std::int64_t threads = launch.threads[0] * launch.threads[1] * launch.threads[2];
    EXPECT_LE(found.registers_per_thread * threads, device.registers_per_sm) << to_string(candidate.config);
    if (launch.registers_per_thread > 0 && GetParam().capability == 90) {
      // Registers are allocated to a warp in eights per thread.
      EXPECT_LE(found.registers_per_thread, launch.registers_per_thread + 8) << to_string(candidate.config);
    }
  }
}

class HopperVariants : public testing::TestWithParam<Case> {};

// Serialised matrix products fail to compile; what a candidate spills would be rejected later.
TEST_P(HopperVariants, CompileWithoutSpillsOrSerialisedProducts) {
  const Result<Compiler> compiler = Compiler::open({});
  if (!compiler) GTEST_SKIP() << "no NVRTC here: " << to_string(compiler.error());
  const Result<KernelDefinition> definition = find_kernel(kKernels, GetParam().kernel);
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const Result<Problem> problem = definition->problem(GetParam().problem);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const DeviceLimits device = limits(90);
  std::vector<Candidate> legal;
  for (const Config& config : definition->enumerate(device)) {
    if (config.variant != "wgmma") continue;
    Result<Candidate> candidate = definition->resolve(*problem, config, device);
    if (candidate) legal.push_back(std::move(*candidate));
  }
  ASSERT_GE(legal.size(), 30u);
  const std::size_t sample = std::getenv("WEIR_ALL_CANDIDATES") ? legal.size() : 6;
  for (std::size_t i = 0; i < sample; ++i) {
    const Candidate& candidate = legal[i * (legal.size() - 1) / (sample - 1)];
    const Result<Executable> executable = build_candidate(*compiler, candidate, kKernels, 90);
    ASSERT_TRUE(executable.ok()) << to_string(candidate.config) << ": " << to_string(executable.error());
    EXPECT_EQ(executable->resources.spill_bytes, 0) << to_string(candidate.config);
    EXPECT_EQ(executable->resources.static_shared_bytes, 0) << to_string(candidate.config);
    EXPECT_LE(executable->resources.registers_per_thread, candidate.launches.front().registers_per_thread)
        << to_string(candidate.config) << ": setmaxnreg needs the registers that the launch bounds leave";
  }
}

INSTANTIATE_TEST_SUITE_P(
    ShippedKernels, HopperVariants,
    testing::Values(Case{"gemm", "m=8000,n=8000,k=1000", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=64,causal=true", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=96", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=128,dtype=f16", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=256,causal=true", 90}),
    [](const auto& info) { return std::string(info.param.kernel) + "_" + std::to_string(info.index); });

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t capability : {80, 86, 89, 90, 120}) {
    all.push_back({"gemm", "m=1000,n=1000,k=1000", capability});
    all.push_back(
        {"attention_forward", "heads_q=4,heads_kv=2,seq_q=1000,head_dim=64,causal=true", capability});
    all.push_back({"attention_forward", "heads_q=4,seq_q=1000,head_dim=128,dtype=f16", capability});
    all.push_back({"stream_copy", "bytes=1048576", capability});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(ShippedKernels, CompileCandidates, testing::ValuesIn(cases()), [](const auto& info) {
  return std::string(info.param.kernel) + "_" + std::to_string(info.index) + "_sm_" +
         std::to_string(info.param.capability);
});

}  // namespace
}  // namespace weir
