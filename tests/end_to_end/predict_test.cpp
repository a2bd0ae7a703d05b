// What `weir predict` and `weir kernels` promise on the command line.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/command.h"

namespace weir {
namespace {

using nlohmann::json;
using testing_support::CommandResult;
using testing_support::TemporaryFolder;

const std::string kGemm = "m=1024,n=1024,k=512";

json predict(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "predict");
  arguments.push_back("--json");
  const CommandResult result = testing_support::weir(folder.path(), arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return json::parse(result.out, nullptr, false);
}

// A configuration from JSON as --config takes it.
std::string as_text(const json& config) {
  std::string text;
  for (const auto& [name, value] : config.items()) {
    text += (text.empty() ? "" : ",") + name + "=" +
            (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

TEST(Predict, JsonHasEveryPromisedKeyAndTheFastestCandidateFirst) {
  const TemporaryFolder folder;
  const json out = predict(folder, {"gemm", "--gpu", "h100-sxm5-80gb", "--problem", kGemm});
  ASSERT_TRUE(out.is_object());
  EXPECT_EQ(out["kernel"], "gemm");
  EXPECT_EQ(out["gpu"], "h100-sxm5-80gb");
  EXPECT_EQ(out["problem"]["m"], 1024);
  EXPECT_EQ(out["problem"]["dtype"], "bf16");
  for (const char* key : {"compulsory_bytes", "sram_level_bytes", "lower_bound_bytes"}) {
    EXPECT_TRUE(out["bounds"][key].is_number()) << key;
  }
  // A, B and C once, 2 bytes each.
  EXPECT_DOUBLE_EQ(out["bounds"]["compulsory_bytes"].get<double>(),
                   2.0 * (1024 * 512 + 1024 * 512 + 1024 * 1024));
  ASSERT_GE(out["candidates"].size(), 40u);
  double last = 0;
  for (const json& candidate : out["candidates"]) {
    EXPECT_TRUE(candidate["config"].is_object());
    for (const char* key : {"dram_read_bytes", "dram_write_bytes", "l2_read_bytes", "l2_write_bytes",
                            "l2_hit_rate", "time_seconds"}) {
      ASSERT_TRUE(candidate[key].is_number()) << key;
      EXPECT_GE(candidate[key].get<double>(), 0) << key;
    }
    EXPECT_TRUE(candidate["bound_by"].is_string());
    EXPECT_TRUE(candidate["regime"].is_string());
    EXPECT_GE(candidate["time_seconds"].get<double>(), last);
    last = candidate["time_seconds"];
  }
  ASSERT_FALSE(out["rejected"].empty());
  EXPECT_GE(out["rejected_count"], out["rejected"].size());
  EXPECT_LE(out["rejected"].size(), 10'000u) << "a large space gives examples of each reason";
  for (const json& rejected : out["rejected"]) {
    EXPECT_TRUE(rejected["config"].is_object());
    EXPECT_FALSE(rejected["reason"].get<std::string>().empty());
  }
}

TEST(Predict, EveryCandidateSaysHowFarItIsFromTheLowerBoundAndFromCompulsoryTraffic) {
  const TemporaryFolder folder;
  for (const auto& [kernel, problem] :
       {std::pair{"gemm", kGemm.c_str()}, {"attention_forward", "heads_q=8,seq_q=2048,head_dim=64"}}) {
    const json out = predict(folder, {kernel, "--gpu", "h100-sxm5-80gb", "--problem", problem});
    const double lower = out["bounds"]["lower_bound_bytes"], compulsory = out["bounds"]["compulsory_bytes"];
    EXPECT_NE(out["bounds"]["lower_bound_source"].get<std::string>().find("arXiv:"), std::string::npos);
    EXPECT_GE(lower, compulsory * 0.98) << "nothing moves less than inputs and outputs";
    for (const json& c : out["candidates"]) {
      const double dram = c["dram_read_bytes"].get<double>() + c["dram_write_bytes"].get<double>() +
                          c["dirty_bytes"].get<double>();
      // Compulsory bytes are the candidate's own: some have a counter of 4 bytes besides.
      EXPECT_NEAR(c["dram_over_compulsory"], dram / compulsory, 4.5 / compulsory * dram / compulsory);
      EXPECT_DOUBLE_EQ(c["sram_over_lower_bound"], c["sram_level_bytes"].get<double>() / lower);
      EXPECT_GE(c["sram_over_lower_bound"].get<double>(), 1);
      EXPECT_GE(c["dram_over_compulsory"].get<double>(), 1 - 1e-9);
    }
    const std::string text = testing_support::weir(folder.path(), {"predict", kernel, "--gpu",
                                                                   "h100-sxm5-80gb", "--problem", problem})
                                 .out;
    for (const char* shown : {"DRAM/comp", "SRAM/bound", "lower bound", "arXiv:"})
      EXPECT_NE(text.find(shown), std::string::npos) << shown << text;
  }
}

// The shipped CUDA kernels need compute capability 8.0; what their tilings would move can be predicted on any
// GPU.
TEST(Predict, AGpuThatIsTooOldForAKernelIsPredictedAndSaysSo) {
  const TemporaryFolder folder;
  for (const char* gpu : {"t4", "v100-sxm2-32gb", "a10"}) {
    const bool old = std::string(gpu) != "a10";
    for (const auto& [kernel, problem] : {std::pair{"gemm", kGemm.c_str()},
                                          {"attention_forward", "heads_q=4,seq_q=512,head_dim=64"},
                                          {"stream_copy", "bytes=1048576"}}) {
      const json out = predict(folder, {kernel, "--gpu", gpu, "--problem", problem});
      EXPECT_FALSE(out["candidates"].empty()) << gpu << " " << kernel;
      EXPECT_EQ(out["can_run"], !old || std::string(kernel) == "stream_copy") << gpu << " " << kernel;
    }
    const std::string text =
        testing_support::weir(folder.path(), {"predict", "gemm", "--gpu", gpu, "--problem", kGemm}).out;
    EXPECT_EQ(text.find("gemm cannot run there: it needs compute capability 8.0") != std::string::npos, old)
        << text;
  }
}

// A kernel whose definition gives no bound has nothing to be compared with.
TEST(Predict, WithoutALowerBoundTheRatioIsUnknown) {
  const TemporaryFolder folder;
  const json out = predict(folder, {"stream_copy", "--gpu", "h100-sxm5-80gb", "--problem", "bytes=1048576"});
  ASSERT_FALSE(out["candidates"].empty());
  for (const json& c : out["candidates"]) {
    EXPECT_TRUE(c["sram_over_lower_bound"].is_null());
    EXPECT_DOUBLE_EQ(c["dram_over_compulsory"], 1);
  }
}

TEST(Predict, OneConfigurationGivesTheSameNumbersAsTheWholeSpace) {
  const TemporaryFolder folder;
  const json all = predict(folder, {"gemm", "--gpu", "h100-sxm5-80gb", "--problem", kGemm});
  const json& first = all["candidates"][0];
  const std::string config = as_text(first["config"]);
  const json one =
      predict(folder, {"gemm", "--gpu", "h100-sxm5-80gb", "--problem", kGemm, "--config", config});
  ASSERT_EQ(one["candidates"].size(), 1u);
  EXPECT_EQ(one["candidates"][0], first);
}

TEST(Predict, ADefinitionOutsideTheSourceTreeNeedsNoRecompilation) {
  const TemporaryFolder folder;
  std::filesystem::copy(WEIR_SOURCE_DIR "/examples/definitions/triton_matmul.yaml", folder / "mine.yaml");
  const json out = predict(folder, {(folder / "mine.yaml").string(), "--gpu", "a100-sxm4-80gb", "--problem",
                                    "m=2048,n=2048,k=2048"});
  EXPECT_FALSE(out["candidates"].empty());
}

TEST(Predict, BadInputIsAUsageErrorThatSaysWhatToDo) {
  const TemporaryFolder folder;
  const auto run = [&](std::vector<std::string> arguments) {
    return testing_support::weir(folder.path(), arguments);
  };
  const CommandResult kernel = run({"predict", "gem", "--gpu", "h100-sxm5-80gb", "--problem", kGemm});
  EXPECT_EQ(kernel.exit_code, 2);
  EXPECT_NE(kernel.err.find("gemm"), std::string::npos) << kernel.err;
  const CommandResult gpu = run({"predict", "gemm", "--gpu", "h100", "--problem", kGemm});
  EXPECT_EQ(gpu.exit_code, 2);
  EXPECT_NE(gpu.err.find("h100-sxm5-80gb"), std::string::npos) << gpu.err;
  const CommandResult problem =
      run({"predict", "gemm", "--gpu", "h100-sxm5-80gb", "--problem", "m=1024,n=1024"});
  EXPECT_EQ(problem.exit_code, 2);
  EXPECT_NE(problem.err.find("k"), std::string::npos) << problem.err;
  EXPECT_EQ(run({"predict"}).exit_code, 2);
  EXPECT_EQ(run({"frobnicate"}).exit_code, 2);
  for (const CommandResult& result : {kernel, gpu, problem})
    EXPECT_TRUE(result.out.empty()) << "messages go to stderr";
}

TEST(Predict, ARejectedConfigurationSaysWhy) {
  const TemporaryFolder folder;
  const json all = predict(folder, {"gemm", "--gpu", "h100-sxm5-80gb", "--problem", kGemm});
  const json& rejected = all["rejected"][0];
  const std::string config = as_text(rejected["config"]);
  const CommandResult result = testing_support::weir(
      folder.path(), {"predict", "gemm", "--gpu", "h100-sxm5-80gb", "--problem", kGemm, "--config", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find(rejected["reason"].get<std::string>()), std::string::npos) << result.err;
}

TEST(Kernels, EveryShippedKernelIsListedWithItsTunables) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(folder.path(), {"kernels", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json kernels = json::parse(result.out);
  std::set<std::string> names;
  for (const json& kernel : kernels) {
    names.insert(kernel["kernel"]);
    EXPECT_FALSE(kernel["variants"][0]["tunables"].empty()) << kernel["kernel"];
  }
  EXPECT_TRUE(names.contains("gemm") && names.contains("attention_forward") && names.contains("stream_copy"));
}

}  // namespace
}  // namespace weir
