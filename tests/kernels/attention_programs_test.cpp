// The block programs of attention_decode and attention_standard move the bytes that a person computes: what
// each query sees is written down once more here, key by key.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/kernels/gemm_definition.h"
#include "tests/kernels/program_walk.h"

namespace weir {
namespace {

using test::bytes_moved;
using Tables = std::map<std::string, std::vector<std::int64_t>>;

struct Case {
  std::string problem, config;
  Tables tables = {};
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.problem << " with " << test.config;
}

Candidate candidate_of(const std::string& kernel, const Case& test) {
  const auto definition = find_kernel(std::filesystem::path(WEIR_SOURCE_DIR) / "kernels", kernel);
  if (!definition) throw std::runtime_error(to_string(definition.error()));
  const auto problem = definition->problem(test.problem, test.tables);
  if (!problem) throw std::runtime_error(to_string(problem.error()));
  const auto candidate =
      definition->resolve(*problem, test::config_or_stop(*definition, test.config), test::h100());
  if (!candidate) throw std::runtime_error(to_string(candidate.error()));
  return *candidate;
}

const Launch& launch_of(const Candidate& candidate, const std::string& name) {
  for (const Launch& launch : candidate.launches) {
    if (launch.name == name) return launch;
  }
  throw std::runtime_error("no launch " + name);
}

std::int64_t rounded_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// The problem and the tiling, by name.
class Numbers {
 public:
  explicit Numbers(const Candidate& candidate) : candidate_(candidate) {}

  std::int64_t operator()(const char* name) const {
    const NamedValue* value = find(candidate_.problem.values, name);
    return value != nullptr ? value->value : value_of(candidate_.config.values, name);
  }

  std::int64_t table(const std::string& name, std::int64_t index) const {
    return candidate_.problem.tables.at(name).at(static_cast<std::size_t>(index));
  }

  std::int64_t queries(std::int64_t batch) const {
    const Numbers& n = *this;
    return n("packed") != 0 ? table("cu_seq_q", batch + 1) - table("cu_seq_q", batch) : n("seq_q");
  }

  std::int64_t keys(std::int64_t batch) const {
    const Numbers& n = *this;
    if (n("packed") != 0) return table("cu_seq_kv", batch + 1) - table("cu_seq_kv", batch);
    if (find(candidate_.problem.values, "ragged") != nullptr && n("ragged") != 0)
      return table("seq_lens", batch);
    return n("seq_kv");
  }

  bool sees(std::int64_t batch, std::int64_t query, std::int64_t key) const {
    const Numbers& n = *this;
    const std::int64_t distance = key - query - (keys(batch) - queries(batch));
    if (n("causal") != 0 && distance > 0) return false;
    if (n("windowed") == 0) return true;
    return (n("window_left") < 0 || -distance <= n("window_left")) &&
           (n("window_right") < 0 || distance <= n("window_right"));
  }

 private:
  const Candidate& candidate_;
};

class AttentionDecode : public testing::TestWithParam<Case> {};

// A tile of rows loads the key tiles between the first and the last key that one of its rows sees, whatever
// the parts; each part that has keys loads the rows and leaves a result for each, if there are others.
TEST_P(AttentionDecode, MovesTheBytesOfTheFormula) {
  const Candidate candidate = candidate_of("attention_decode", GetParam());
  const Numbers n(candidate);
  const std::int64_t group = n("heads_q") / n("heads_kv");
  const std::int64_t tile_keys = n("warps") / n("warps_rows") * n("keys_per_warp");
  const std::int64_t row_bytes = n("head_dim") * 2;
  const std::int64_t parts = n("splits");
  const bool fused = n("fused") != 0;
  ASSERT_GT(parts, 0) << "a case names its parts";

  std::int64_t loaded_keys = 0, loaded_rows = 0, rows = 0, part_rows = 0, arrivals = 0;
  for (std::int64_t batch = 0; batch < n("batch"); ++batch) {
    const std::int64_t end = group * n.queries(batch);
    rows += end * n("heads_kv");
    for (std::int64_t first = 0; first < end; first += n("tile_rows")) {
      std::set<std::int64_t> tiles;
      const std::int64_t last = std::min(first + n("tile_rows"), end);
      for (std::int64_t row = first; row < last; ++row) {
        for (std::int64_t key = 0; key < n.keys(batch); ++key) {
          if (n.sees(batch, row / group, key)) tiles.insert(key / tile_keys);
        }
      }
      for (const std::int64_t tile : tiles) {
        loaded_keys += std::min(tile_keys, n.keys(batch) - tile * tile_keys) * n("heads_kv");
      }
      const std::int64_t working_parts =
          std::max<std::int64_t>(1, std::min<std::int64_t>(parts, static_cast<std::int64_t>(tiles.size())));
      loaded_rows += working_parts * (last - first) * n("heads_kv");
      if (parts == 1 || (fused && working_parts == 1)) continue;
      part_rows += working_parts * (last - first) * n("heads_kv");
      arrivals += working_parts * n("heads_kv");
    }
  }

  const Launch& main = launch_of(candidate, "main");
  const auto bytes = [&](const Launch& launch, const char* tensor, AccessKind kind) {
    return bytes_moved(candidate, launch, tensor, kind);
  };
  EXPECT_EQ(bytes(main, "k", AccessKind::load), loaded_keys * row_bytes);
  EXPECT_EQ(bytes(main, "v", AccessKind::load), loaded_keys * row_bytes);
  EXPECT_EQ(bytes(main, "q", AccessKind::load), loaded_rows * row_bytes);
  EXPECT_EQ(bytes(main, "part_o", AccessKind::store), part_rows * n("head_dim") * 4);
  EXPECT_EQ(bytes(main, "done", AccessKind::reduce), fused ? arrivals * 4 : 0);
  EXPECT_EQ(candidate.launches.size(), parts == 1 || fused ? 1u : 2u);
  // The launch that gives the results.
  const Launch& last = candidate.launches.back();
  EXPECT_EQ(bytes(last, "o", AccessKind::store), rows * row_bytes);
  EXPECT_EQ(bytes(last, "lse", AccessKind::store), rows * 4);
  if (fused) {
    EXPECT_EQ(bytes(main, "part_lse", AccessKind::store), part_rows * 4);
    EXPECT_EQ(bytes(main, "part_o", AccessKind::load), part_rows * n("head_dim") * 4);
    EXPECT_EQ(bytes(main, "part_lse", AccessKind::load), part_rows * 4);
  } else if (parts > 1) {
    EXPECT_EQ(bytes(main, "o", AccessKind::store), 0);
    EXPECT_EQ(bytes(main, "part_lse", AccessKind::store), parts * rows * 4);
    if (n("packed") == 0) {
      EXPECT_EQ(bytes(last, "part_o", AccessKind::load), part_rows * n("head_dim") * 4);
    }
    EXPECT_EQ(bytes(last, "part_lse", AccessKind::load), parts * rows * 4);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionDecode,
    testing::Values(
        Case{"heads_q=32,heads_kv=8,seq_kv=4096,head_dim=128", "splits=16,warps=4,variant=split"},
        Case{"heads_q=32,heads_kv=8,seq_kv=4096,head_dim=128", "splits=16,warps=4,variant=fused"},
        // The last tile is a short one, whoever has it.
        Case{"heads_q=32,heads_kv=8,seq_kv=4033,head_dim=128",
             "splits=8,warps=4,variant=split,interleaved=true"},
        Case{"heads_q=32,heads_kv=8,seq_kv=4033,head_dim=128",
             "splits=8,warps=4,variant=fused,values_after=true"},
        Case{"batch=2,heads_q=32,heads_kv=8,seq_kv=1000,head_dim=128", "splits=1,variant=whole,warps=4"},
        Case{"heads_q=10,heads_kv=2,seq_q=7,seq_kv=333,head_dim=64,causal=true",
             "splits=4,warps=4,variant=split"},
        Case{"heads_q=10,heads_kv=2,seq_q=7,seq_kv=333,head_dim=64,causal=true",
             "splits=4,warps=4,variant=fused"},
        Case{"heads_q=10,heads_kv=2,seq_q=7,seq_kv=333,head_dim=64,causal=true,windowed=true,window_left=70",
             "splits=4,warps=4,tile_rows=32,variant=split"},
        Case{"heads_q=10,heads_kv=2,seq_q=7,seq_kv=333,head_dim=64,causal=true,windowed=true,window_left=70",
             "splits=4,warps=4,tile_rows=32,variant=fused"},
        Case{"heads_q=2,seq_q=40,seq_kv=20,head_dim=96,causal=true", "splits=1,variant=whole"},
        Case{"heads_q=2,seq_q=20,seq_kv=200,head_dim=64,windowed=true,window_left=3,window_right=40",
             "splits=2,variant=split"},
        Case{"heads_q=2,seq_q=20,seq_kv=200,head_dim=64,windowed=true,window_left=3,window_right=40",
             "splits=2,warps=2,variant=fused"}));

const Tables kRagged = {{"seq_lens", {300, 1, 0, 129}}};
const Tables kPacked = {{"cu_seq_q", {0, 5, 5, 7}}, {"cu_seq_kv", {0, 33, 133, 393}}};

INSTANTIATE_TEST_SUITE_P(
    Lengths, AttentionDecode,
    testing::Values(
        Case{"batch=4,heads_q=4,heads_kv=2,seq_q=2,seq_kv=300,head_dim=64,causal=true,ragged=true",
             "splits=4,warps=4,variant=split", kRagged},
        Case{"batch=4,heads_q=4,heads_kv=2,seq_q=2,seq_kv=300,head_dim=64,causal=true,ragged=true",
             "splits=4,warps=4,variant=fused", kRagged},
        Case{"batch=3,heads_q=4,heads_kv=2,seq_q=5,seq_kv=260,head_dim=64,causal=true,packed=true",
             "splits=4,variant=split", kPacked},
        Case{"batch=3,heads_q=4,heads_kv=2,seq_q=5,seq_kv=260,head_dim=64,causal=true,packed=true",
             "splits=4,variant=fused", kPacked},
        Case{"batch=2,heads_q=4,heads_kv=2,seq_kv=40,head_dim=128,page_size=7,ragged=true",
             "splits=1,variant=whole",
             {{"page_table", {11, 0, 9, 2, 4, 5, 3, 6, 7, 8, 1, 10}}, {"seq_lens", {40, 13}}}}));

// A page's keys are loaded from where the table says that it lies.
TEST(AttentionDecodePages, AreLoadedWhereTheTableSays) {
  const Candidate candidate =
      candidate_of("attention_decode", {"heads_q=1,seq_kv=70,head_dim=64,page_size=32,pages=9",
                                        "splits=1,variant=whole",
                                        {{"page_table", {7, 2, 5}}}});
  std::vector<std::vector<std::int64_t>> found;  // page, first key, keys
  test::ProgramWalk(candidate, candidate.launches[0]).walk([&](std::int64_t, const test::Box& box) {
    if (candidate.tensors[static_cast<std::size_t>(box.tensor)].name == "k") {
      found.push_back({box.start[0], box.start[1], box.extent[1]});
    }
  });
  EXPECT_EQ(found, (std::vector<std::vector<std::int64_t>>{{7, 0, 32}, {2, 0, 32}, {5, 0, 6}}));
}

TEST(AttentionDecodeSplits, FillTheDevice) {
  // 8 heads on 132 multiprocessors: 16 parts give 128 blocks, 33 parts 264.
  for (const auto& [splits, parts] : {std::pair{"-1", 16}, {"-2", 33}, {"-4", 66}}) {
    const Candidate candidate =
        candidate_of("attention_decode",
                     {"heads_q=32,heads_kv=8,seq_kv=16384,head_dim=128", std::string("splits=") + splits});
    EXPECT_EQ(candidate.launches[0].grid[0], 8 * parts);
  }
}

TEST(AttentionDecodeFused, HasOneLaunchAndAtLeastTwoParts) {
  const Candidate candidate = candidate_of(
      "attention_decode", {"heads_q=32,heads_kv=8,seq_kv=16384,head_dim=128", "variant=fused,splits=-1"});
  EXPECT_EQ(candidate.launches.size(), 1u);
  EXPECT_EQ(candidate.launches[0].grid[0], 8 * 16);
  // 512 tiles of rows fill 132 multiprocessors without being cut.
  EXPECT_THROW(candidate_of("attention_decode", {"batch=64,heads_q=32,heads_kv=8,seq_kv=16384,head_dim=128",
                                                 "variant=fused,splits=-2"}),
               std::runtime_error);
}

TEST(AttentionDecodePersistence, LaunchesAsManyBlocksAsTheDeviceHolds) {
  const Candidate candidate =
      candidate_of("attention_decode", {"batch=64,heads_q=32,heads_kv=8,seq_kv=4096,head_dim=128",
                                        "splits=1,variant=whole,persistent=true,blocks_per_sm=2"});
  EXPECT_EQ(candidate.launches[0].grid[0], 264);
  EXPECT_EQ(candidate.launches[0].work_items, 512);
}

class AttentionStandard : public testing::TestWithParam<Case> {
 protected:
  // Scores of all heads, each row up to whole 16 bytes; the rows of a product's operand that are loaded once
  // for every tile along the other side.
  static std::int64_t tiles(std::int64_t size, std::int64_t tile) { return rounded_up(size, tile) / tile; }
};

TEST_P(AttentionStandard, MovesTheBytesOfTheFormula) {
  const Candidate candidate = candidate_of("attention_standard", GetParam());
  const Numbers n(candidate);
  const std::int64_t d = n("head_dim");
  const std::int64_t columns = tiles(d, n("head_tile_n"));
  std::int64_t q = 0, k = 0, scores = 0, p = 0, v = 0;
  for (std::int64_t batch = 0; batch < n("batch"); ++batch) {
    const std::int64_t queries = n.queries(batch), keys = n.keys(batch), heads = n("heads_q");
    q += heads * queries * d * tiles(keys, n("tile_n")) * 2;
    k += heads * keys * d * tiles(queries, n("tile_m")) * 2;
    scores += heads * queries * rounded_up(keys, 8) * 2;
    p += heads * queries * keys * columns * 2;
    v += heads * keys * d * tiles(queries, n("head_tile_m")) * 2;
  }
  const Launch& first = launch_of(candidate, "scores");
  EXPECT_EQ(bytes_moved(candidate, first, "q", AccessKind::load), q);
  EXPECT_EQ(bytes_moved(candidate, first, "k", AccessKind::load), k);
  EXPECT_EQ(bytes_moved(candidate, first, "s", AccessKind::store), scores);
  const Launch& softmax = launch_of(candidate, "softmax");
  EXPECT_EQ(bytes_moved(candidate, softmax, "s", AccessKind::load), scores * (n("hold_rows") != 0 ? 1 : 2));
  EXPECT_EQ(bytes_moved(candidate, softmax, "p", AccessKind::store), scores);
  const Launch& output = launch_of(candidate, "output");
  EXPECT_EQ(bytes_moved(candidate, output, "p", AccessKind::load), p);
  EXPECT_EQ(bytes_moved(candidate, output, "v", AccessKind::load), v);
}

TEST_P(AttentionStandard, MovesTheBytesOfTheFormulaBackwards) {
  const Candidate candidate = candidate_of("attention_standard_backward", GetParam());
  const Numbers n(candidate);
  const std::int64_t d = n("head_dim");
  const std::int64_t columns = tiles(d, n("head_tile_n"));
  std::int64_t scores = 0, all_scores = 0, by_key = 0, by_query = 0, queries_bytes = 0, keys_bytes = 0;
  for (std::int64_t batch = 0; batch < n("batch"); ++batch) {
    const std::int64_t queries = n.queries(batch), keys = n.keys(batch), heads = n("heads_q");
    scores += heads * queries * rounded_up(keys, 8) * 2;
    all_scores += heads * queries * keys * columns * 2;
    by_key += heads * queries * d * tiles(keys, n("head_tile_m")) * 2;
    by_query += heads * keys * d * tiles(queries, n("head_tile_m")) * 2;
    queries_bytes += heads * queries * d * 2;
    keys_bytes += n("heads_kv") * keys * d * 2;
  }
  const auto moved = [&](const char* launch, const char* tensor, AccessKind kind) {
    return bytes_moved(candidate, launch_of(candidate, launch), tensor, kind);
  };
  EXPECT_EQ(moved("values", "p", AccessKind::load), all_scores);
  EXPECT_EQ(moved("values", "dout", AccessKind::load), by_key);
  EXPECT_EQ(moved("values", "dv", AccessKind::store), keys_bytes);
  EXPECT_EQ(moved("probabilities", "dp", AccessKind::store), scores);
  EXPECT_EQ(moved("softmax", "p", AccessKind::load), scores * (n("hold_rows") != 0 ? 1 : 2));
  EXPECT_EQ(moved("softmax", "dp", AccessKind::load), scores * (n("hold_rows") != 0 ? 1 : 2));
  EXPECT_EQ(moved("softmax", "s", AccessKind::load), n("modified") != 0 ? scores : 0);
  EXPECT_EQ(moved("softmax", "ds", AccessKind::store), scores);
  EXPECT_EQ(moved("queries", "ds", AccessKind::load), all_scores);
  EXPECT_EQ(moved("queries", "k", AccessKind::load), by_query);
  EXPECT_EQ(moved("queries", "dq", AccessKind::store), queries_bytes);
  EXPECT_EQ(moved("keys", "ds", AccessKind::load), all_scores);
  EXPECT_EQ(moved("keys", "q", AccessKind::load), by_key);
  EXPECT_EQ(moved("keys", "dk", AccessKind::store), keys_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionStandard,
    testing::Values(Case{"batch=2,heads_q=4,seq_q=512,head_dim=64,causal=true", ""},
                    Case{"heads_q=6,heads_kv=2,seq_q=77,seq_kv=301,head_dim=96",
                         "tile_m=64,tile_n=64,head_tile_m=64,head_tile_n=128,hold_rows=true"},
                    Case{"heads_q=2,seq_q=200,seq_kv=1,head_dim=256,softcap=20", "head_tile_m=64"},
                    Case{"batch=3,heads_q=2,seq_q=70,seq_kv=90,head_dim=128,packed=true",
                         "head_tile_m=64,head_tile_n=128",
                         {{"cu_seq_q", {0, 70, 70, 83}}, {"cu_seq_kv", {0, 30, 31, 121}}}}));

}  // namespace
}  // namespace weir
