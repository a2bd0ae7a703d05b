#include "comparisons/chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "comparisons/grid.h"
#include "comparisons/series.h"
#include "reports/format.h"
#include "reports/svg.h"

namespace weir::comparison {
namespace {

using report::Anchor;
using report::coordinate;
using report::Scale;
using report::Svg;

constexpr double kWidth = 620, kHeight = 320, kLeft = 66, kRight = 170, kTop = 14, kBottom = 44;
constexpr double kPlotRight = kWidth - kRight, kPlotBottom = kHeight - kBottom;

// Without a place on the x axis.
struct Level {
  std::string name;
  double predicted = 0, measured = 0;  // 0: unknown
};

std::vector<Level> levels_of(const Comparison& comparison, const Table& table, const std::string& group,
                             const DeviceResult& device, Quantity quantity) {
  std::vector<Level> levels;
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const WorkloadRow& row = comparison.rows[i];
    if (row.x || !shows(table, row) || row.group != group) continue;
    const auto value = [&](const Amounts& amounts) {
      const auto found = amounts.find(quantity);
      return found == amounts.end() ? 0 : found->second * table.times;
    };
    levels.push_back({row.series, value(device.rows[i].predicted), value(device.rows[i].measured)});
  }
  return levels;
}

std::string axis_text(Quantity quantity, double value) {
  if (quantity == Quantity::time) {
    std::string text = report::seconds_with_unit(value);
    const std::size_t space = text.find(' ');
    std::size_t end = space;
    if (text.substr(0, space).find('.') != std::string::npos) {
      while (text[end - 1] == '0') --end;
      if (text[end - 1] == '.') --end;
    }
    return text.substr(0, end) + text.substr(space);
  }
  return quantity == Quantity::flops || quantity == Quantity::executed ? text_of(quantity, value)
                                                                       : report::short_bytes(value);
}

std::string line(const std::vector<Point>& points, const Scale& x, const Scale& y) {
  std::string commands;
  for (const Point& point : points)
    commands +=
        fmt::format("{}{} {}", commands.empty() ? "M" : "L", coordinate(x(point.x)), coordinate(y(point.y)));
  return commands;
}

void draw_curve(Svg& svg, std::size_t color, const std::vector<Point>& points, bool measured, const Scale& x,
                const Scale& y) {
  if (points.empty()) return;
  svg.path(line(points, x, y), fmt::format("step k{}{}", color % 8, measured ? "" : " dashed"));
  if (!measured) return;
  for (const Point& point : points)
    svg.path(fmt::format("M{} {}h0", coordinate(x(point.x)), coordinate(y(point.y))),
             fmt::format("step dot k{}", color % 8));
}

}  // namespace

std::string chart(const Comparison& comparison, const Table& table, const std::string& group,
                  Quantity quantity, const DeviceResult& device) {
  const std::vector<Series> all = series_of(comparison, table, group, device, quantity);
  const std::vector<Level> levels = levels_of(comparison, table, group, device, quantity);
  std::vector<double> xs, ys;
  for (const Series& series : all) {
    for (const std::vector<Point>* points : {&series.predicted, &series.measured}) {
      for (const Point& point : *points) {
        xs.push_back(point.x);
        ys.push_back(point.y);
      }
    }
  }
  if (xs.empty()) return "";
  for (const Level& level : levels) {
    ys.push_back(level.predicted);
    ys.push_back(level.measured);
  }
  const Scale x = Scale::around(xs, kLeft, kPlotRight), y = Scale::around(ys, kPlotBottom, kTop);

  Svg svg(kWidth, kHeight,
          fmt::format("{}: {} over {}, {}", table.title, to_string(quantity), table.x, device.title));
  for (const double tick : y.ticks()) {
    svg.line(kLeft, y(tick), kPlotRight, y(tick), "grid");
    svg.text(kLeft - 8, y(tick) + 4, axis_text(quantity, tick), Anchor::end);
  }
  std::sort(xs.begin(), xs.end());
  xs.erase(std::unique(xs.begin(), xs.end()), xs.end());
  double last = -1e9;
  for (const double tick : xs) {
    svg.line(x(tick), kPlotBottom, x(tick), kPlotBottom + 4, "axis");
    if (x(tick) - last < 34) continue;  // the text would touch its neighbour
    last = x(tick);
    svg.text(x(tick), kPlotBottom + 18, fmt::format("{:g}", tick), Anchor::middle);
  }
  svg.line(kLeft, kPlotBottom, kPlotRight, kPlotBottom, "axis");
  svg.line(kLeft, kTop, kLeft, kPlotBottom, "axis");
  svg.text((kLeft + kPlotRight) / 2, kHeight - 8, table.x, Anchor::middle, "label");

  double legend = kTop + 10;
  std::size_t color = 0;
  const auto add_to_legend = [&](const std::string& name) {
    svg.path(fmt::format("M{} {}h18", coordinate(kPlotRight + 14), coordinate(legend - 4)),
             fmt::format("step k{}", color % 8));
    svg.text(kPlotRight + 38, legend, name, Anchor::start, "label");
    legend += 20;
    ++color;
  };
  for (const Series& series : all) {
    draw_curve(svg, color, series.predicted, false, x, y);
    draw_curve(svg, color, series.measured, true, x, y);
    add_to_legend(series.name);
  }
  for (const Level& level : levels) {
    const auto across = [&](double value) { return std::vector<Point>{{x.low(), value}, {x.high(), value}}; };
    if (level.predicted > 0)
      svg.path(line(across(level.predicted), x, y), fmt::format("step k{} dashed", color % 8));
    if (level.measured > 0) svg.path(line(across(level.measured), x, y), fmt::format("step k{}", color % 8));
    add_to_legend(level.name);
  }
  svg.path(fmt::format("M{} {}h18", coordinate(kPlotRight + 14), coordinate(legend - 4)),
           "step faint-line dashed");
  svg.text(kPlotRight + 38, legend, "predicted", Anchor::start);
  return svg.str();
}

std::string standalone(const std::string& chart) {
  static constexpr const char* kColors[] = {"#1f6fb8", "#c4610a", "#23865a", "#8250c4",
                                            "#c0376b", "#0e8493", "#85682b", "#5f6b7a"};
  std::string style =
      "svg{background:#fff;font:12px sans-serif}text{fill:#5b6470}.label{fill:#1b1f24}.axis{stroke:#5b6470}"
      ".grid{stroke:#e9ecf0}.step{fill:none;stroke-width:2;stroke-linejoin:round}"
      ".dashed{stroke-dasharray:5 4;stroke-width:1.4}.dot{stroke-width:6;stroke-linecap:round}"
      ".faint-line{stroke:#5b6470}";
  for (std::size_t i = 0; i < std::size(kColors); ++i)
    style += fmt::format(".k{}{{stroke:{}}}", i, kColors[i]);
  const std::size_t inside = chart.find('>') + 1;
  std::string head = chart.substr(0, inside);
  head.insert(4, " xmlns=\"http://www.w3.org/2000/svg\"");
  return head + "<style>" + style + "</style>" + chart.substr(inside) + "\n";
}

}  // namespace weir::comparison
