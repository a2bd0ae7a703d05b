// Candidates of every shipped kernel compile for every architecture that Weir names, with registers and
// shared memory as the definition says. A sample that covers each space from end to end; all of it with
// WEIR_ALL_CANDIDATES=1.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "gpu/build_candidate.h"
#include "kernels/definition.h"
#include "masks/problem_mask.h"
#include "tuner/tune.h"

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

// So many of them, from the first to the last; all with WEIR_ALL_CANDIDATES=1.
std::vector<Config> spread(const std::vector<Config>& all, std::size_t count) {
  if (std::getenv("WEIR_ALL_CANDIDATES") || all.size() <= count) return all;
  std::vector<Config> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[i * (all.size() - 1) / (count - 1)]);
  return some;
}

enum class Spills { some, few, none };

struct Case {
  const char* kernel;
  const char* problem;
  std::int64_t capability;
  std::size_t fewest_legal = 30;
  Spills spills = Spills::some;
  const char* mask = "";
};

// As ctest shows it.
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.kernel << ' ' << c.problem << " on sm_" << c.capability;
}

class CompileCandidates : public testing::TestWithParam<Case> {};

TEST_P(CompileCandidates, FitTheRegistersAndSharedMemoryOfTheirDefinition) {
  const Result<Compiler> compiler = Compiler::open({});
  if (!compiler) GTEST_SKIP() << "no NVRTC here: " << to_string(compiler.error());
  const Result<KernelDefinition> definition = find_kernel(kKernels, GetParam().kernel);
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const Result<Problem> problem = masked_problem(*definition, GetParam().problem, {}, GetParam().mask);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const DeviceLimits device = limits(GetParam().capability);

  const Result<std::vector<Config>> legal = definition->enumerate(*problem, device);
  ASSERT_TRUE(legal.ok()) << to_string(legal.error());
  ASSERT_GE(legal->size(), GetParam().fewest_legal);
  for (const Config& config : spread(*legal, 4)) {
    const Result<Candidate> resolved = definition->resolve(*problem, config, device);
    ASSERT_TRUE(resolved.ok()) << to_string(config) << ": " << to_string(resolved.error());
    const Candidate& candidate = *resolved;
    const Result<Executable> executable =
        build_candidate(*compiler, candidate, kKernels, GetParam().capability);
    ASSERT_TRUE(executable.ok()) << to_string(candidate.config) << ": " << to_string(executable.error());
    const Resources& found = executable->resources;
    EXPECT_EQ(found.static_shared_bytes, 0)
        << to_string(candidate.config) << ": all shared memory is the definition's";
    // The largest of all entries, as is what was found.
    std::int64_t expected_registers = 0;
    for (const Launch& launch : candidate.launches) {
      EXPECT_LE(launch.shared_bytes, device.shared_bytes_per_block);
      expected_registers = std::max(expected_registers, launch.registers_per_thread);
    }
    // The one that is limited by its registers.
    const Launch& launch = *std::max_element(
        candidate.launches.begin(), candidate.launches.end(),
        [](const Launch& a, const Launch& b) { return a.registers_per_thread < b.registers_per_thread; });
    const std::int64_t threads = launch.threads[0] * launch.threads[1] * launch.threads[2];
    EXPECT_LE(found.registers_per_thread * threads, device.registers_per_sm) << to_string(candidate.config);
    if (expected_registers > 0 && GetParam().capability == 90) {
      // Registers are allocated to a warp in eights per thread.
      EXPECT_LE(found.registers_per_thread, expected_registers + 8) << to_string(candidate.config);
    }
    if (GetParam().spills == Spills::few) {
      EXPECT_LE(found.spill_bytes, TuneOptions{}.spill_limit_bytes) << to_string(candidate.config);
    }
    if (GetParam().spills == Spills::none) {
      EXPECT_EQ(found.spill_bytes, 0) << to_string(candidate.config);
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
  const Result<Problem> problem = masked_problem(*definition, GetParam().problem, {}, GetParam().mask);
  ASSERT_TRUE(problem.ok()) << to_string(problem.error());
  const DeviceLimits device = limits(90);
  Result<std::vector<Config>> legal = definition->enumerate(*problem, device);
  ASSERT_TRUE(legal.ok()) << to_string(legal.error());
  std::erase_if(*legal, [](const Config& config) { return config.variant.rfind("wgmma", 0) != 0; });
  ASSERT_GE(legal->size(), GetParam().fewest_legal);
  for (const Config& config : spread(*legal, 6)) {
    const Result<Candidate> resolved = definition->resolve(*problem, config, device);
    ASSERT_TRUE(resolved.ok()) << to_string(config) << ": " << to_string(resolved.error());
    const Candidate& candidate = *resolved;
    const Result<Executable> executable = build_candidate(*compiler, candidate, kKernels, 90);
    ASSERT_TRUE(executable.ok()) << to_string(candidate.config) << ": " << to_string(executable.error());
    EXPECT_EQ(executable->resources.spill_bytes, 0) << to_string(candidate.config);
    EXPECT_EQ(executable->resources.static_shared_bytes, 0) << to_string(candidate.config);
    std::int64_t registers = 0;
    for (const Launch& launch : candidate.launches)
      registers = std::max(registers, launch.registers_per_thread);
    EXPECT_LE(executable->resources.registers_per_thread, registers)
        << to_string(candidate.config) << ": setmaxnreg needs the registers that the launch bounds leave";
  }
}

INSTANTIATE_TEST_SUITE_P(
    ShippedKernels, HopperVariants,
    testing::Values(Case{"gemm", "m=8000,n=8000,k=1000", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=64,causal=true", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=96", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=128,dtype=f16", 90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=256,causal=true", 90},
                    Case{"attention_forward",
                         "heads_q=64,seq_q=4000,head_dim=64,score=score - 0.0625 * (head + 1) * abs(q_index "
                         "- k_index)",
                         90},
                    Case{"attention_forward",
                         "heads_q=64,seq_q=4000,head_dim=128,causal=true,score=score - 0.0625 * (head + 1) * "
                         "(q_index - k_index)",
                         90},
                    Case{"attention_forward", "heads_q=64,seq_q=4000,head_dim=256,softcap=30", 90},
                    // Blocks as long as tiles, and blocks that end inside tiles.
                    Case{"attention_block_sparse", "heads_q=64,seq_q=4000,head_dim=128,causal=true", 90, 30,
                         Spills::none, "butterfly"},
                    Case{"attention_block_sparse",
                         "heads_q=64,heads_kv=8,seq_q=4000,head_dim=64,block_q=192,block_kv=48,dtype=f16", 90,
                         30, Spills::none, "butterfly"},
                    Case{"attention_backward", "heads_q=64,seq_q=4000,head_dim=64,causal=true", 90, 4},
                    Case{"attention_backward", "heads_q=64,heads_kv=16,seq_q=4000,head_dim=128", 90, 4},
                    Case{"attention_backward", "heads_q=64,seq_q=4000,head_dim=96,dtype=f16", 90, 4},
                    Case{"attention_backward", "heads_q=64,seq_q=4000,head_dim=256,causal=true", 90, 4}),
    [](const auto& info) { return std::string(info.param.kernel) + "_" + std::to_string(info.index); });

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t capability : {80, 86, 89, 90, 120}) {
    all.push_back({"gemm", "m=1000,n=1000,k=1000", capability});
    all.push_back(
        {"attention_forward", "heads_q=4,heads_kv=2,seq_q=1000,head_dim=64,causal=true", capability});
    all.push_back({"attention_forward", "heads_q=4,seq_q=1000,head_dim=128,dtype=f16", capability});
    all.push_back({"attention_forward",
                   "heads_q=4,seq_q=1000,head_dim=96,window_left=100,mask=(q_index - k_index) % 3 == 0",
                   capability});
    all.push_back(
        {"attention_forward",
         "heads_q=4,seq_q=1000,head_dim=128,causal=true,softcap=30,score=score + exp2(-2 * (head + 1)) * "
         "(k_index - q_index)",
         capability});
    // Where shared memory is small, few tiles of such heads fit.
    all.push_back({"attention_forward", "heads_q=4,seq_q=1000,head_dim=256,causal=true", capability, 10});
    all.push_back(
        {"attention_backward", "heads_q=4,heads_kv=2,seq_q=1000,head_dim=64,causal=true", capability});
    all.push_back({"attention_backward",
                   "heads_q=4,seq_q=1000,head_dim=96,window_left=100,mask=(q_index - k_index) % 3 == 0",
                   capability});
    all.push_back(
        {"attention_backward",
         "heads_q=4,seq_q=1000,head_dim=128,dtype=f16,softcap=30,score=score - 0.5 * abs(q_index - k_index)",
         capability});
    // Where shared memory is small, few tiles of such heads fit.
    all.push_back({"attention_backward", "heads_q=4,seq_q=1000,head_dim=256", capability, 4});
    // Blocks of whole tiles, and tiles that unite blocks in both directions.
    for (const char* problem : {"heads_q=4,heads_kv=2,seq_q=1000,head_dim=64,causal=true",
                                "heads_q=4,seq_q=1000,head_dim=128,block_q=256,mask_heads=4,dtype=f16",
                                "heads_q=4,seq_q=1000,head_dim=128,block_q=32,block_kv=32,causal=true"}) {
      all.push_back({"attention_block_sparse", problem, capability, 20, Spills::some, "butterfly"});
      all.push_back({"attention_block_sparse_backward", problem, capability, 20, Spills::some, "butterfly"});
    }
    all.push_back({"attention_block_mass", "heads_q=4,heads_kv=2,seq_q=1000,head_dim=128,causal=true",
                   capability, 9, Spills::none});
    all.push_back({"stream_copy", "bytes=1048576", capability});
    for (const char* problem :
         {"heads_q=32,heads_kv=8,seq_kv=16384,head_dim=64,causal=true,seq_q=8",
          "heads_q=32,heads_kv=8,seq_kv=16384,head_dim=96,dtype=f16",
          "batch=4,heads_q=32,heads_kv=8,seq_kv=16384,head_dim=128,softcap=30,windowed=true,seq_q=8",
          "batch=4,heads_q=32,heads_kv=8,seq_kv=16384,head_dim=256,mask=k_index % 64 < 40"}) {
      // Where shared memory is small, few tiles of heads of 256 fit.
      all.push_back({"attention_decode", problem, capability, 20, Spills::few});
    }
    for (const char* problem : {"heads_q=4,heads_kv=2,seq_q=1000,head_dim=64,causal=true",
                                "heads_q=4,seq_q=1000,head_dim=96,dtype=f16",
                                "heads_q=4,seq_q=1000,head_dim=256,softcap=30,windowed=true"}) {
      all.push_back({"attention_standard", problem, capability, 30, Spills::few});
      all.push_back({"attention_standard_backward", problem, capability, 30, Spills::few});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(ShippedKernels, CompileCandidates, testing::ValuesIn(cases()), [](const auto& info) {
  return std::string(info.param.kernel) + "_" + std::to_string(info.index) + "_sm_" +
         std::to_string(info.param.capability);
});

class AttentionForwardWithoutSpills : public testing::TestWithParam<std::int64_t> {};

TEST_P(AttentionForwardWithoutSpills, HasCandidatesForEveryHead) {
  const Result<Compiler> compiler = Compiler::open({});
  if (!compiler) GTEST_SKIP() << "no NVRTC here: " << to_string(compiler.error());
  const Result<KernelDefinition> definition = find_kernel(kKernels, "attention_forward");
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  const auto expect_none = [&](const std::string& text, const std::string& config) {
    const Result<Problem> problem = definition->problem("heads_q=4,seq_q=1000,causal=true," + text);
    ASSERT_TRUE(problem.ok()) << to_string(problem.error());
    const Result<Candidate> candidate =
        definition->resolve(*problem, *definition->config(config), limits(GetParam()));
    ASSERT_TRUE(candidate.ok()) << to_string(candidate.error());
    const Result<Executable> executable = build_candidate(*compiler, *candidate, kKernels, GetParam());
    ASSERT_TRUE(executable.ok()) << to_string(executable.error());
    EXPECT_EQ(executable->resources.spill_bytes, 0) << text << " " << config;
  };
  for (const char* variant :
       {"", ",window_left=100", ",score=score + exp2(-2 * (head + 1)) * (k_index - q_index)"}) {
    const std::string heads_96 = std::string("head_dim=96") + variant;
    expect_none(heads_96, "tile_q=64,tile_kv=64,warps=4,blocks_per_sm=2,stages=1,q_in_registers=1");
    expect_none(heads_96, "tile_q=128,tile_kv=64,warps=8,blocks_per_sm=1,stages=1");
    const std::string heads_256 = std::string("head_dim=256") + variant;
    expect_none(heads_256, "tile_q=64,tile_kv=32,warps=4,blocks_per_sm=1,stages=2");
    expect_none(heads_256, "tile_q=128,tile_kv=32,warps=8,blocks_per_sm=1,stages=1");
  }
}

class BlockSparseWithoutSpills : public testing::TestWithParam<std::int64_t> {};

// None with tiles of one mask block; what the tuner accepts with those that unite some.
TEST_P(BlockSparseWithoutSpills, HasCandidatesForEveryHead) {
  const Result<Compiler> compiler = Compiler::open({});
  if (!compiler) GTEST_SKIP() << "no NVRTC here: " << to_string(compiler.error());
  const Result<KernelDefinition> definition = find_kernel(kKernels, "attention_block_sparse");
  ASSERT_TRUE(definition.ok()) << to_string(definition.error());
  for (const char* text :
       {"head_dim=64", "head_dim=128", "head_dim=64,block_q=64", "head_dim=128,block_q=64"}) {
    const Result<Problem> problem = masked_problem(
        *definition, std::string("heads_q=4,heads_kv=2,seq_q=1000,causal=true,") + text, {}, "butterfly");
    ASSERT_TRUE(problem.ok()) << to_string(problem.error());
    const bool unites = std::string(text).find("block_q") != std::string::npos;
    const std::int64_t most_spilled = unites ? TuneOptions{}.spill_limit_bytes : 0;
    int legal = 0;
    for (const char* config : {"tile_q=128,tile_kv=64,warps=4,blocks_per_sm=2,stages=1",
                               "tile_q=128,tile_kv=32,warps=4,blocks_per_sm=2,stages=2",
                               "tile_q=64,tile_kv=64,warps=4,blocks_per_sm=2,stages=1",
                               "tile_q=128,tile_kv=64,warps=8,blocks_per_sm=1,stages=1"}) {
      const Result<Candidate> candidate =
          definition->resolve(*problem, *definition->config(config), limits(GetParam()));
      if (!candidate) continue;  // too large for the shared memory, or for the registers
      ++legal;
      const Result<Executable> executable = build_candidate(*compiler, *candidate, kKernels, GetParam());
      ASSERT_TRUE(executable.ok()) << to_string(executable.error());
      EXPECT_LE(executable->resources.spill_bytes, most_spilled) << text << " " << config;
    }
    EXPECT_GE(legal, 2) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, BlockSparseWithoutSpills, testing::Values(80, 86, 89, 90, 120),
                         [](const auto& info) { return "sm_" + std::to_string(info.param); });

INSTANTIATE_TEST_SUITE_P(Architectures, AttentionForwardWithoutSpills, testing::Values(80, 86, 89, 90, 120),
                         [](const auto& info) { return "sm_" + std::to_string(info.param); });

}  // namespace
}  // namespace weir
