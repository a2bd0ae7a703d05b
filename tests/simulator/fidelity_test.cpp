// The fidelities against one another, on random programs (random_programs.h).
//
// `cache` and `line` share the order of accesses and the law of capacities, and no code: cells against lines,
// one weighted stack against two partitions of sets, expected values against what happens.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "tests/simulator/definitions.h"
#include "tests/simulator/random_programs.h"

namespace weir {
namespace {

using namespace testing_definitions;

constexpr double kClear = 0.01;    // footprints up to 0.8 and from 2 times the capacity
constexpr double kBetween = 0.05;  // and between
constexpr double kOrderAlone = 0.02;

struct Case {
  random_programs::Program program;
  DeviceProfile profile = profile_of("h100-sxm5-80gb");
  Candidate candidate;

  explicit Case(std::uint64_t seed) : Case(random_programs::make(seed)) {}
  explicit Case(random_programs::Program made) : program(std::move(made)) {
    profile.l2_bytes = program.l2_bytes;
    const auto resolved = random_programs::resolve(program, profile);
    if (!resolved.ok()) throw std::runtime_error(to_string(resolved.error()));
    candidate = *resolved;
  }
  Prediction at(Fidelity fidelity) const {
    const auto prediction = predict(profile, candidate, {.fidelity = fidelity});
    if (!prediction.ok()) throw std::runtime_error(to_string(prediction.error()));
    return *prediction;
  }
  // Tensors' bytes over the L2's.
  double footprint() const {
    double bytes = 0;
    for (const TensorLayout& tensor : candidate.tensors)
      bytes += static_cast<double>(element_count(tensor) * bytes_of(tensor.element));
    return bytes / static_cast<double>(profile.l2_bytes);
  }
};

double bytes_of_dram(const Prediction& p) {
  return p.traffic.dram_read_bytes + p.traffic.dram_write_bytes;
}

// Of DRAM bytes, at least the compulsory ones: writes that have only just begun are not judged alone.
double difference(const Prediction& a, const Prediction& b) {
  return std::abs(bytes_of_dram(a) - bytes_of_dram(b)) /
         std::max({bytes_of_dram(b), b.bounds.compulsory_bytes, 1e6});
}

// Programs whose reuse ends within the law's width can differ by more than the bounds: cells do not know how
// much of a line's space is empty, and expect what single copies do.
TEST(Fidelity, CellsAgreeWithLinesOnNineInTenRandomPrograms) {
  std::vector<double> all;
  int inside = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Case c(seed);
    const Prediction cache = c.at(Fidelity::cache), line = c.at(Fidelity::line);
    EXPECT_EQ(line.fidelity, "line");
    EXPECT_EQ(cache.traffic.l2_read_bytes, line.traffic.l2_read_bytes);
    const bool clear = c.footprint() <= 0.8 || c.footprint() >= 2;
    all.push_back(difference(cache, line));
    inside += all.back() <= (clear ? kClear : kBetween);
  }
  std::ranges::sort(all);
  EXPECT_LT(all[all.size() / 2], 0.002);
  EXPECT_LT(all.back(), 0.15);
  EXPECT_GE(inside, 54);
}

TEST(Fidelity, TheFastModeIsWithinThreePercentOfCellsInTheMedian) {
  std::vector<double> all;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    const Case c(seed);
    all.push_back(difference(c.at(Fidelity::fast), c.at(Fidelity::cache)));
  }
  std::ranges::sort(all);
  EXPECT_LT(all[all.size() / 2], 0.03);
  EXPECT_LT(all[all.size() * 9 / 10], 0.15);
}

// The fast mode walks a few waves of so long a launch: they must be like the others. (One wave counted alone
// is 7% off.)
TEST(Fidelity, TheFastModeReadsWithinFivePercentOfCellsInTheMedianOfGemmTilings) {
  const DeviceProfile profile = profile_of("h100-sxm5-80gb");
  const KernelDefinition definition = find_kernel(WEIR_SOURCE_DIR "/kernels", "gemm").value();
  const Problem problem = definition.problem("m=8192,n=8192,k=8192").value();
  std::vector<double> all;
  int legal = 0;
  for (const Config& config : definition.enumerate(limits_of(profile))) {
    if (config.variant != "mma_sync") continue;
    const Result<Candidate> candidate = definition.resolve(problem, config, limits_of(profile));
    if (!candidate || legal++ % 11 != 0) continue;
    const auto reads = [&](Fidelity fidelity) {
      return predict(profile, *candidate, {.fidelity = fidelity}).value().traffic.dram_read_bytes;
    };
    all.push_back(std::abs(reads(Fidelity::fast) / reads(Fidelity::cache) - 1));
  }
  ASSERT_GE(all.size(), 50U);
  std::ranges::sort(all);
  EXPECT_LT(all[all.size() / 2], 0.05);
}

TEST(Fidelity, NoneReadsLessThanWhatIsCompulsory) {
  EXPECT_TRUE(rc::check([] {
    const Case c(*rc::gen::arbitrary<std::uint64_t>());
    const double compulsory = c.at(Fidelity::bounds).bounds.compulsory_bytes;
    for (const Fidelity fidelity : {Fidelity::cache, Fidelity::line}) {
      const Prediction p = c.at(fidelity);
      RC_ASSERT(bytes_of_dram(p) + p.dirty_bytes >= compulsory * (1 - 1e-3));
    }
  }));
}

TEST(Fidelity, MoreL2NeverMeansMoreReads) {
  // Order feeds back: with fewer misses blocks drift differently. What order alone changes is allowed.
  EXPECT_TRUE(rc::check([] {
    Case c(*rc::gen::arbitrary<std::uint64_t>());
    double fewest = 0;
    for (const std::int64_t megabytes : {48, 24, 12, 6}) {
      c.profile.l2_bytes = megabytes << 20;
      const double reads = c.at(Fidelity::cache).traffic.dram_read_bytes;
      RC_ASSERT(reads >= fewest * (1 - kOrderAlone));
      fewest = std::max(fewest, reads);
    }
  }));
}

TEST(Fidelity, AnOrderOfIndependentWorkChangesNoRequestAndNoCompulsoryByte) {
  // Each block has data of its own, so that any order is as good: a permutation must not show.
  const auto permuted = [](std::int64_t factor) {
    random_programs::Program program{.kind = "permuted",
                                     .yaml = over_bytes(R"(
  - name: main
    entry: main
    grid: [1056]
    threads: 256
    arguments: [x, y]
    program:
      - let: {mine: item * FACTOR % 1056}
      - for: pass
        in: [0, 3]
        do:
          - for: part
            in: [0, 4]
            do:
              - {load: x, at: [(mine * 4 + part) * tile], extent: [tile]}
      - {store: y, at: [mine * 4 * tile], extent: [tile]}
)"),
                                     .problem = "bytes=" + std::to_string(1056 * 4 * 16384)};
    program.yaml.replace(program.yaml.find("FACTOR"), 6, std::to_string(factor));
    program.l2_bytes = 50 << 20;
    return program;
  };
  for (const Fidelity fidelity : {Fidelity::cache, Fidelity::line, Fidelity::fast}) {
    const Prediction in_order = Case(permuted(1)).at(fidelity);
    for (const std::int64_t factor : {5, 131, 625}) {
      const Prediction other = Case(permuted(factor)).at(fidelity);
      EXPECT_EQ(other.traffic.l2_read_bytes, in_order.traffic.l2_read_bytes);
      EXPECT_NEAR(other.traffic.dram_read_bytes, in_order.traffic.dram_read_bytes,
                  0.01 * in_order.traffic.dram_read_bytes);
      EXPECT_NEAR(other.bounds.compulsory_bytes, in_order.bounds.compulsory_bytes, 1);
    }
  }
}

}  // namespace
}  // namespace weir
