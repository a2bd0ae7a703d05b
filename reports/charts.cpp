#include "reports/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reports/analysis.h"
#include "reports/format.h"
#include "reports/svg.h"

namespace weir::report {
namespace {

constexpr double kWidth = 560, kHeight = 500;
constexpr double kLeft = 74, kRight = 16, kTop = 14, kBottom = 52;
constexpr double kPlotRight = kWidth - kRight, kPlotBottom = kHeight - kBottom;

// Below this, DRAM traffic is noise of other clients of the memory; such values are drawn at the edge.
constexpr double kSmallestBytes = 1e5;

struct Point {
  std::size_t row = 0;
  double measured = 0, predicted = 0;
};

double measured(const Record& record, Quantity quantity) {
  const Counters& counters = record.measurement->counters;
  return quantity == Quantity::dram_reads ? counters.dram_read_bytes : counters.dram_write_bytes;
}

double predicted(const Record& record, Quantity quantity) {
  const Traffic& traffic = record.prediction->traffic;
  return quantity == Quantity::dram_reads ? traffic.dram_read_bytes : traffic.dram_write_bytes;
}

double error(const Record& record, Quantity quantity) {
  return quantity == Quantity::dram_reads ? read_error(record) : write_error(record);
}

Mark mark_of(Regime regime) {
  switch (regime) {
    case Regime::compulsory:
      return Mark::circle;
    case Regime::fits:
      return Mark::square;
    case Regime::transition:
      return Mark::triangle;
    case Regime::thrash:
      return Mark::diamond;
  }
  return Mark::circle;
}

std::size_t kernel_index(const std::vector<std::string>& kernels, const std::string& kernel) {
  return static_cast<std::size_t>(std::find(kernels.begin(), kernels.end(), kernel) - kernels.begin());
}

std::string color_class(std::size_t kernel) {
  return fmt::format("k{} kernel-{}", kernel % 8, kernel);
}

void draw_frame(Svg& svg) {
  svg.line(kLeft, kPlotBottom, kPlotRight, kPlotBottom, "axis");
  svg.line(kLeft, kTop, kLeft, kPlotBottom, "axis");
}

// The points of counted rows, in an order that is the same each time but mixes kernels: in the order of the
// records one kernel's marks would cover another's.
std::vector<Point> mixed_points(const std::vector<Record>& records, Quantity quantity) {
  std::vector<Point> points;
  for (std::size_t row = 0; row < records.size(); ++row) {
    if (!is_counted(records[row])) continue;
    points.push_back({row, measured(records[row], quantity), predicted(records[row], quantity)});
  }
  const auto place = [](const Point& point) { return static_cast<std::uint32_t>(point.row) * 2654435769u; };
  std::sort(points.begin(), points.end(),
            [&](const Point& a, const Point& b) { return place(a) < place(b); });
  return points;
}

void draw_marks(Svg& svg, const std::vector<Record>& records, const std::vector<std::string>& kernels,
                const std::vector<Point>& points, const Scale& x, const Scale& y,
                double (*height)(const Point&)) {
  svg.begin_group("marks");
  for (const Point& point : points) {
    const Record& record = records[point.row];
    svg.mark(mark_of(record.prediction->regime), x(point.measured), y(height(point)), 3.6,
             color_class(kernel_index(kernels, record.kernel)), point.row);
  }
  svg.end_group();
}

std::string diagonal_band(const Scale& x, const Scale& y, double low, double high) {
  // A factor is a shift on logarithmic axes; the plot's clip path cuts what sticks out.
  std::string points;
  const auto add = [&](double measured_bytes, double factor) {
    const double value = measured_bytes * factor;
    const double clipped = std::clamp(value, low, high);
    points += fmt::format("{}{} {}", points.empty() ? "M" : "L", coordinate(x(clipped / factor)),
                          coordinate(y(clipped)));
  };
  add(low, 1.1);
  add(high, 1.1);
  add(high, 1 / 1.1);
  add(low, 1 / 1.1);
  return points + "z";
}

}  // namespace

const char* to_string(Quantity quantity) {
  return quantity == Quantity::dram_reads ? "DRAM reads" : "DRAM writes";
}

std::vector<std::string> kernel_names(const ReportData& data) {
  std::vector<std::string> result;
  for (const KernelSummary& kernel : data.kernels) {
    if (result.empty() || result.back() != kernel.kernel) result.push_back(kernel.kernel);
  }
  return result;
}

std::string scatter(const std::vector<Record>& records, const std::vector<std::string>& kernels,
                    Quantity quantity) {
  const std::vector<Point> points = mixed_points(records, quantity);
  double low = HUGE_VAL, high = 0;
  std::size_t at_edge = 0;
  for (const Point& point : points) {
    at_edge += !(std::min(point.measured, point.predicted) >= kSmallestBytes);
    for (const double value : {point.measured, point.predicted}) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, std::max(value, kSmallestBytes));
      high = std::max(high, std::max(value, kSmallestBytes));
    }
  }
  if (points.empty()) return "";
  low /= 1.3;
  high *= 1.3;
  if (at_edge > 0) low = kSmallestBytes;

  const Scale x = Scale::logarithmic(low, high, kLeft, kPlotRight);
  const Scale y = Scale::logarithmic(low, high, kPlotBottom, kTop);
  Svg svg(kWidth, kHeight,
          fmt::format("{}: predicted against measured bytes of {} candidates, both axes logarithmic",
                      to_string(quantity), points.size()));
  svg.path(diagonal_band(x, y, low, high), "band");
  for (const double tick : x.ticks()) {
    svg.line(x(tick), kTop, x(tick), kPlotBottom, "grid");
    svg.line(kLeft, y(tick), kPlotRight, y(tick), "grid");
    const std::string label = at_edge > 0 && tick == low ? "≤ " + short_bytes(tick) : short_bytes(tick);
    svg.text(x(tick), kPlotBottom + 18, label, Anchor::middle);
    svg.text(kLeft - 8, y(tick) + 4, label, Anchor::end);
  }
  svg.line(x(low), y(low), x(high), y(high), "equality");
  draw_frame(svg);
  svg.text((kLeft + kPlotRight) / 2, kHeight - 10, fmt::format("measured {}", to_string(quantity)),
           Anchor::middle, "label");
  svg.vertical_text(14, (kTop + kPlotBottom) / 2, fmt::format("predicted {}", to_string(quantity)), "label");
  draw_marks(svg, records, kernels, points, x, y, [](const Point& point) { return point.predicted; });
  return svg.str();
}

std::string ratio_scatter(const std::vector<Record>& records, const std::vector<std::string>& kernels,
                          Quantity quantity) {
  constexpr double kSmallestMeasured = 1e6, kPlotHeight = 300, kFloor = kPlotHeight - kBottom;
  std::vector<Point> points = mixed_points(records, quantity);
  std::erase_if(points, [](const Point& point) { return !(point.measured >= kSmallestMeasured); });
  double low = HUGE_VAL, high = 0, widest = 1.25;
  for (const Point& point : points) {
    if (!std::isfinite(point.measured)) continue;
    low = std::min(low, point.measured);
    high = std::max(high, point.measured);
    const double ratio = point.predicted / point.measured;
    if (ratio > 0 && std::isfinite(ratio)) widest = std::max({widest, ratio, 1 / ratio});
  }
  if (high == 0) return "";
  widest = std::min(widest * 1.05, 4.0);
  const Scale x = Scale::logarithmic(low / 1.3, high * 1.3, kLeft, kPlotRight);
  const Scale y = Scale::logarithmic(1 / widest, widest, kFloor, kTop);
  Svg svg(kWidth, kPlotHeight,
          fmt::format("{}: ratio of predicted to measured bytes of {} candidates", to_string(quantity),
                      points.size()));
  svg.rectangle(kLeft, y(1.1), kPlotRight - kLeft, y(1 / 1.1) - y(1.1), "band");
  for (const double tick : x.ticks()) {
    svg.line(x(tick), kTop, x(tick), kFloor, "grid");
    svg.text(x(tick), kFloor + 18, short_bytes(tick), Anchor::middle);
  }
  for (const double tick : {0.25, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0}) {
    const bool is_crowded = widest > 2 && tick != 0.25 && tick != 0.5 && tick != 1 && tick != 2 && tick != 4;
    if (!y.contains(tick) || is_crowded) continue;
    if (tick != 1) svg.line(kLeft, y(tick), kPlotRight, y(tick), "grid");
    svg.text(kLeft - 8, y(tick) + 4, fmt::format("{:.2f}", tick), Anchor::end);
  }
  svg.line(kLeft, y(1), kPlotRight, y(1), "equality");
  svg.line(kLeft, kFloor, kPlotRight, kFloor, "axis");
  svg.line(kLeft, kTop, kLeft, kFloor, "axis");
  svg.text((kLeft + kPlotRight) / 2, kPlotHeight - 10, fmt::format("measured {}", to_string(quantity)),
           Anchor::middle, "label");
  svg.vertical_text(14, (kTop + kFloor) / 2, "predicted / measured", "label");
  draw_marks(svg, records, kernels, points, x, y,
             [](const Point& point) { return point.predicted / point.measured; });
  return svg.str();
}

std::string error_distribution(const std::vector<Record>& records, const std::vector<std::string>& kernels,
                               Quantity quantity) {
  std::vector<std::vector<double>> errors(kernels.size());
  double worst = 0;
  std::size_t count = 0;
  for (const Record& record : records) {
    if (!is_counted(record)) continue;
    const double value = error(record, quantity);
    errors[kernel_index(kernels, record.kernel)].push_back(value);
    if (std::isfinite(value)) worst = std::max(worst, value);
    ++count;
  }
  if (count == 0) return "";

  constexpr double kSmallestError = 0.001, kPlotHeight = 360;
  constexpr double kFloor = kPlotHeight - kBottom;
  const Scale x = Scale::logarithmic(kSmallestError, std::clamp(worst * 1.1, 0.5, 100.0), kLeft, kPlotRight);
  const Scale y = Scale::linear(0, 1, kFloor, kTop);
  Svg svg(kWidth, kPlotHeight,
          fmt::format("Share of candidates by relative error of the predicted {}", to_string(quantity)));
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 0.9, 1.0}) {
    svg.line(kLeft, y(tick), kPlotRight, y(tick), "grid");
    svg.text(kLeft - 8, y(tick) + 4, percent(tick, 0), Anchor::end);
  }
  for (const double tick : {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0}) {
    if (!x.contains(tick)) continue;
    svg.line(x(tick), kTop, x(tick), kFloor, tick == 0.1 ? "reference" : "grid");
    svg.text(x(tick), kFloor + 18, (tick == kSmallestError ? "≤ " : "") + percent(tick, tick < 0.01 ? 1 : 0),
             Anchor::middle);
  }
  svg.line(kLeft, kFloor, kPlotRight, kFloor, "axis");
  svg.text((kLeft + kPlotRight) / 2, kPlotHeight - 10,
           fmt::format("relative error of the predicted {}", to_string(quantity)), Anchor::middle, "label");
  svg.vertical_text(14, (kTop + kFloor) / 2, "candidates with at most this error", "label");
  for (std::size_t kernel = 0; kernel < kernels.size(); ++kernel) {
    std::vector<double>& sorted = errors[kernel];
    if (sorted.empty()) continue;
    std::sort(sorted.begin(), sorted.end());
    std::string steps = fmt::format("M{} {}", coordinate(kLeft), coordinate(y(0)));
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const double share = static_cast<double>(i + 1) / static_cast<double>(sorted.size());
      steps += fmt::format("H{}V{}", coordinate(x(sorted[i])), coordinate(y(share)));
    }
    svg.path(steps + fmt::format("H{}", coordinate(kPlotRight)), "step " + color_class(kernel));
  }
  return svg.str();
}

}  // namespace weir::report
