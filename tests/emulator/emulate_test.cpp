// What emulate() makes of a definition: arguments, prepared inputs, determinism, errors.
#include "emulate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "device_limits.h"
#include "kernels/definition.h"

namespace weir::emulator {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kElements = 101;

// definitions/arguments, with one text of its files replaced by another.
class Emulate : public testing::Test {
 protected:
  Emulate() : folder_(fs::temp_directory_path() / ("weir_emulate_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::copy(WEIR_SOURCE_DIR "/tests/emulator/definitions/arguments", folder_);
  }
  ~Emulate() override { fs::remove_all(folder_); }

  void replace(const std::string& file, const std::string& text, const std::string& replacement) {
    std::ifstream stream(folder_ / file);
    std::string content(std::istreambuf_iterator<char>(stream), {});
    const std::size_t at = content.find(text);
    ASSERT_NE(at, std::string::npos);
    std::ofstream(folder_ / file) << content.replace(at, text.size(), replacement);
  }
  Result<Emulation> run(const std::string& problem = "", std::uint64_t input_seed = 0) {
    std::vector<std::int64_t> places;
    for (int i = 0; i < kElements; ++i) places.push_back(i * 7 % kElements);
    const Result<KernelDefinition> definition = KernelDefinition::load(folder_ / "kernel.yaml");
    if (!definition) return definition.error();
    const Result<Problem> values = definition->problem("n=" + std::to_string(kElements) + problem,
                                                       {{"places", places}, {"nothing", {}}});
    if (!values) return values.error();
    const DeviceLimits device = device_limits(90);
    const Result<Candidate> candidate =
        definition->resolve(*values, *definition->default_config(device), device);
    if (!candidate) return candidate.error();
    return emulate(*candidate, {.input_seed = input_seed});
  }
  std::string verdict(const std::string& problem = "", std::uint64_t input_seed = 0) {
    const Result<Emulation> emulation = run(problem, input_seed);
    if (!emulation) return to_string(emulation.error());
    return emulation->verdict.passed ? "passed" : emulation->verdict.detail;
  }

  const fs::path folder_;
};

TEST_F(Emulate, PassesEveryKindOfArgumentAndPreparesInputs) {
  EXPECT_EQ(verdict(), "passed");
  EXPECT_EQ(verdict(",factor=-0.25", 5), "passed");
}

TEST_F(Emulate, FindsResultsThatDependOnTheOrderOfThreads) {
  EXPECT_THAT(verdict(",ordered=false"), HasSubstr("total"));
  replace("kernel.yaml", "deterministic: '1'", "deterministic: '0'");
  EXPECT_EQ(verdict(",ordered=false"), "passed") << "allowed where the definition doesn't ask for more";
}

TEST_F(Emulate, CountsReductions) {
  const Result<Emulation> emulation = run(",ordered=false");
  ASSERT_TRUE(emulation.ok()) << to_string(emulation.error());
  const TensorTraffic& traffic = emulation->traffic(0, "total");
  EXPECT_EQ(traffic.reduced_bytes, 4 * kElements);
  EXPECT_EQ(traffic.program_reduced_bytes, 4 * ((kElements + 31) / 32)) << "one for each block";
}

TEST_F(Emulate, FindsArgumentsThatAreNotTheParameters) {
  replace("kernel.cu", "int n, long long offset", "int n, int offset");
  EXPECT_THAT(verdict(), HasSubstr("arguments are 'ppppppfil' and the source's parameters 'ppppppfii'"));
}

TEST_F(Emulate, FindsElementsThatNobodyWrites) {
  replace("kernel.cu", "if (i < n) y[i]", "if (i < n - 1) y[i]");
  EXPECT_THAT(verdict(), HasSubstr("tensor y: 1 of 101 elements are NaN"));
}

TEST_F(Emulate, ReportsAReferenceThatReadsBeyondATable) {
  replace("reference.cu", "for (int i = 0; i < n; ++i) sum", "for (int i = 0; i < n + 1; ++i) sum");
  EXPECT_THAT(verdict(), HasSubstr("the reference of arguments fails: exact: thread 0 of block (0, 0, 0): an "
                                   "access to tensor places of 404 bytes, 0 bytes past its end"));
}

TEST_F(Emulate, ReportsTheCompilersMessages) {
  replace("kernel.cu", "static_cast<float>(offset)", "nonsense");
  EXPECT_THAT(verdict(), HasSubstr("kernel.cu does not compile for the emulator"));
}

TEST_F(Emulate, EndsALaunchAtAssemblyWithoutAHostVersion) {
  replace("kernel.cu", "const int i =", "asm volatile(\"bar.sync 0;\");\n  const int i =");
  EXPECT_THAT(verdict(), HasSubstr("assembly without a host version"));
}

}  // namespace
}  // namespace weir::emulator
