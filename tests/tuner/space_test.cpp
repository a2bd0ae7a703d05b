#include "tuner/space.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

class SampleOfASpace : public testing::Test {
 protected:
  SampleOfASpace()
      : profile_(*load_profile(WEIR_SOURCE_DIR "/profiles/gpus/h100-sxm5-80gb.yaml")),
        definition_(test::parse_or_stop(test::gemm_yaml())),
        problem_(test::problem_or_stop(definition_, "m=512,n=512,k=512")) {}

  Space explored(std::size_t sample, std::uint64_t seed) {
    ExploreOptions options;
    options.predict.fidelity = Fidelity::bounds;
    options.sample = sample;
    options.seed = seed;
    Result<Space> space = explore(definition_, problem_, profile_, test::h100(), options);
    EXPECT_TRUE(space.ok());
    return std::move(space).value();
  }
  static std::set<std::string> texts(const Space& space) {
    std::set<std::string> texts;
    for (const RankedConfig& each : space.ranked) texts.insert(to_string(each.config));
    return texts;
  }

  DeviceProfile profile_;
  KernelDefinition definition_;
  Problem problem_;
};

TEST_F(SampleOfASpace, HasAsManyLegalCandidatesAsWereAskedFor) {
  const Space whole = explored(0, 1);
  ASSERT_GT(whole.ranked.size(), 40u);
  const std::set<std::string> all = texts(whole);
  for (const std::size_t count : {1u, 7u, 40u}) {
    const Space sample = explored(count, 1);
    EXPECT_EQ(sample.ranked.size(), count);
    for (const std::string& text : texts(sample)) EXPECT_TRUE(all.contains(text)) << text;
    EXPECT_LE(sample.rejected.size(), whole.rejected.size());
  }
  EXPECT_EQ(texts(explored(whole.ranked.size() + 1, 1)), all);
}

TEST_F(SampleOfASpace, HoldsTheDefaultAndFollowsItsSeed) {
  const Space one = explored(1, 3);
  ASSERT_EQ(one.ranked.size(), 1u);
  EXPECT_TRUE(one.ranked[0].is_default);
  EXPECT_EQ(texts(explored(12, 3)), texts(explored(12, 3)));
  EXPECT_NE(texts(explored(12, 3)), texts(explored(12, 4)));
}

RejectedConfig rejected(const std::string& variant, const std::string& reason) {
  RejectedConfig each;
  each.config.variant = variant;
  each.reason = reason;
  return each;
}

TEST(SampleRejections, KeepsTheFirstOfEachReasonAndSaysHowManyMoreThereAre) {
  const std::vector<RejectedConfig> all = {rejected("a", "too large"), rejected("b", "odd"),
                                           rejected("c", "too large"), rejected("d", "too large"),
                                           rejected("e", "too large"), rejected("f", "odd")};
  const std::vector<RejectedConfig> sample = sample_rejections(all, 2);
  ASSERT_EQ(sample.size(), 4u);
  EXPECT_EQ(sample[0].config.variant, "a");
  EXPECT_EQ(sample[0].reason, "too large");
  EXPECT_EQ(sample[1].config.variant, "b");
  EXPECT_EQ(sample[2].config.variant, "c");
  EXPECT_EQ(sample[2].reason, "too large (and 2 configurations more)");
  EXPECT_EQ(sample[3].config.variant, "f");
  EXPECT_EQ(sample[3].reason, "odd");
}

TEST(SampleRejections, OfFewIsAll) {
  EXPECT_EQ(sample_rejections({rejected("a", "x"), rejected("b", "x")}, 5).size(), 2u);
  EXPECT_TRUE(sample_rejections({}, 5).empty());
}

}  // namespace
}  // namespace weir
