#include "comparisons/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "comparisons/series.h"
#include "reports/format.h"

namespace weir::comparison {
namespace {

using report::kUnknown;

std::optional<double> amount(const Amounts& amounts, Quantity quantity, double times) {
  const auto found = amounts.find(quantity);
  if (found == amounts.end()) return std::nullopt;
  return found->second * times;
}

std::string multiple(double ratio) {
  return fmt::format("×{:.3g}", ratio);
}

std::string number(double x) {
  return x == std::floor(x) ? report::thousands(static_cast<std::int64_t>(x)) : fmt::format("{:g}", x);
}

std::vector<std::string> calibration_notes(const std::vector<DeviceResult>& devices) {
  std::vector<std::string> notes;
  for (const DeviceResult& device : devices) {
    if (!device.calibration_note.empty())
      notes.push_back(fmt::format("Predictions for {}: {}.", device.title, device.calibration_note));
  }
  return notes;
}

// Follows from the problem and the configuration alone: nothing is measured.
bool is_exact(Quantity quantity) {
  return quantity == Quantity::flops || quantity == Quantity::executed || quantity == Quantity::memory;
}

// Columns of a quantity in the layout `rows`: which amounts, and what the head says of them.
struct Column {
  Quantity quantity;
  bool measured;
  std::string head;
};

std::vector<Column> columns_of(const Table& table) {
  std::vector<Column> columns;
  for (const Quantity quantity : table.columns) {
    const std::string name = to_string(quantity);
    const bool only_known = is_exact(quantity);
    columns.push_back({quantity, false, only_known ? name : name + ", predicted"});
    if (!only_known)
      columns.push_back({quantity, true, name + (quantity == Quantity::time ? ", measured" : ", counted")});
  }
  return columns;
}

// What relative numbers of a row are relative to: the series' row of the same group, at the same x if it has
// one there.
std::optional<std::size_t> base_of(const Comparison& comparison, const Table& table, std::size_t row) {
  std::optional<std::size_t> base;
  if (table.relative_to.empty()) return base;
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const WorkloadRow& candidate = comparison.rows[i];
    if (candidate.series != table.relative_to || candidate.group != comparison.rows[row].group) continue;
    if (!candidate.x || candidate.x == comparison.rows[row].x) base = i;
  }
  return base;
}

Grid rows_grid(const Comparison& comparison, const Table& table, const std::vector<DeviceResult>& devices) {
  const std::vector<Column> columns = columns_of(table);
  const std::vector<std::string> groups = groups_of(comparison, table);
  const bool with_x = std::any_of(comparison.rows.begin(), comparison.rows.end(),
                                  [&](const WorkloadRow& row) { return shows(table, row) && row.x; });
  const bool with_groups = groups.size() > 1;
  Grid grid{table.title, {"GPU"}, 2, {}, calibration_notes(devices)};
  if (with_groups) grid.head.push_back("");
  grid.head.push_back("");
  grid.texts = grid.head.size();
  if (with_x) grid.head.push_back(table.x);
  for (const Column& column : columns) grid.head.push_back(column.head);
  if (!table.relative_to.empty())
    grid.notes.insert(grid.notes.begin(), fmt::format("In parentheses: multiples of {}.", table.relative_to));

  for (const DeviceResult& device : devices) {
    for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
      const WorkloadRow& row = comparison.rows[i];
      if (!shows(table, row)) continue;
      const RowResult& result = device.rows[i];
      std::vector<std::string> cells{device.title};
      if (with_groups) cells.push_back(row.group);
      cells.push_back(row.series);
      if (with_x) cells.push_back(row.x ? number(*row.x) : "");
      const std::optional<std::size_t> base = base_of(comparison, table, i);
      for (const Column& column : columns) {
        const auto of = [&](const RowResult& r) {
          return amount(column.measured ? r.measured : r.predicted, column.quantity, table.times);
        };
        const std::optional<double> value = of(result);
        std::string cell = value ? text_of(column.quantity, *value) : kUnknown;
        if (value && base && *base != i) {
          const std::optional<double> unit = of(device.rows[*base]);
          if (unit && *unit > 0) cell += " (" + multiple(*value / *unit) + ")";
        }
        cells.push_back(std::move(cell));
      }
      grid.rows.push_back(std::move(cells));
      if (!result.reason.empty())
        grid.notes.push_back(
            fmt::format("{} on {} is not predicted: {}.", row.series, device.title, result.reason));
    }
  }
  return grid;
}

std::optional<double> at(const std::vector<Point>& points, double x) {
  for (const Point& point : points) {
    if (point.x == x) return point.y;
  }
  return std::nullopt;
}

Grid series_grid(const Comparison& comparison, const Table& table, const DeviceResult& device,
                 Quantity quantity) {
  Grid grid{table.title + ", " + device.title, {table.x}, 0, {}, calibration_notes({device})};
  bool some_predicted = false, some_too_large = false;
  std::set<double> all_x;
  std::vector<Series> columns;
  for (const std::string& group : groups_of(comparison, table)) {
    for (Series& series : series_of(comparison, table, group, device, quantity)) {
      for (const Point& point : series.predicted) all_x.insert(point.x);
      grid.head.push_back(series.name);
      columns.push_back(std::move(series));
    }
  }
  for (const double x : all_x) {
    std::vector<std::string> cells{number(x)};
    for (const Series& series : columns) {
      const std::optional<double> measured = at(series.measured, x), predicted = at(series.predicted, x);
      if (measured) {
        cells.push_back(text_of(quantity, *measured));
      } else if (!predicted) {
        cells.push_back(kUnknown);
      } else if (quantity == Quantity::memory) {
        const bool fits = *predicted <= static_cast<double>(device.dram_bytes);
        some_too_large = some_too_large || !fits;
        cells.push_back(text_of(quantity, *predicted) + (fits ? "" : " †"));
      } else {
        some_predicted = some_predicted || !is_exact(quantity);
        cells.push_back((is_exact(quantity) ? "" : "≈ ") + text_of(quantity, *predicted));
      }
    }
    grid.rows.push_back(std::move(cells));
  }
  if (some_predicted) grid.notes.push_back("≈: predicted.");
  if (some_too_large)
    grid.notes.push_back(fmt::format("†: more than the {} that the GPU has.",
                                     report::bytes_with_unit(static_cast<double>(device.dram_bytes))));
  return grid;
}

Grid crossings_grid(const Comparison& comparison, const Table& table,
                    const std::vector<DeviceResult>& devices) {
  Grid grid{table.title,
            {"GPU", "series", "and", "faster at the least " + table.x, "crossings at", "faster at the most"},
            4,
            {},
            calibration_notes(devices)};
  grid.head = {
      "GPU", "series", "and", "faster at the least " + table.x, "crossings at", "faster at the most"};
  grid.texts = 4;
  const Quantity quantity = table.columns.front();
  for (const DeviceResult& device : devices) {
    // Measured curves where there are any: a predicted one beside a measured one would cross it by its error.
    const bool measured = device.has_measurements();
    for (const std::string& group : groups_of(comparison, table)) {
      const std::vector<Series> all = series_of(comparison, table, group, device, quantity);
      const auto points = [&](const Series& s) { return measured ? s.measured : s.predicted; };
      for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = i + 1; j < all.size(); ++j) {
          const std::vector<Point> a = points(all[i]), b = points(all[j]);
          std::vector<Point> common_a, common_b;
          for (const Point& point : a) {
            if (const std::optional<double> y = at(b, point.x)) {
              common_a.push_back(point);
              common_b.push_back({point.x, *y});
            }
          }
          if (common_a.empty()) continue;
          const auto smaller = [&](const Point& p, const Point& q) {
            return p.y <= q.y ? all[i].name : all[j].name;
          };
          std::string where;
          for (const double x : crossings(common_a, common_b))
            where += (where.empty() ? "" : ", ") + number(std::round(x / 10) * 10);
          grid.rows.push_back({device.title, all[i].name, all[j].name,
                               smaller(common_a.front(), common_b.front()), where.empty() ? kUnknown : where,
                               smaller(common_a.back(), common_b.back())});
        }
      }
    }
    if (!measured) grid.notes.push_back(fmt::format("For {}: of predicted curves.", device.title));
  }
  return grid;
}

Grid slopes_grid(const Comparison& comparison, const Table& table, const std::vector<DeviceResult>& devices) {
  Grid grid{table.title, {"GPU", "", "over", "theory"}, 3, {}, calibration_notes(devices)};
  const std::vector<Column> columns = columns_of(table);
  for (const Column& column : columns) grid.head.push_back(column.head);
  const auto text = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.2f}", *value) : std::string(kUnknown);
  };
  for (const DeviceResult& device : devices) {
    for (const std::string& group : groups_of(comparison, table)) {
      const auto expected = table.expected.find(group);
      const std::size_t lines = series_of(comparison, table, group, device, columns.front().quantity).size();
      for (std::size_t line = 0; line < lines; ++line) {
        std::vector<std::string> cells{
            device.title, "", group,
            expected == table.expected.end() ? std::string(kUnknown) : fmt::format("{:g}", expected->second)};
        for (const Column& column : columns) {
          const Series series = series_of(comparison, table, group, device, column.quantity)[line];
          cells[1] = series.name;
          cells.push_back(text(exponent(column.measured ? series.measured : series.predicted)));
        }
        grid.rows.push_back(std::move(cells));
      }
    }
  }
  return grid;
}

}  // namespace

std::string text_of(Quantity quantity, double value) {
  switch (quantity) {
    case Quantity::flops:
    case Quantity::executed:
      return value >= 999.5e9 ? fmt::format("{:.3g} TFLOP", value / 1e12)
                              : fmt::format("{:.3g} GFLOP", value / 1e9);
    case Quantity::time:
      return report::seconds_with_unit(value);
    default:
      return report::bytes_with_unit(value);
  }
}

std::vector<Grid> grids(const Comparison& comparison, const Table& table,
                        const std::vector<DeviceResult>& devices) {
  switch (table.layout) {
    case Layout::rows:
      return {rows_grid(comparison, table, devices)};
    case Layout::crossings:
      return {crossings_grid(comparison, table, devices)};
    case Layout::slopes:
      return {slopes_grid(comparison, table, devices)};
    case Layout::series:
      break;
  }
  std::vector<Grid> result;
  for (const DeviceResult& device : devices) {
    for (const Quantity quantity : table.columns)
      result.push_back(series_grid(comparison, table, device, quantity));
  }
  return result;
}

std::string markdown(const Grid& grid) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string result = "|";
    for (const std::string& cell : cells) result += " " + report::markdown_escape(cell) + " |";
    return result + "\n";
  };
  std::string result = "**" + report::markdown_escape(grid.title) + "**\n\n" + line(grid.head) + "|";
  for (std::size_t i = 0; i < grid.head.size(); ++i) result += i < grid.texts ? " --- |" : " ---: |";
  result += "\n";
  for (const std::vector<std::string>& row : grid.rows) result += line(row);
  for (const std::string& note : grid.notes) result += "\n" + report::markdown_escape(note) + "\n";
  return result;
}

std::string html(const Grid& grid) {
  const auto cells = [&](const std::vector<std::string>& texts, const char* tag) {
    std::string result = "<tr>";
    for (std::size_t i = 0; i < texts.size(); ++i)
      result += fmt::format("<{0}{1}>{2}</{0}>", tag, i < grid.texts ? "" : " class=\"n\"",
                            report::html_escape(texts[i]));
    return result + "</tr>";
  };
  std::string result = "<h3>" + report::html_escape(grid.title) +
                       "</h3>\n<div class=\"scroll\"><table><thead>" + cells(grid.head, "th") +
                       "</thead><tbody>\n";
  for (const std::vector<std::string>& row : grid.rows) result += cells(row, "td") + "\n";
  result += "</tbody></table></div>\n";
  for (const std::string& note : grid.notes)
    result += "<p class=\"note\">" + report::html_escape(note) + "</p>\n";
  return result;
}

}  // namespace weir::comparison
