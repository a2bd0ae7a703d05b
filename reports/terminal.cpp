#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/format.h"
#include "reports/report.h"
#include "reports/tunables.h"

namespace weir::report {
namespace {

enum class Style { plain, bold, dim, good, fair, poor };

const char* ansi(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::bold:
      return "\033[1m";
    case Style::dim:
      return "\033[2m";
    case Style::good:
      return "\033[32m";
    case Style::fair:
      return "\033[33m";
    case Style::poor:
      return "\033[31m";
  }
  return "";
}

struct Cell {
  std::string text;
  Style style = Style::plain;
};

std::string paint(const Cell& cell, bool color) {
  return color && cell.style != Style::plain ? ansi(cell.style) + cell.text + "\033[0m" : cell.text;
}

// Left-aligned up to `texts` columns, then right-aligned; two spaces between columns.
std::string table(const std::vector<std::vector<Cell>>& rows, std::size_t texts, bool color) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  std::string result;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - display_width(row[i].text), ' ');
      line += i < texts ? paint(row[i], color) + padding : padding + paint(row[i], color);
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

std::vector<Cell> head(std::initializer_list<const char*> names) {
  std::vector<Cell> result;
  for (const char* name : names) result.push_back({name, Style::dim});
  return result;
}

// The bands of the colors: within what measuring itself varies, usable for ranking, and neither.
Cell graded(const std::string& text, bool is_known, double share) {
  if (!is_known) return {text, Style::dim};
  return {text, share <= 0.05 ? Style::good : share <= 0.15 ? Style::fair : Style::poor};
}

Cell graded(const std::optional<double>& share) {
  return graded(percent_or_unknown(share), share.has_value(), share.value_or(0));
}

std::string errors(const ReportData& data, bool color) {
  std::vector<std::vector<Cell>> rows{head({"kernel", "device", "counted", "reads p50", "p90", "writes p50",
                                            "p90", "time p50", "rank", "regret", "worst"})};
  for (const KernelSummary& kernel : data.kernels) {
    const auto median_cell = [](const ErrorSummary& e) {
      return graded(median_of(e), e.count > 0, e.median);
    };
    const auto p90_cell = [](const ErrorSummary& e) { return graded(p90_of(e), e.count > 0, e.p90); };
    rows.push_back({{printable(with_calibration(kernel.kernel, kernel.calibrated)), Style::bold},
                    {printable(kernel.device)},
                    {thousands(kernel.dram_reads.count)},
                    median_cell(kernel.dram_reads),
                    p90_cell(kernel.dram_reads),
                    median_cell(kernel.dram_writes),
                    p90_cell(kernel.dram_writes),
                    median_cell(kernel.time),
                    {kernel.rank_correlation ? fixed(*kernel.rank_correlation, 2) : kUnknown},
                    graded(kernel.regret_geometric_mean),
                    graded(kernel.regret_worst)});
  }
  return table(rows, 2, color);
}

std::string picks(const ReportData& data, bool color) {
  std::vector<std::vector<Cell>> rows{head(
      {"kernel", "problem", "best configuration", "model's first choice", "slower by", "time µs", "tied"})};
  for (const Pick& pick : data.picks) {
    std::string choice = kUnknown;
    if (pick.model_config) {
      choice = config_difference(pick.config, *pick.model_config);
      if (choice.empty()) choice = "the same";
    }
    rows.push_back({{printable(with_calibration(pick.kernel, pick.calibrated)), Style::bold},
                    {printable(pick.problem)},
                    {printable(pick.config)},
                    {printable(choice), choice == "the same" ? Style::dim : Style::plain},
                    graded(pick.regret),
                    {microseconds(pick.timing.median_seconds)},
                    {thousands(pick.tie_set_size)}});
  }
  return table(rows, 4, color);
}

std::string reasons(const ReportData& data, bool color) {
  constexpr std::size_t kShown = 10;
  std::vector<std::vector<Cell>> rows;
  for (const ReasonCount& reason : data.reasons) {
    if (rows.size() == kShown) break;
    rows.push_back(
        {{thousands(reason.count)},
         {to_string(reason.outcome), reason.outcome == Outcome::failed ? Style::poor : Style::plain},
         {printable(reason.kernel), Style::bold},
         {printable(reason.reason)}});
  }
  std::string result = table(rows, rows.empty() ? 0 : rows.front().size(), color);
  if (data.reasons.size() > kShown)
    result += fmt::format("and {} more reasons\n", data.reasons.size() - kShown);
  return result;
}

}  // namespace

std::string terminal(const ReportData& data, bool color) {
  if (data.kernels.empty()) return "The store has no rows.\n";
  const auto title = [&](const char* text) { return paint({text, Style::bold}, color) + "\n"; };
  std::string result = title("Error of the predictions") + errors(data, color);
  for (const UncalibratedGroup& group : data.uncalibrated) {
    result += paint({printable(sentence(group)), Style::fair}, color) + "\n";
  }
  if (!data.picks.empty()) result += "\n" + title("Best measured") + picks(data, color);
  if (!data.reasons.empty()) result += "\n" + title("Rejected and failed") + reasons(data, color);
  return result;
}

}  // namespace weir::report
