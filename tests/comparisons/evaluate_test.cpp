#include "comparisons/evaluate.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/store/sample_records.h"

namespace weir::comparison {
namespace {

constexpr const char* kGpu = "NVIDIA H100 80GB HBM3";
constexpr double kMebibyte = 1048576;

// Two copies, one after the other, beside one; and one that is too large to be measured.
const std::string kCopies =
    "workload: copies\n"
    "rows:\n"
    "  - series: twice\n"
    "    x: 2\n"
    "    per: 2\n"
    "    parts:\n"
    "      - {kernel: stream_copy, problem: \"bytes=1048576\", as: {y: x2}}\n"
    "      - {kernel: stream_copy, problem: \"bytes=2097152\", as: {x: x2, y: z}}\n"
    "  - series: chosen\n"
    "    parts: [{kernel: stream_copy, problem: \"bytes=1048576\", configs: [\"vectors=1\", "
    "\"vectors=2\"]}]\n"
    "  - series: large\n"
    "    measure: false\n"
    "    parts: [{kernel: stream_copy, problem: \"bytes=4194304\", configs: [\"vectors=1\"]}]\n"
    "tables:\n"
    "  - {name: all, title: All, columns: [sram, l2, dram, time, memory]}\n";

Record copied(const std::string& bytes, const std::string& config, double seconds, double dram_bytes,
              const std::string& date) {
  Record record;
  record.kernel = "stream_copy";
  record.source_hash = "0";
  record.problem = "bytes=" + bytes;
  record.config = config;
  record.outcome = Outcome::measured;
  record.profile = "h100-sxm5-80gb";
  record.prediction = sample_prediction(2 * seconds);
  Measurement measurement;
  measurement.tier = Tier::counters;
  measurement.verification.passed = true;
  measurement.timing = {.median_seconds = seconds,
                        .low_seconds = seconds,
                        .high_seconds = seconds,
                        .minimum_seconds = seconds,
                        .samples = 10,
                        .l2_state = "cold"};
  measurement.counters.dram_read_bytes = dram_bytes;
  measurement.counters.l2_read_bytes = 3 * dram_bytes;
  measurement.counters.repeats = 1;
  measurement.provenance = sample_provenance();
  measurement.provenance.gpu_name = kGpu;
  measurement.provenance.date = date;
  measurement.provenance.driver_version = date;  // rows of other drivers stand beside each other
  record.measurement = measurement;
  return record;
}

std::string config(int vectors) {
  return "threads=256,vectors=" + std::to_string(vectors) + ",blocks_per_sm=0";
}

class Evaluate : public testing::Test {
 protected:
  Comparison load(const std::string& text) {
    std::ofstream(folder_ / "comparison.yaml") << text;
    Result<Comparison> comparison = load_comparison(folder_ / "comparison.yaml");
    if (!comparison) throw std::runtime_error(to_string(comparison.error()));
    return std::move(*comparison);
  }

  Sources sources(const std::vector<Record>& records, const std::vector<std::string>& gpus) {
    Sources sources{WEIR_SOURCE_DIR "/kernels", WEIR_SOURCE_DIR "/profiles/calibrations", {}, {}, gpus, {}};
    sources.profiles = load_all_profiles(WEIR_SOURCE_DIR "/profiles/gpus").value();
    if (records.empty()) return sources;
    Store store = Store::open(folder_ / "rows.weir", Store::Mode::create_or_open).value();
    const Status written = store.write(records);
    if (!written) throw std::runtime_error(to_string(written.error()));
    sources.stores.push_back(std::move(store));
    return sources;
  }

  TemporaryFolder folder_;
};

TEST_F(Evaluate, ARowIsTheSumOfItsPartsOverItsDivisor) {
  const Comparison copies = load(kCopies);
  const auto devices = evaluate(copies, sources({copied("1048576", config(4), 10e-6, 1e6, "2026-01-01"),
                                                 copied("2097152", config(4), 30e-6, 5e6, "2026-01-01")},
                                                {}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  ASSERT_EQ(devices->size(), 1u);
  EXPECT_EQ((*devices)[0].profile, "h100-sxm5-80gb");
  EXPECT_TRUE((*devices)[0].has_measurements());
  const RowResult& twice = (*devices)[0].rows[0];
  EXPECT_DOUBLE_EQ(twice.measured.at(Quantity::time), 20e-6);
  EXPECT_DOUBLE_EQ(twice.measured.at(Quantity::dram), 3e6);
  EXPECT_DOUBLE_EQ(twice.measured.at(Quantity::l2), 9e6);
  EXPECT_DOUBLE_EQ(twice.predicted.at(Quantity::time), 40e-6) << "the stored predictions'";
  // x, what both parts have, and z: the larger of both parts' x2.
  EXPECT_DOUBLE_EQ(twice.predicted.at(Quantity::memory), (1 + 2 + 2) * kMebibyte / 2);
  EXPECT_TRUE((*devices)[0].rows[2].measured.empty());
  EXPECT_DOUBLE_EQ((*devices)[0].rows[2].predicted.at(Quantity::sram), 2 * 4 * kMebibyte);
}

TEST_F(Evaluate, TheFastestNamedConfigurationStandsAndOfEachTheLatestRow) {
  const Comparison copies = load(kCopies);
  const auto devices =
      evaluate(copies, sources({copied("1048576", config(8), 1e-6, 1e6, "2026-01-01"),  // not named
                                copied("1048576", config(1), 2e-6, 1e6, "2026-01-01"),  // superseded
                                copied("1048576", config(1), 9e-6, 1e6, "2026-02-01"),
                                copied("1048576", config(2), 7e-6, 2e6, "2026-01-01")},
                               {}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  EXPECT_DOUBLE_EQ((*devices)[0].rows[1].measured.at(Quantity::time), 7e-6);
  EXPECT_DOUBLE_EQ((*devices)[0].rows[1].measured.at(Quantity::dram), 2e6);
}

TEST_F(Evaluate, ARowOfWhichAPartIsMissingIsNotMeasured) {
  const Comparison copies = load(kCopies);
  const auto devices =
      evaluate(copies, sources({copied("1048576", config(1), 10e-6, 1e6, "2026-01-01")}, {}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  ASSERT_EQ(devices->size(), 1u);
  EXPECT_TRUE((*devices)[0].rows[0].measured.empty());
  EXPECT_GT((*devices)[0].rows[0].predicted.at(Quantity::time), 5e-6);
  EXPECT_FALSE((*devices)[0].rows[1].measured.empty());
}

TEST_F(Evaluate, AGpuOfWhichNoRowIsCompleteIsLeftOut) {
  const Comparison copies = load(kCopies);
  const auto devices =
      evaluate(copies, sources({copied("2097152", config(4), 10e-6, 1e6, "2026-01-01")}, {}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  EXPECT_TRUE(devices->empty());
}

TEST_F(Evaluate, RowsWithoutCountersHaveATimeAlone) {
  const Comparison copies = load(kCopies);
  Record timed = copied("1048576", config(1), 10e-6, 1e6, "2026-01-01");
  timed.measurement->tier = Tier::events;
  timed.measurement->tier_reason = "no permission";
  timed.measurement->counters = {};
  const auto devices = evaluate(copies, sources({timed}, {}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  EXPECT_TRUE((*devices)[0].rows[1].measured.contains(Quantity::time));
  EXPECT_FALSE((*devices)[0].rows[1].measured.contains(Quantity::dram));
}

TEST_F(Evaluate, OtherGpusArePredictedAndSayWhatIsNotCalibrated) {
  const Comparison copies = load(kCopies);
  const auto devices = evaluate(copies, sources({copied("1048576", config(1), 10e-6, 1e6, "2026-01-01")},
                                                {"a100-sxm4-40gb", "h100-sxm5-80gb"}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  ASSERT_EQ(devices->size(), 2u) << "the H100 of the store is not there twice";
  EXPECT_EQ((*devices)[1].profile, "a100-sxm4-40gb");
  EXPECT_FALSE((*devices)[1].calibrated);
  EXPECT_FALSE((*devices)[1].calibration_note.empty());
  EXPECT_FALSE((*devices)[1].has_measurements());
  EXPECT_GT((*devices)[1].rows[0].predicted.at(Quantity::dram), 0);
  EXPECT_EQ(evaluate(copies, sources({}, {"no-such-gpu"})).error().kind, ErrorKind::usage);
  EXPECT_TRUE(evaluate(copies, sources({}, {})).value().empty());
}

TEST_F(Evaluate, AnIllegalPartHasAReasonInsteadOfNumbers) {
  const Comparison wide = load(
      "rows: [{series: wide, parts: [{kernel: stream_copy, problem: \"bytes=1024\", "
      "configs: [\"threads=1024,blocks_per_sm=16\"]}]}]\n"
      "tables: [{name: all, columns: [time]}]\n");
  const auto devices = evaluate(wide, sources({}, {"h100-sxm5-80gb"}));
  ASSERT_TRUE(devices.ok()) << to_string(devices.error());
  EXPECT_TRUE((*devices)[0].rows[0].predicted.empty());
  EXPECT_NE((*devices)[0].rows[0].reason.find("resident"), std::string::npos);
}

TEST_F(Evaluate, ErrorsOfTablesNameWhatIsPossible) {
  const auto error = [&](const std::string& tables) {
    std::ofstream(folder_ / "broken.yaml")
        << "rows: [{series: a, group: g, parts: [{kernel: stream_copy, problem: \"bytes=16\"}]}]\ntables: "
        << tables << "\n";
    const auto comparison = load_comparison(folder_ / "broken.yaml");
    return comparison ? "no error" : comparison.error().message;
  };
  EXPECT_NE(error("[{name: t, columns: [speed]}]").find("expected one of flops, executed, sram"),
            std::string::npos);
  EXPECT_NE(error("[{name: t, columns: [time], layout: round}]").find("rows, series"), std::string::npos);
  EXPECT_NE(error("[{name: t, columns: [time], group: h}]").find("no row has the group 'h'"),
            std::string::npos);
  EXPECT_NE(error("[{name: t}]").find("a name and columns"), std::string::npos);
  EXPECT_NE(error("[]").find("expected tables"), std::string::npos);
  EXPECT_EQ(error("[{name: t, columns: [time], group: g}]"), "no error");
}

}  // namespace
}  // namespace weir::comparison
