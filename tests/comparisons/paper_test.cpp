// The comparisons with the FlashAttention paper that ship with Weir.
#include <gtest/gtest.h>

#include <cmath>

#include "comparisons/evaluate.h"
#include "comparisons/series.h"
#include "kernels/definition.h"
#include "masks/problem_mask.h"
#include "simulator/predict.h"

namespace weir::comparison {
namespace {

Comparison shipped(const std::string& name) {
  Result<Comparison> comparison =
      load_comparison(WEIR_SOURCE_DIR "/profiles/workloads/paper/" + name + ".yaml");
  if (!comparison) throw std::runtime_error(to_string(comparison.error()));
  return std::move(*comparison);
}

std::vector<DeviceResult> predicted(const Comparison& comparison, const std::string& gpu) {
  Sources sources{WEIR_SOURCE_DIR "/kernels", WEIR_SOURCE_DIR "/profiles/calibrations", {}, {}, {gpu}, {}};
  sources.profiles = load_all_profiles(WEIR_SOURCE_DIR "/profiles/gpus").value();
  auto devices = evaluate(comparison, sources);
  if (!devices) throw std::runtime_error(to_string(devices.error()));
  return *devices;
}

TEST(Paper, EveryConfigurationIsLegalOnAnH100) {
  const DeviceLimits limits =
      limits_of(load_profile(WEIR_SOURCE_DIR "/profiles/gpus/h100-sxm5-80gb.yaml").value());
  std::int64_t measured = 0;
  for (const char* name : {"figure2_left", "figure2_middle", "figure2_right", "figure3", "io_complexity"}) {
    const Comparison comparison = shipped(name);
    for (const WorkloadProblem& asked : problems_of(comparison.rows)) {
      const auto definition = find_kernel(WEIR_SOURCE_DIR "/kernels", asked.kernel);
      ASSERT_TRUE(definition.ok()) << to_string(definition.error());
      const auto problem = masked_problem(*definition, asked.problem, asked.tables, asked.mask);
      ASSERT_TRUE(problem.ok()) << to_string(problem.error());
      for (const std::string& text : asked.configs) {
        const auto config = definition->config(text);
        ASSERT_TRUE(config.ok()) << to_string(config.error());
        const auto candidate = definition->resolve(*problem, *config, limits);
        EXPECT_TRUE(candidate.ok()) << asked.kernel << " " << asked.problem << " " << text << ": "
                                    << to_string(candidate.error());
        ++measured;
      }
    }
  }
  EXPECT_GT(measured, 100);
}

// Figure 2, left. For each pair and column the forward pass executes 4 FLOPs, the backward pass 8 of standard
// attention and at least 10 of flash attention, which forms the scores again. Matrices of N x N in 16 bits
// are read or written at least 11 times in standard attention: forward S, S, P, P; backward P, dP, P, dP, dS,
// dS, dS. Flash attention reads and writes only tensors of N x d: the paper's 9 times come out.
TEST(Paper, StandardAttentionMovesManyTimesTheBytesOfFlashAttention) {
  const Comparison figure = shipped("figure2_left");
  const double pairs = 64 * 16 * 1024.0 * 1024.0;
  for (const char* gpu : {"h100-sxm5-80gb", "a100-sxm4-40gb"}) {
    const std::vector<DeviceResult> devices = predicted(figure, gpu);
    const RowResult &standard = devices[0].rows[0], &flash = devices[0].rows[1];
    EXPECT_DOUBLE_EQ(standard.predicted.at(Quantity::executed), 12 * pairs * 64) << gpu;
    EXPECT_DOUBLE_EQ(flash.predicted.at(Quantity::executed), 14 * pairs * 64) << gpu;
    EXPECT_GT(standard.predicted.at(Quantity::dram), 11 * pairs * 2) << gpu;
    EXPECT_LT(flash.predicted.at(Quantity::dram), 2 * pairs * 2) << gpu;
    EXPECT_GT(standard.predicted.at(Quantity::dram), 8 * flash.predicted.at(Quantity::dram)) << gpu;
  }
}

// Theorem 2 and proposition 4. Lower-order terms (K and V once, Q and O once) flatten the curves a little.
TEST(Paper, AccessesFollowTheTheorems) {
  const Comparison theorem = shipped("io_complexity");
  const std::vector<DeviceResult> devices = predicted(theorem, "h100-sxm5-80gb");
  const Table& table = theorem.tables.front();
  const std::map<std::string, double> theory{{"N", 2}, {"d", 2}, {"M", -1}, {"density", 1}};
  EXPECT_EQ(table.expected, theory);
  for (const auto& [group, expected] : theory) {
    const auto all = series_of(theorem, table, group, devices[0], Quantity::sram);
    EXPECT_EQ(all.size(), group == "density" ? 1u : 2u) << group;
    for (const Series& series : all) {
      const std::optional<double> found = exponent(series.predicted);
      ASSERT_TRUE(found.has_value()) << group << " " << series.name;
      EXPECT_NEAR(*found, expected, 0.12) << group << " " << series.name;
    }
  }
}

// Memory of figure 3: standard attention's grows with the square of the length, the others' with the length.
TEST(Paper, OnlyStandardAttentionsMemoryGrowsWithTheSquare) {
  Comparison figure = shipped("figure3");
  std::erase_if(figure.tables, [](const Table& table) { return table.name != "figure3-memory"; });
  const std::vector<DeviceResult> devices = predicted(figure, "h100-sxm5-80gb");
  const Table& table = figure.tables.front();
  for (const Series& series : series_of(figure, table, table.group, devices[0], Quantity::memory)) {
    const std::vector<Point>& points = series.predicted;
    ASSERT_EQ(points.size(), 10u) << series.name;
    const double last = std::log2(points[9].y / points[8].y);
    EXPECT_NEAR(last, series.name == "standard" ? 2 : 1, 0.05) << series.name;
  }
}

}  // namespace
}  // namespace weir::comparison
