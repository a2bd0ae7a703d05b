// Markdown and the terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "reports/report.h"
#include "tests/reports/synthetic.h"

namespace weir::report {
namespace {

using ::testing::HasSubstr;
using testing::measured_row;
using ::testing::Not;
using testing::rejected_row;
using ::testing::StartsWith;
using testing::synthetic_sweep;

std::vector<Record> two_rows() {
  return {measured_row("tile=64,stages=2", 110e6, 100e6, 9e-6, 10e-6),
          measured_row("tile=64,stages=3", 50e6, 50e6, 8e-6, 12e-6)};
}

TEST(Markdown, StartsWithTheErrorTable) {
  EXPECT_THAT(markdown(analyse(two_rows())),
              StartsWith("| kernel | candidates | median error DRAM reads | 90th percentile | median error "
                         "DRAM writes | 90th "
                         "percentile | regret of the model's own pick | worst |\n"
                         "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
                         "| `gemm` | 2 | 5.0% | 9.0% | 0.0% | 0.0% | 20.0% | 20.0% |\n"));
}

TEST(Markdown, ShowsWhatTheModelsChoiceDoesDifferently) {
  EXPECT_THAT(markdown(analyse(two_rows())),
              HasSubstr("| `tile=64,stages=2` | `stages=3` | 20.0% | 10.00 |"));
}

TEST(Markdown, HasEqualCellsInEveryRowOfATable) {
  std::vector<Record> records = synthetic_sweep(300);
  records.push_back(rejected_row("a|b", "x | y\n| z"));
  std::istringstream lines(markdown(analyse(records)));
  std::ptrdiff_t cells = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) {
      cells = 0;
      continue;
    }
    std::ptrdiff_t here = std::count(line.begin(), line.end(), '|');
    for (std::size_t at = line.find("\\|"); at != std::string::npos; at = line.find("\\|", at + 2)) --here;
    if (cells > 0) {
      EXPECT_EQ(here, cells) << line;
    }
    cells = here;
  }
}

TEST(Markdown, NamesDevicesWhereThereAreSeveral) {
  std::vector<Record> records = two_rows();
  records[1].measurement->provenance.gpu_name = "NVIDIA A100";
  EXPECT_THAT(markdown(analyse(records)), HasSubstr("| `gemm` (NVIDIA A100) | 1 |"));
}

TEST(Terminal, IsPlainWithoutColor) {
  const std::string text = terminal(analyse(synthetic_sweep(300)), false);
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(text, HasSubstr("attention_forward"));
  EXPECT_THAT(terminal(analyse(two_rows()), true), HasSubstr("\033[1mgemm\033[0m"));
}

TEST(Terminal, NeverPassesEscapesOfRecordsOn) {
  Record row = rejected_row("tile=1\033[2J", "\033]0;title\007");
  row.kernel = "\033[31mgemm";
  EXPECT_THAT(terminal(analyse({row}), false), Not(HasSubstr("\033")));
}

TEST(Terminal, AlignsColumns) {
  std::vector<Record> records = two_rows();
  records[1].kernel = "a_much_longer_name";
  std::istringstream lines(terminal(analyse(records), false));
  std::string title, head, first, second;
  std::getline(lines, title);
  std::getline(lines, head);
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_EQ(first.find("NVIDIA"), second.find("NVIDIA"));
  EXPECT_EQ(head.find("device"), first.find("NVIDIA"));
}

TEST(Text, OfNothingSaysSo) {
  EXPECT_EQ(markdown({}), "The store has no rows.\n");
  EXPECT_EQ(terminal({}, true), "The store has no rows.\n");
}

}  // namespace
}  // namespace weir::report
