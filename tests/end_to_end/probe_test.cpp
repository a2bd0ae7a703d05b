// `weir probe` on a recording of a GPU whose parameters are known, because its counts were made up from them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kernels/definition.h"
#include "simulator/predict.h"
#include "store/store.h"
#include "tests/end_to_end/command.h"
#include "tuner/probe.h"

namespace weir {
namespace {

using testing_support::CommandResult;
using testing_support::TemporaryFolder;

const std::filesystem::path kSource = WEIR_SOURCE_DIR;

Record row_of(const ProbeProblem& probe, const DeviceProfile& truth) {
  const KernelDefinition definition = find_kernel(kSource / "kernels", probe.kernel).value();
  const Problem problem = definition.problem(probe.problem).value();
  const Config config = definition.config("").value();
  const Candidate candidate = definition.resolve(problem, config, limits_of(truth)).value();
  const Traffic traffic = predict(truth, candidate).value().traffic;
  const double dram = traffic.dram_read_bytes + traffic.dram_write_bytes;
  const double seconds =
      truth.launch_latency_seconds + std::max(dram / (truth.dram_bytes_per_second * truth.dram_efficiency),
                                              traffic.l2_read_bytes / truth.l2_bytes_per_second);
  Measurement measurement{.tier = Tier::counters};
  measurement.verification = {.passed = true};
  measurement.timing = {.median_seconds = seconds,
                        .low_seconds = seconds,
                        .high_seconds = seconds,
                        .minimum_seconds = seconds,
                        .samples = 10,
                        .l2_state = "cold"};
  measurement.counters = {.dram_read_bytes = traffic.dram_read_bytes,
                          .dram_write_bytes = traffic.dram_write_bytes,
                          .l2_read_bytes = traffic.l2_read_bytes,
                          .repeats = 3,
                          .dram_read_spread = 0.004};
  measurement.provenance = {.gpu_name = truth.device_names.front(),
                            .gpu_uuid = "GPU-made-up",
                            .compute_capability = truth.compute_capability,
                            .sm_count = truth.sm_count,
                            .l2_bytes = truth.l2_bytes,
                            .driver_version = "580.1",
                            .compiler_version = "NVRTC 13.0",
                            .weir_version = "0.1.0",
                            .date = "2026-01-02T03:04:05Z",
                            .policy = "made up"};
  return {.kernel = probe.kernel,
          .source_hash = "0123456789abcdef0123456789abcdef",
          .problem = to_string(problem),
          .config = to_string(config),
          .outcome = Outcome::measured,
          .is_default = true,
          .profile = truth.name,
          .measurement = std::move(measurement)};
}

TEST(Probe, WritesAProfileWithTheParametersOfTheRecordedGpu) {
  const TemporaryFolder folder;
  const DeviceProfile base = find_profile(kSource / "profiles/gpus", "rtx-4090").value();
  DeviceProfile truth = base;
  truth.l2_survival_width = 0.1;
  truth.l2_dirty_fraction = 0.3;
  truth.dram_efficiency = 0.8;
  std::vector<Record> rows;
  for (const ProbeProblem& probe : probe_plan(base)) rows.push_back(row_of(probe, truth));
  {
    Result<Store> store = Store::open(folder / "recorded.weir", Store::Mode::create_or_open);
    ASSERT_TRUE(store.ok()) << to_string(store.error());
    const Status written = store->write(rows);
    ASSERT_TRUE(written.ok()) << to_string(written.error());
  }
  const CommandResult result = testing_support::weir(
      folder.path(), {"probe", "--replay", folder / "recorded.weir", "--db", folder / "probe.weir", "--out",
                      folder / "probed.yaml", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto out = nlohmann::json::parse(result.out);
  EXPECT_EQ(out["gpu_uuid"], "GPU-made-up");
  EXPECT_NEAR(out["values"]["l2_dirty_fraction"]["value"], 0.3, 0.005);
  EXPECT_NEAR(out["largest_count_spread"], 0.004, 1e-9);

  const Result<DeviceProfile> probed = load_profile(folder / "probed.yaml");
  ASSERT_TRUE(probed.ok()) << to_string(probed.error());
  EXPECT_NEAR(probed->l2_survival_width, 0.1, 0.01);
  EXPECT_NEAR(probed->dram_efficiency, 0.8, 1e-3);
  EXPECT_EQ(probed->sm_count, base.sm_count);
  const Source& source = probed->sources.at("dram_efficiency");
  ASSERT_TRUE(source.calibrated.has_value());
  EXPECT_EQ(source.calibrated->driver, "580.1");
  EXPECT_THAT(source.text, testing::HasSubstr("GPU-made-up"));
}

TEST(Probe, ARecordingWithoutTheMicrobenchmarksIsAClearError) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(
      folder.path(), {"probe", "--replay", testing_support::recorded_file(), "--db", folder / "probe.weir"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, testing::HasSubstr("the recording has no memory_probe"));
}

}  // namespace
}  // namespace weir
