#include "reports/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"

namespace weir::report {
namespace {

const char* name(Anchor anchor) {
  switch (anchor) {
    case Anchor::start:
      return "start";
    case Anchor::middle:
      return "middle";
    case Anchor::end:
      return "end";
  }
  return "start";
}

}  // namespace

Scale Scale::linear(double low, double high, double from, double to) {
  return {false, low, high, from, to};
}
Scale Scale::logarithmic(double low, double high, double from, double to) {
  return {true, low, high, from, to};
}

Scale Scale::around(const std::vector<double>& values, double from, double to) {
  double low = HUGE_VAL, high = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (high == 0) return linear(0, 1, from, to);
  if (high / low > 4) return logarithmic(low / 1.15, high * 1.15, from, to);
  const double air = std::max((high - low) * 0.08, high * 0.01);
  return linear(low - air, high + air, from, to);
}

double Scale::position(double value) const {
  return is_logarithmic_ ? (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_))
                         : (value - low_) / (high_ - low_);
}

double Scale::operator()(double value) const {
  if (std::isnan(value)) value = low_;
  return from_ + position(std::clamp(value, low_, high_)) * (to_ - from_);
}

std::vector<double> Scale::ticks(int about) const {
  std::vector<double> result;
  if (is_logarithmic_) {
    const int first = static_cast<int>(std::floor(std::log10(low_)));
    const int decades = static_cast<int>(std::floor(std::log10(high_))) - first + 1;
    const std::vector<double> steps = decades * 3 <= about + 3   ? std::vector<double>{1, 2, 5}
                                      : decades * 2 <= about + 2 ? std::vector<double>{1, 3}
                                                                 : std::vector<double>{1};
    const int stride = 1 + decades / (2 * about);
    for (int power = first; power < first + decades; power += stride) {
      for (const double step : steps) {
        const double tick = step * std::pow(10, power);
        if (contains(tick)) result.push_back(tick);
      }
    }
    return result;
  }
  const double rough = (high_ - low_) / about;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power > 7 ? 10 : rough / power > 3 ? 5 : rough / power > 1.5 ? 2 : 1);
  for (double i = std::ceil(low_ / step); i * step <= high_; ++i) result.push_back(i * step);
  return result;
}

std::string coordinate(double value) {
  std::string result = fmt::format("{:.1f}", value);
  if (result.ends_with(".0")) result.resize(result.size() - 2);
  return result == "-0" ? "0" : result;
}

Svg::Svg(double width, double height, std::string_view label)
    : body_(fmt::format(
          "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{2}\">",
          coordinate(width), coordinate(height), html_escape(label))) {}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>", coordinate(x1),
                       coordinate(y1), coordinate(x2), coordinate(y2), css_class);
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view css_class,
                    std::optional<std::size_t> row) {
  body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\"{}/>", coordinate(x),
                       coordinate(y), coordinate(width), coordinate(height), css_class,
                       row ? fmt::format(" data-row=\"{}\"", *row) : "");
}

void Svg::text(double x, double y, std::string_view content, Anchor anchor, std::string_view css_class) {
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\" class=\"{}\">{}</text>", coordinate(x),
                       coordinate(y), name(anchor), css_class, html_escape(content));
}

void Svg::vertical_text(double x, double y, std::string_view content, std::string_view css_class) {
  body_ += fmt::format(
      "<text transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\" class=\"{}\">{}</text>",
      coordinate(x), coordinate(y), css_class, html_escape(content));
}

void Svg::path(std::string_view commands, std::string_view css_class) {
  body_ += fmt::format("<path d=\"{}\" class=\"{}\"/>", commands, css_class);
}

void Svg::mark(Mark mark, double x, double y, double radius, std::string_view css_class, std::size_t row) {
  const std::string at = coordinate(x) + " " + coordinate(y);
  const std::string r = coordinate(radius);
  // All four have about the same area.
  const std::string half = coordinate(radius * 0.89), wide = coordinate(radius * 1.25);
  const std::string side = coordinate(radius * 1.78), span = coordinate(radius * 2.5);
  std::string shape;
  switch (mark) {
    case Mark::circle:
      body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{}\" data-row=\"{}\"/>",
                           coordinate(x), coordinate(y), r, css_class, row);
      return;
    case Mark::square:
      shape = fmt::format("m-{0}-{0}h{1}v{1}h-{1}z", half, side);
      break;
    case Mark::triangle:
      shape = fmt::format("m0-{0}l{0} {1}h-{2}z", wide, side, span);
      break;
    case Mark::diamond:
      shape = fmt::format("m0-{0}l{0} {0}l-{0} {0}l-{0}-{0}z", wide);
      break;
  }
  body_ += fmt::format("<path d=\"M{}{}\" class=\"{}\" data-row=\"{}\"/>", at, shape, css_class, row);
}

void Svg::begin_group(std::string_view css_class) {
  body_ += fmt::format("<g class=\"{}\">", css_class);
}
void Svg::end_group() {
  body_ += "</g>";
}

}  // namespace weir::report
