#include "runtime/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/store/sample_work.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CatalogTest : public testing::Test {
 protected:
  Catalog catalog(const StoredDevice& device = sample_device()) {
    must(ship(sample_work(folder_ / "work.weir"), folder_ / "ship.weir"));
    return must(Catalog::open(folder_ / "ship.weir", device));
  }
  TemporaryFolder folder_;
};

TEST_F(CatalogTest, ATunedProblemIsAnExactMatch) {
  const Catalog all = catalog();
  const Pick small = all.pick("scale", "n=1000");
  EXPECT_EQ(small.match, Match::exact) << small.reason;
  EXPECT_EQ(small.config, "tile=256,variant=plain");
  EXPECT_EQ(small.problem, kSmall);
  EXPECT_EQ(small.median_seconds, 1e-6);
  EXPECT_EQ(small.candidate->launches[0].grid, (std::array<std::int64_t, 3>{4, 1, 1}));
  EXPECT_EQ(small.cubin->front(), 256 / 8);
  EXPECT_EQ(all.pick("scale", "n=100000,wide=false").config, "tile=1024,variant=plain");
  EXPECT_THAT(all.kernels(), ElementsAre("scale"));
}

TEST_F(CatalogTest, AnUntunedProblemGetsTheSafeDefaultResolvedForIt) {
  const Pick pick = catalog().pick("scale", "n=12345");
  EXPECT_EQ(pick.match, Match::safe_default);
  EXPECT_EQ(pick.config, "tile=128,variant=plain");
  EXPECT_EQ(pick.candidate->launches[0].grid[0], (12345 + 127) / 128);
  EXPECT_EQ(pick.candidate->tensors[0].shape, std::vector<std::int64_t>{12345});
  EXPECT_EQ(pick.median_seconds, 0);
  EXPECT_THAT(pick.reason, HasSubstr("not tuned"));
}

TEST_F(CatalogTest, AProblemWhoseCompileTimeParametersWereNotCompiledIsAMiss) {
  const Pick pick = catalog().pick("scale", "n=1000,wide=true");
  EXPECT_EQ(pick.match, Match::none);
  EXPECT_THAT(pick.reason, HasSubstr("no compiled module"));
  EXPECT_FALSE(pick.candidate);
}

TEST_F(CatalogTest, WhatIsNotAProblemOrAKernelIsAMissThatSaysWhy) {
  const Catalog all = catalog();
  for (const char* text :
       {"", "n=0", "n=x", "m=1", "n=1000,wide=perhaps", "n==", ",,,", "n=99999999999999999999"}) {
    const Pick pick = all.pick("scale", text);
    EXPECT_EQ(pick.match, Match::none) << text;
    EXPECT_NE(pick.reason, "");
  }
  EXPECT_THAT(all.pick("gemm", "n=1").reason, HasSubstr("no kernel 'gemm'"));
}

TEST_F(CatalogTest, AGridBeyondTheHardwareIsNotReturned) {
  EXPECT_EQ(catalog().pick("scale", "n=999999999999999").match, Match::none);
}

TEST_F(CatalogTest, AProblemOfSimilarSizeGetsItsNeighboursConfiguration) {
  const Catalog all = catalog();
  const Pick pick = all.pick("scale", "n=1500");
  EXPECT_EQ(pick.match, Match::near_problem);
  EXPECT_EQ(pick.config, "tile=256,variant=plain");
  EXPECT_EQ(pick.problem, "n=1500,wide=false");
  EXPECT_EQ(pick.candidate->launches[0].grid[0], (1500 + 255) / 256) << "resolved for what was asked";
  EXPECT_EQ(pick.median_seconds, 0) << "nobody measured this problem";
  EXPECT_THAT(pick.reason, HasSubstr("n=1000,wide=false, 0.6 doublings away"));
  EXPECT_EQ(all.pick("scale", "n=40000").config, "tile=1024,variant=plain");
}

TEST_F(CatalogTest, ANeighboursConfigurationThatDoesNotFitIsPassedOver) {
  StoredDevice small = sample_device();
  small.limits.shared_bytes_per_block = 512 * 8;
  const Catalog all = catalog(small);
  EXPECT_EQ(all.pick("scale", "n=1500").config, "tile=256,variant=plain");
  const Pick large = all.pick("scale", "n=40000");
  EXPECT_EQ(large.match, Match::safe_default) << "the only neighbour's tile is too large: " << large.config;
}

TEST_F(CatalogTest, AnotherModelOfTheArchitectureGetsWhatWasTunedElsewhere) {
  StoredDevice other = sample_device();
  other.gpu_name = "NVIDIA H200";
  const Catalog all = catalog(other);
  const Pick pick = all.pick("scale", "n=1000");
  EXPECT_EQ(pick.match, Match::near_device);
  EXPECT_EQ(pick.config, "tile=256,variant=plain");
  EXPECT_EQ(pick.median_seconds, 0);
  EXPECT_THAT(pick.reason, HasSubstr("not tuned on NVIDIA H200"));
  EXPECT_THAT(pick.reason, HasSubstr("on NVIDIA H100 80GB HBM3 for it"));
  EXPECT_EQ(all.pick("scale", "n=900").match, Match::near_device);
  EXPECT_EQ(all.pick("scale", "n=12345").match, Match::safe_default);
}

TEST_F(CatalogTest, AnotherArchitectureGetsNothing) {
  StoredDevice other = sample_device();
  other.gpu_name = "NVIDIA A100";
  other.limits.compute_capability = 80;
  EXPECT_EQ(catalog(other).pick("scale", "n=1000").match, Match::none);
}

TEST_F(CatalogTest, ADeviceThatIsSmallerThanItsNameSaysGetsNothingThatDoesNotFit) {
  StoredDevice small = sample_device();
  small.limits.shared_bytes_per_block = 128 * 8;  // room for the default alone
  const Catalog all = catalog(small);
  const Pick pick = all.pick("scale", "n=1000");
  EXPECT_EQ(pick.match, Match::safe_default);
  EXPECT_THAT(pick.reason, HasSubstr("tile does not fit"));
  small.limits.shared_bytes_per_block = 100;
  EXPECT_EQ(catalog(small).pick("scale", "n=1000").match, Match::none);
}

TEST_F(CatalogTest, AWorkFileIsNotServed) {
  sample_work(folder_ / "work.weir");
  EXPECT_EQ(Catalog::open(folder_ / "work.weir", sample_device()).error().kind, ErrorKind::usage);
  EXPECT_EQ(Catalog::open(folder_ / "none.weir", sample_device()).error().kind, ErrorKind::missing);
}

TEST_F(CatalogTest, AFileOfOneGpuNamesIt) {
  catalog();
  EXPECT_EQ(must(only_device(folder_ / "ship.weir")), sample_device());
}

}  // namespace
}  // namespace weir
