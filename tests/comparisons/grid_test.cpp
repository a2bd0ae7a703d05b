#include "comparisons/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comparisons/chart.h"

namespace weir::comparison {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

WorkloadRow row(const std::string& series, std::optional<double> x) {
  WorkloadRow result;
  result.series = series;
  result.x = x;
  return result;
}

// Two curves that cross at 20, and a level; of a GPU that is measured and one that is not.
const Comparison kCurves{
    "curves",
    {row("square", 10), row("square", 40), row("line", 10), row("line", 40), row("level", std::nullopt)},
    {}};

RowResult result(double predicted, double measured) {
  RowResult row;
  row.predicted = {{Quantity::time, predicted}, {Quantity::memory, 4 * predicted * 1e12}};
  if (measured > 0) row.measured = {{Quantity::time, measured}};
  return row;
}

const std::vector<DeviceResult> kDevices{
    {"a",
     "GPU A",
     true,
     "",
     1'000'000'000,
     {result(90e-6, 100e-6), result(1500e-6, 1600e-6), result(210e-6, 200e-6), result(810e-6, 800e-6),
      result(300e-6, 400e-6)}},
    {"b",
     "GPU B",
     false,
     "not measured there",
     1'000'000'000,
     {result(100e-6, 0), result(1600e-6, 0), result(200e-6, 0), result(800e-6, 0), result(300e-6, 0)}}};

Table table(Layout layout, const std::string& relative_to = "") {
  Table result;
  result.name = "t";
  result.title = "Title";
  result.layout = layout;
  result.x = "keys";
  result.columns = {Quantity::time};
  result.relative_to = relative_to;
  return result;
}

TEST(Grid, RowsShowPredictedBesideMeasuredAndMultiplesOfTheBase) {
  const Grid grid = grids(kCurves, table(Layout::rows, "level"), kDevices).at(0);
  EXPECT_THAT(grid.head, ElementsAre("GPU", "", "keys", "time, predicted", "time, measured"));
  ASSERT_EQ(grid.rows.size(), 10u);
  EXPECT_THAT(grid.rows[0], ElementsAre("GPU A", "square", "10", "90.0 µs (×0.3)", "100 µs (×0.25)"));
  EXPECT_THAT(grid.rows[4], ElementsAre("GPU A", "level", "", "300 µs", "400 µs"));
  EXPECT_THAT(grid.rows[5], ElementsAre("GPU B", "square", "10", "100 µs (×0.333)", "–"));
  EXPECT_THAT(grid.notes, ElementsAre("In parentheses: multiples of level.",
                                      "Predictions for GPU B: not measured there."));
}

TEST(Grid, SeriesStandSideBySideAndMarkWhatIsOnlyPredicted) {
  const std::vector<Grid> both = grids(kCurves, table(Layout::series), kDevices);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_THAT(both[0].head, ElementsAre("keys", "square", "line"));
  EXPECT_THAT(both[0].rows[1], ElementsAre("40", "1.60 ms", "800 µs"));
  EXPECT_THAT(both[1].rows[0], ElementsAre("10", "≈ 100 µs", "≈ 200 µs"));
}

TEST(Grid, MemoryBeyondTheGpusIsMarked) {
  Table memory = table(Layout::series);
  memory.columns = {Quantity::memory};
  memory.times = 2;
  const Grid grid = grids(kCurves, memory, kDevices).at(0);
  EXPECT_THAT(grid.rows[0], ElementsAre("10", "720 MB", "1.68 GB †"));
  EXPECT_THAT(grid.notes, ElementsAre("†: more than the 1.00 GB that the GPU has."));
}

// From 10 to 40 the ratio goes from 1/2 to 2 (measured, and predicted for the other GPU): equal at 20.
TEST(Grid, CrossingsAreThoseOfMeasuredCurvesWhereThereAreAny) {
  const Grid grid = grids(kCurves, table(Layout::crossings), kDevices).at(0);
  ASSERT_EQ(grid.rows.size(), 2u);
  EXPECT_THAT(grid.rows[0], ElementsAre("GPU A", "square", "line", "square", "20", "line"));
  EXPECT_THAT(grid.rows[1], ElementsAre("GPU B", "square", "line", "square", "20", "line"));
  EXPECT_THAT(grid.notes, testing::Contains("For GPU B: of predicted curves."));
}

TEST(Grid, SlopesStandBesideTheory) {
  Table slopes = table(Layout::slopes);
  slopes.expected = {{"", 2}};
  const Grid grid = grids(kCurves, slopes, kDevices).at(0);
  ASSERT_EQ(grid.rows.size(), 4u);
  EXPECT_THAT(grid.rows[0], ElementsAre("GPU A", "square", "", "2", "2.03", "2.00"));
  EXPECT_THAT(grid.rows[2], ElementsAre("GPU B", "square", "", "2", "2.00", "–"));
}

TEST(Grid, MarkdownAndHtmlEscapeTheirTexts) {
  const Grid grid{"a|b", {"<x>", "n"}, 1, {{"c|d", "1"}}, {"<note>"}};
  EXPECT_THAT(markdown(grid), HasSubstr("| c\\|d | 1 |"));
  EXPECT_THAT(markdown(grid), HasSubstr("| --- | ---: |"));
  EXPECT_THAT(html(grid), HasSubstr("<th>&lt;x&gt;</th><th class=\"n\">n</th>"));
  EXPECT_THAT(html(grid), HasSubstr("&lt;note&gt;"));
}

TEST(Chart, DrawsACurveForEachSeriesAndALineForALevel) {
  const std::string drawn = chart(kCurves, table(Layout::rows), "", Quantity::time, kDevices[0]);
  for (const char* text : {">square<", ">line<", ">level<", ">keys<", ">predicted<"})
    EXPECT_THAT(drawn, HasSubstr(text));
  EXPECT_THAT(drawn, HasSubstr("step dot k1"));
  EXPECT_THAT(chart(kCurves, table(Layout::rows), "", Quantity::time, kDevices[1]),
              testing::Not(HasSubstr("dot")));
  EXPECT_EQ(chart(kCurves, table(Layout::rows), "", Quantity::dram, kDevices[0]), "");
  EXPECT_THAT(standalone(drawn), testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox"));
}

}  // namespace
}  // namespace weir::comparison
