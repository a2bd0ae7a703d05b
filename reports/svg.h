// Drawing: axes' scales and an SVG element that is written front to back. Colors and strokes are CSS classes
// of html_style.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::report {

// Maps a value to a coordinate, linearly or by logarithm. Values outside [low, high] are drawn at the nearer
// end.
class Scale {
 public:
  // Precondition: low < high, and low > 0 for a logarithmic one.
  static Scale linear(double low, double high, double from, double to);
  static Scale logarithmic(double low, double high, double from, double to);
  // For showing differences among positive values: logarithmic where they span more than a factor of four,
  // else linear without a zero; both with some air. Works for any values, also none or equal ones.
  static Scale around(const std::vector<double>& values, double from, double to);

  double operator()(double value) const;
  bool contains(double value) const { return value >= low_ && value <= high_; }
  double low() const { return low_; }
  double high() const { return high_; }
  // Round values inside the range: 1, 2, 5 times powers of ten; powers of ten alone where a logarithmic range
  // is wide.
  std::vector<double> ticks(int about = 5) const;

 private:
  Scale(bool is_logarithmic, double low, double high, double from, double to)
      : is_logarithmic_(is_logarithmic), low_(low), high_(high), from_(from), to_(to) {}
  double position(double value) const;

  bool is_logarithmic_;
  double low_, high_, from_, to_;
};

enum class Anchor { start, middle, end };
enum class Mark { circle, square, triangle, diamond };

class Svg {
 public:
  // `label` is read out instead of the picture.
  Svg(double width, double height, std::string_view label);

  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void rectangle(double x, double y, double width, double height, std::string_view css_class,
                 std::optional<std::size_t> row = std::nullopt);
  void text(double x, double y, std::string_view content, Anchor anchor, std::string_view css_class = "");
  void vertical_text(double x, double y, std::string_view content, std::string_view css_class = "");
  void path(std::string_view commands, std::string_view css_class);
  // `row` is the record that a tooltip describes.
  void mark(Mark mark, double x, double y, double radius, std::string_view css_class, std::size_t row);
  void begin_group(std::string_view css_class);
  void end_group();

  std::string str() const { return body_ + "</svg>"; }

 private:
  std::string body_;
};

// "12.3", without trailing zeros.
std::string coordinate(double value);

}  // namespace weir::report
