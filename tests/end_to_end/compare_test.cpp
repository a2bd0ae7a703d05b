// What `weir compare`, `weir mask` and the documents that they write promise on the command line.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/end_to_end/command.h"

namespace weir {
namespace {

using nlohmann::json;
using testing_support::CommandResult;
using testing_support::TemporaryFolder;

std::string contents_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

const std::string kRows =
    "workload: two copies\n"
    "rows:\n"
    "  - series: copy\n"
    "    each: [{bytes: 1048576}, {bytes: 2097152}]\n"
    "    x: \"{bytes}\"\n"
    "    parts: [{kernel: stream_copy, problem: \"bytes={bytes}\", configs: [\"vectors=4\"]}]\n"
    "tables:\n"
    "  - {name: copies, title: Copies, layout: rows, x: bytes, columns: [sram, dram, time], charts: "
    "[time]}\n";

// The page of the FlashAttention paper is what the recorded stores and today's model say, charts included.
TEST(Compare, ThePaperPagesTablesAreWhatCompareWrites) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(
      folder.path(), {"compare", "--document", WEIR_SOURCE_DIR "/docs/flashattention-paper.md", "--check"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(Compare, ADocumentIsWrittenCheckedAndFoundStaleWhenACellOrAChartChanges) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.yaml") << kRows;
  const std::filesystem::path document = folder / "page.md";
  std::ofstream(document) << "# Page\n<!-- weir compare " << (folder / "rows.yaml").string()
                          << " --gpu h100-sxm5-80gb --charts charts -->\n<!-- end of weir compare -->\n";
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"compare", "--document", document.string()});
    return testing_support::weir(folder.path(), more);
  };
  EXPECT_EQ(run({"--check"}).exit_code, 8) << "nothing was written yet";
  const CommandResult written = run({});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(run({"--check"}).exit_code, 0);
  const std::string page = contents_of(document);
  EXPECT_NE(page.find("| copy | 1,048,576 | 2.10 MB |"), std::string::npos) << page;

  std::string changed = page;
  changed.replace(changed.find("2.10 MB"), 7, "2.11 MB");
  std::ofstream(document) << changed;
  EXPECT_EQ(run({"--check"}).exit_code, 8);
  EXPECT_EQ(contents_of(document), changed) << "checking changes nothing";
  std::ofstream(document) << page;
  std::ofstream(folder / "charts" / "copies-time-h100-sxm5-80gb.svg") << "<svg/>";
  EXPECT_EQ(run({"--check"}).exit_code, 8);
}

TEST(Compare, JsonHasPredictedAndMeasuredAmountsOfEveryRow) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.yaml") << kRows;
  const CommandResult result = testing_support::weir(
      folder.path(), {"compare", (folder / "rows.yaml").string(), "--gpu", "a100-sxm4-40gb", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json out = json::parse(result.out);
  ASSERT_EQ(out["devices"].size(), 1u);
  EXPECT_EQ(out["devices"][0]["gpu"], "a100-sxm4-40gb");
  EXPECT_FALSE(out["devices"][0]["calibrated"]);
  ASSERT_EQ(out["devices"][0]["rows"].size(), 2u);
  const json& row = out["devices"][0]["rows"][1];
  EXPECT_EQ(row["x"], 2097152);
  EXPECT_EQ(row["predicted"]["sram_level_bytes"], 2 * 2097152);
  EXPECT_TRUE(row["measured"].empty());
}

TEST(Compare, WithoutAStoreOrAGpuThereIsNothingToCompareOn) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.yaml") << kRows;
  const std::string file = (folder / "rows.yaml").string();
  EXPECT_EQ(testing_support::weir(folder.path(), {"compare", file}).exit_code, 2);
  EXPECT_EQ(testing_support::weir(folder.path(), {"compare"}).exit_code, 2);
  EXPECT_EQ(
      testing_support::weir(folder.path(), {"compare", file, "--gpu", "h100-sxm5-80gb", "--table", "no"})
          .exit_code,
      2);
}

TEST(Compare, TheReportsPageShowsComparisons) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.yaml")
      << "workload: copies as recorded\n"
         "rows: [{series: copy, parts: [{kernel: stream_copy, problem: \"bytes=67108864\"}]}]\n"
         "tables: [{name: copies, title: Copies, columns: [dram, time]}]\n";
  const CommandResult result = testing_support::weir(
      folder.path(), {"report", "--db", testing_support::recorded_file().string(), "--compare",
                      (folder / "rows.yaml").string(), "--out", (folder / "page.html").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string page = contents_of(folder / "page.html");
  EXPECT_NE(page.find("copies as recorded</h2>"), std::string::npos);
  const std::size_t title = page.find("<h3>Copies</h3>");
  ASSERT_NE(title, std::string::npos);
  const std::string table = page.substr(title, page.find("</table>", title) - title);
  EXPECT_NE(table.find("<td>copy</td>"), std::string::npos) << table;
  EXPECT_EQ(table.find("–"), std::string::npos) << "all of it is recorded: " << table;
}

TEST(Mask, AFileReadsBackAsTheMaskThatWroteIt) {
  const TemporaryFolder folder;
  const std::string problem = "heads_q=2,seq_q=1000,head_dim=64,causal=true,mask_heads=2";
  const auto show = [&](const std::string& mask, const std::string& out) {
    const CommandResult result = testing_support::weir(
        folder.path(), {"mask", "show", "--problem", problem, "--mask", mask, "--out", out, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out)["density"].get<double>();
  };
  const std::string first = (folder / "first.txt").string(), second = (folder / "second.txt").string();
  const double density = show("random(density=0.4,seed=3)", first);
  EXPECT_GT(density, 0.2);
  EXPECT_LT(density, 0.8);
  EXPECT_EQ(show("file(" + first + ")", second), density);
  EXPECT_EQ(contents_of(first), contents_of(second));
}

TEST(Mask, AdaptiveSaysWhatIsWrongBeforeItAsksForAGpu) {
  const TemporaryFolder folder;
  const CommandResult result = testing_support::weir(
      folder.path(), {"mask", "adaptive", "--problem", "heads_q=2,seq_q=256,head_dim=65"});
  EXPECT_EQ(result.exit_code, 2) << result.err;
  const CommandResult missing = testing_support::weir(
      folder.path(), {"mask", "adaptive", "--problem", "heads_q=2,seq_q=256,head_dim=64", "--inputs",
                      (folder / "nothing").string()});
  EXPECT_NE(missing.err.find("q.bin"), std::string::npos) << missing.err;
}

}  // namespace
}  // namespace weir
