// Every configuration of a space, and those that no restriction rejects.
#include <gtest/gtest.h>

#include <set>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

using test::replaced;

std::vector<std::string> texts_of(const std::vector<Config>& configs) {
  std::vector<std::string> texts;
  for (const Config& config : configs) texts.push_back(to_string(config));
  return texts;
}

// Asked one by one.
std::vector<std::string> accepted(const KernelDefinition& definition, const Problem& problem,
                                  const DeviceLimits& device) {
  std::vector<std::string> texts;
  for (const Config& config : definition.enumerate(device)) {
    if (definition.resolve(problem, config, device)) texts.push_back(to_string(config));
  }
  return texts;
}

void expect_the_accepted(const KernelDefinition& definition, const std::string& problem_text,
                         const DeviceLimits& device, bool any = true) {
  const Problem problem = test::problem_or_stop(definition, problem_text);
  const Result<std::vector<Config>> found = definition.enumerate(problem, device);
  ASSERT_TRUE(found.ok()) << to_string(found.error());
  EXPECT_EQ(!found->empty(), any);
  EXPECT_EQ(texts_of(*found), accepted(definition, problem, device)) << problem_text;
}

TEST(Enumerate, CountsTheLastTunableFastest) {
  const auto texts = texts_of(test::parse_or_stop(test::gemm_yaml()).enumerate(test::h100()));
  ASSERT_GE(texts.size(), 5u);
  const std::string tile = "tile_m=64,tile_n=64,tile_k=32,";
  EXPECT_EQ(texts[0], tile + "stages=2,group_m=1");
  EXPECT_EQ(texts[1], tile + "stages=2,group_m=4");
  EXPECT_EQ(texts[4], tile + "stages=3,group_m=1");
}

TEST(Enumerate, HasEveryCombinationOnce) {
  const KernelDefinition definition = test::parse_or_stop(test::gemm_yaml());
  std::set<std::string> texts;
  for (const Config& config : definition.enumerate(test::h100())) {
    texts.insert(to_string(config));
    EXPECT_EQ(*definition.config(to_string(config), false), config);
  }
  EXPECT_EQ(texts.size(), 3u * 3 * 2 * 3 * 4);
}

TEST(EnumerateLegal, AreWhatResolveAcceptsInTheSameOrder) {
  DeviceLimits small = test::h100();
  small.shared_bytes_per_block = 64 * 1024;
  for (const DeviceLimits& device : {test::h100(), small})
    expect_the_accepted(test::parse_or_stop(test::gemm_yaml()), "m=256,n=256,k=256", device);
}

// Of the first, a middle and the last tunable, of none, and through a let and a tensor's bytes.
TEST(EnumerateLegal, RestrictionsMayDependOnAnyTunables) {
  for (const char* require :
       {"tile_m != 128", "tile_k == 64", "group_m > 1", "tile_m == tile_n && stages != 3",
        "tiles_n * group_m <= 8", "c.bytes / tile_m < 1500", "device.sm_count > 100"}) {
    const std::string rule = std::string("  - {require: '") + require + "', reason: test}\n";
    expect_the_accepted(
        test::parse_or_stop(replaced(test::gemm_yaml(), "restrictions:\n", "restrictions:\n" + rule)),
        "m=300,n=512,k=256", test::h100());
  }
  expect_the_accepted(test::parse_or_stop(replaced(test::gemm_yaml(), "restrictions:\n",
                                                   "restrictions:\n  - {require: m < 0, reason: test}\n")),
                      "m=300,n=512,k=256", test::h100(), false);
}

// What cannot be evaluated rejects nothing by itself.
TEST(EnumerateLegal, RestrictionsGuardBrokenLets) {
  std::string yaml = replaced(test::gemm_yaml(), "  tiles_n: ceil_div(n, tile_n)",
                              "  tiles_n: n / (tile_n - 128) + 100\n  more: tiles_n + 1");
  yaml = replaced(yaml, "restrictions:\n",
                  "restrictions:\n  - {require: more % 2 == 1 && stages > 2, reason: needs what is broken}\n"
                  "  - {require: tile_n != 128, reason: no such tile}\n");
  expect_the_accepted(test::parse_or_stop(yaml), "m=256,n=256,k=256", test::h100());
}

TEST(EnumerateLegal, OfShippedKernelsAreWhatResolveAccepts) {
  const struct {
    const char *kernel, *problem;
  } cases[] = {{"stream_copy", "bytes=1048576"},
               {"attention_forward", "heads_q=4,heads_kv=2,seq_q=1000,head_dim=64,causal=true"},
               {"attention_backward", "heads_q=4,seq_q=1000,head_dim=128"},
               {"attention_standard", "heads_q=4,seq_q=1000,head_dim=96"}};
  for (const auto& [kernel, problem] : cases) {
    const Result<KernelDefinition> definition = find_kernel(WEIR_SOURCE_DIR "/kernels", kernel);
    ASSERT_TRUE(definition.ok()) << to_string(definition.error());
    for (const DeviceLimits& device : {test::h100(), test::a100()})
      expect_the_accepted(*definition, problem, device);
  }
}

TEST(EnumerateLegal, AProblemThatLacksAParameterIsAnError) {
  const auto found = test::parse_or_stop(test::gemm_yaml()).enumerate(Problem{}, test::h100());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace weir
