// The shipped kernels' lower bounds against their formulas in floating point, and candidates against the
// bounds.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/simulator/definitions.h"

namespace weir {
namespace {

const std::filesystem::path kSource = WEIR_SOURCE_DIR;

std::vector<DeviceProfile> profiles() {
  return load_all_profiles(kSource / "profiles/gpus").value();
}

KernelDefinition kernel(const std::string& name) {
  const auto definition = find_kernel(kSource / "kernels", name);
  if (!definition.ok()) throw std::runtime_error(to_string(definition.error()));
  return *definition;
}

// Elements of two bytes that an SM's registers and shared memory hold.
double on_chip(const DeviceProfile& profile) {
  return static_cast<double>(4 * profile.registers_per_sm + profile.shared_bytes_per_sm) / 2;
}

double gemm_bound(const DeviceProfile& profile, double m, double n, double k) {
  const double elements = on_chip(profile), sms = static_cast<double>(profile.sm_count);
  return 2 * std::max(m * k + n * k + m * n, 2 * m * n * k / std::sqrt(elements) - 2 * elements * sms);
}

double attention_bound(const DeviceProfile& profile, double pairs, double d, double compulsory) {
  const double elements = on_chip(profile), sms = static_cast<double>(profile.sm_count);
  const double products = pairs * d / (elements / d + 2 * std::min(d, std::sqrt(elements)));
  return std::max(compulsory, 2 * (products - elements * sms));
}

// The bounds of every 40th legal candidate.
std::vector<Bounds> bounds_of_some(const KernelDefinition& definition, const std::string& problem_text,
                                   const DeviceProfile& profile) {
  const Problem problem = definition.problem(problem_text, {}).value();
  std::vector<Bounds> found;
  const auto configs = definition.enumerate(problem, limits_of(profile));
  for (std::size_t i = 0; i < configs.value().size(); i += 40) {
    const auto candidate = definition.resolve(problem, configs.value()[i], limits_of(profile));
    EXPECT_TRUE(candidate.ok()) << to_string(candidate.error());
    if (!candidate.ok()) continue;
    const auto prediction = predict(profile, *candidate, {.fidelity = Fidelity::bounds});
    EXPECT_TRUE(prediction.ok()) << to_string(prediction.error());
    if (prediction.ok()) found.push_back(prediction->bounds);
  }
  return found;
}

TEST(LowerBounds, OfTheGemmAreThoseOfSmithAndOthersAndNoTilingIsBelow) {
  const KernelDefinition gemm = kernel("gemm");
  for (const DeviceProfile& profile : profiles()) {
    if (profile.compute_capability < 80) continue;  // no variant
    for (const auto& [m, n, k] :
         {std::array{2048.0, 2048.0, 2048.0}, {512.0, 512.0, 65536.0}, {96.0, 8192.0, 64.0}}) {
      const std::string problem = "m=" + std::to_string(static_cast<int>(m)) +
                                  ",n=" + std::to_string(static_cast<int>(n)) +
                                  ",k=" + std::to_string(static_cast<int>(k));
      const std::vector<Bounds> all = bounds_of_some(gemm, problem, profile);
      ASSERT_FALSE(all.empty()) << profile.name;
      for (const Bounds& bounds : all) {
        const double expected = gemm_bound(profile, m, n, k);
        EXPECT_NEAR(bounds.lower_bound_bytes, expected, 0.005 * expected) << profile.name << " " << problem;
        EXPECT_GE(sram_over_lower_bound(bounds), 1) << profile.name << " " << problem;
        EXPECT_NE(bounds.lower_bound_source, "");
      }
    }
  }
}

// Large enough that the leading term decides: twice the work is twice the bound, up to the term of the SMs'
// memory.
TEST(LowerBounds, OfALargeGemmGrowAsTheWorkOverTheRootOfTheMemory) {
  const KernelDefinition gemm = kernel("gemm");
  const DeviceProfile h100 = testing_definitions::profile_of("h100-sxm5-80gb");
  const auto bound = [&](const std::string& problem) {
    const auto candidate = gemm.resolve(gemm.problem(problem, {}).value(),
                                        gemm.default_config(limits_of(h100)).value(), limits_of(h100));
    return candidate.value().lower_bound_bytes + 2 * 2 * on_chip(h100) * 132;
  };
  const double once = bound("m=16384,n=16384,k=16384");
  EXPECT_NEAR(bound("m=16384,n=16384,k=32768") / once, 2, 1e-4);
  EXPECT_NEAR(once, 2 * 2 * std::pow(16384.0, 3) / std::sqrt(on_chip(h100)), 0.005 * once);
}

TEST(LowerBounds, OfAttentionAreThoseOfSahaAndYeAndNoTilingIsBelow) {
  const KernelDefinition attention = kernel("attention_forward");
  for (const DeviceProfile& profile : profiles()) {
    if (profile.compute_capability < 80) continue;
    for (const double d : {64.0, 128.0}) {
      for (const bool causal : {false, true}) {
        const double heads = 2, n = 4096, pairs = heads * n * n * (causal ? 0.5 : 1);
        const std::string problem = "heads_q=2,seq_q=4096,head_dim=" + std::to_string(static_cast<int>(d)) +
                                    (causal ? ",causal=true" : "");
        const std::vector<Bounds> all = bounds_of_some(attention, problem, profile);
        ASSERT_FALSE(all.empty()) << profile.name << " " << problem;
        for (const Bounds& bounds : all) {
          const double expected = attention_bound(profile, pairs, d, 4 * heads * n * d * 2);
          EXPECT_NEAR(bounds.lower_bound_bytes, expected, 0.01 * expected) << profile.name << " " << problem;
          EXPECT_GE(sram_over_lower_bound(bounds), 1) << profile.name << " " << problem;
        }
      }
    }
  }
}

TEST(LowerBounds, OfLongSequencesTendToTheSquareOfNTimesDOverTheMemory) {
  const KernelDefinition attention = kernel("attention_forward");
  const DeviceProfile h100 = testing_definitions::profile_of("h100-sxm5-80gb");
  const double n = 131072, d = 64, elements = on_chip(h100);
  const auto candidate =
      attention.resolve(attention.problem("heads_q=16,seq_q=131072,head_dim=64", {}).value(),
                        attention.default_config(limits_of(h100)).value(), limits_of(h100));
  const double asymptotic = 16 * n * n * d * d / elements * 2;
  // 2 d² / M = 3%, and the SMs' memory.
  EXPECT_LT(candidate.value().lower_bound_bytes, asymptotic);
  EXPECT_GT(candidate.value().lower_bound_bytes, 0.93 * asymptotic);
}

}  // namespace
}  // namespace weir
