#include "reports/tile_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "reports/format.h"
#include "reports/statistics.h"
#include "reports/svg.h"

namespace weir::report {
namespace {

constexpr int kHeatSteps = 9;

using Value = std::optional<double>;

double time_of(const Record& record) {
  return record.measurement->timing.median_seconds;
}

Value measured_reads(const Record& record) {
  if (record.measurement->tier != Tier::counters) return std::nullopt;
  return record.measurement->counters.dram_read_bytes;
}

Value predicted_reads(const Record& record) {
  if (!record.prediction) return std::nullopt;
  return record.prediction->traffic.dram_read_bytes;
}

Value measured_time(const Record& record) {
  return time_of(record);
}

Value predicted_time(const Record& record) {
  if (!record.prediction || !(record.prediction->time_seconds > 0)) return std::nullopt;
  return record.prediction->time_seconds;
}

Value heat_value(const Record& record, HeatQuantity quantity) {
  switch (quantity) {
    case HeatQuantity::predicted_reads:
      return predicted_reads(record);
    case HeatQuantity::measured_reads:
      return measured_reads(record);
    case HeatQuantity::measured_time:
      return measured_time(record);
  }
  return std::nullopt;
}

// The fastest row of every cell, by (index of the first tunable's value, of the second's).
std::map<std::pair<int, int>, std::size_t> fastest_of_cells(const std::vector<Record>& records,
                                                            const ProblemRows& problem,
                                                            const std::vector<VariedTunable>& tunables) {
  std::map<std::pair<int, int>, std::size_t> result;
  for (std::size_t i = 0; i < problem.rows.size(); ++i) {
    const std::pair cell{tunables[0].value_of_row[i], tunables.size() > 1 ? tunables[1].value_of_row[i] : 0};
    const auto [known, is_first] = result.try_emplace(cell, problem.rows[i]);
    if (!is_first && time_of(records[problem.rows[i]]) < time_of(records[known->second])) {
      known->second = problem.rows[i];
    }
  }
  return result;
}

// Three significant digits in the unit of the whole chart, so that cells compare at a glance.
std::string cell_text(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

// Spreads the marks of a strip sideways, the same way each time: the golden ratio's multiples fill an
// interval evenly.
double jitter(std::size_t index) {
  return std::fmod(static_cast<double>(index) * 0.6180339887, 1.0) - 0.5;
}

struct StripRow {
  const char* label;
  double unit;
  double top, bottom;
  Value (*measured)(const Record&);
  Value (*predicted)(const Record&);
  double VariedTunable::*explained;
};

void draw_half_strip(Svg& svg, const std::vector<Record>& records, const ProblemRows& problem,
                     const VariedTunable& tunable, int value, Value (*quantity)(const Record&), double unit,
                     const Scale& y, double center, double width, std::string_view css_class) {
  std::vector<double> values;
  for (std::size_t i = 0; i < problem.rows.size(); ++i) {
    if (tunable.value_of_row[i] != value) continue;
    const Value at = quantity(records[problem.rows[i]]);
    if (!at) continue;
    values.push_back(*at / unit);
    svg.mark(Mark::circle, center + jitter(values.size()) * (width - 5), y(values.back()), 2.4, css_class,
             problem.rows[i]);
  }
  if (const auto middle = median(values)) {
    svg.line(center - width / 2, y(*middle), center + width / 2, y(*middle), "median");
  }
}

void draw_strip_row(Svg& svg, const std::vector<Record>& records, const ProblemRows& problem,
                    const std::vector<VariedTunable>& tunables, const StripRow& row, double left,
                    double column_width, double gap) {
  std::vector<double> values;
  for (const std::size_t index : problem.rows) {
    if (const Value value = row.measured(records[index])) values.push_back(*value / row.unit);
    if (const Value value = row.predicted(records[index])) values.push_back(*value / row.unit);
  }
  const Scale y = Scale::around(values, row.bottom, row.top);
  svg.vertical_text(11, (row.top + row.bottom) / 2, row.label, "label");
  for (const double tick : y.ticks(4)) {
    svg.text(left - 8, y(tick) + 4, fixed(tick, tick < 1 ? 2 : tick < 10 ? 1 : 0), Anchor::end);
  }
  for (std::size_t i = 0; i < tunables.size(); ++i) {
    const VariedTunable& tunable = tunables[i];
    const double start = left + static_cast<double>(i) * (column_width + gap);
    for (const double tick : y.ticks(4)) svg.line(start, y(tick), start + column_width, y(tick), "grid");
    svg.line(start, row.bottom, start + column_width, row.bottom, "axis");
    svg.text(start, row.top - 8, fmt::format("explains {} of it", percent(tunable.*row.explained, 0)),
             Anchor::start, "faint");
    const double strip = column_width / static_cast<double>(tunable.values.size());
    const double half = std::min(strip * 0.42, 26.0);
    for (int value = 0; value < static_cast<int>(tunable.values.size()); ++value) {
      const double center = start + (value + 0.5) * strip;
      draw_half_strip(svg, records, problem, tunable, value, row.predicted, row.unit, y, center + half / 2,
                      half, "predicted");
      draw_half_strip(svg, records, problem, tunable, value, row.measured, row.unit, y, center - half / 2,
                      half, "measured");
      svg.text(center, row.bottom + 16, tunable.values[value], Anchor::middle);
    }
  }
}

}  // namespace

std::string heat_map(const std::vector<Record>& records, const ProblemRows& problem,
                     const std::vector<VariedTunable>& tunables, HeatQuantity quantity) {
  const bool is_time = quantity == HeatQuantity::measured_time;
  const auto cells = fastest_of_cells(records, problem, tunables);
  std::vector<double> values;  // that decide the colors
  bool is_known = false;
  std::size_t fastest = cells.begin()->second;
  for (const auto& [cell, row] : cells) {
    if (time_of(records[row]) < time_of(records[fastest])) fastest = row;
    is_known = is_known || heat_value(records[row], quantity).has_value();
    for (const HeatQuantity other :
         {HeatQuantity::predicted_reads, HeatQuantity::measured_reads, HeatQuantity::measured_time}) {
      if ((other == HeatQuantity::measured_time) != is_time) continue;
      if (const Value value = heat_value(records[row], other)) values.push_back(*value);
    }
  }
  if (!is_known) return "";

  const VariedTunable& down = tunables[0];
  const VariedTunable* across = tunables.size() > 1 ? &tunables[1] : nullptr;
  const std::size_t columns = across ? across->values.size() : 1;
  constexpr double kLeft = 58, kTop = 42, kCellHeight = 34, kWidth = 370;
  const double cell_width = std::min((kWidth - kLeft - 4) / static_cast<double>(columns), 72.0);
  const double height = kTop + kCellHeight * static_cast<double>(down.values.size()) + 8;
  const double unit = is_time ? 1e-6 : 1e6;
  const Scale color = Scale::around(values, 0, kHeatSteps - 0.001);
  Svg svg(kWidth, height,
          fmt::format("{} by {}{}", is_time ? "measured time" : "DRAM reads", down.name,
                      across ? " and " + across->name : ""));
  svg.text(0, 14, across ? down.name + " ↓  " + across->name + " →" : down.name + " ↓", Anchor::start,
           "strong");
  if (across) {
    for (std::size_t i = 0; i < columns; ++i) {
      svg.text(kLeft + (static_cast<double>(i) + 0.5) * cell_width, kTop - 8, across->values[i],
               Anchor::middle);
    }
  }
  for (std::size_t i = 0; i < down.values.size(); ++i) {
    svg.text(kLeft - 8, kTop + (static_cast<double>(i) + 0.5) * kCellHeight + 4, down.values[i], Anchor::end);
  }
  for (const auto& [cell, row] : cells) {
    const Value value = heat_value(records[row], quantity);
    const double x = kLeft + cell.second * cell_width, y = kTop + cell.first * kCellHeight;
    const int step = value ? static_cast<int>(color(*value)) : -1;
    svg.rectangle(x + 1, y + 1, cell_width - 2, kCellHeight - 2,
                  value ? fmt::format("heat{}", step) : "heat-unknown", row);
    if (row == fastest) svg.rectangle(x + 1.5, y + 1.5, cell_width - 3, kCellHeight - 3, "fastest");
    if (value && cell_width >= 30) {
      svg.text(x + cell_width / 2, y + kCellHeight / 2 + 4, cell_text(*value / unit), Anchor::middle,
               step >= 5 ? "on-dark" : "on-light");
    }
  }
  return svg.str();
}

std::string strips(const std::vector<Record>& records, const ProblemRows& problem,
                   const std::vector<VariedTunable>& tunables) {
  const std::vector<VariedTunable> shown(
      tunables.begin(),
      tunables.begin() + static_cast<std::ptrdiff_t>(std::min(tunables.size(), kStripTunables)));
  constexpr double kWidth = 1150, kHeight = 480, kLeft = 74, kGap = 22;
  const auto count = static_cast<double>(shown.size());
  const double column_width = std::min((kWidth - kLeft - kGap * (count - 1)) / count, 360.0);
  Svg svg(kWidth, kHeight,
          "DRAM reads and time of every candidate by the value of each tunable, measured and predicted");
  for (std::size_t i = 0; i < shown.size(); ++i) {
    svg.text(kLeft + static_cast<double>(i) * (column_width + kGap), 14, shown[i].name, Anchor::start,
             "strong");
  }
  draw_strip_row(
      svg, records, problem, shown,
      {"DRAM reads, MB", 1e6, 46, 226, measured_reads, predicted_reads, &VariedTunable::reads_explained},
      kLeft, column_width, kGap);
  draw_strip_row(svg, records, problem, shown,
                 {"time, µs", 1e-6, 276, 456, measured_time, predicted_time, &VariedTunable::time_explained},
                 kLeft, column_width, kGap);
  return svg.str();
}

}  // namespace weir::report
