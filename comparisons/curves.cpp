#include "comparisons/curves.h"

#include <cmath>

namespace weir::comparison {

std::optional<double> exponent(const std::vector<Point>& points) {
  double x_mean = 0, y_mean = 0;
  for (const Point& p : points) {
    x_mean += std::log(p.x) / static_cast<double>(points.size());
    y_mean += std::log(p.y) / static_cast<double>(points.size());
  }
  double xx = 0, xy = 0;
  for (const Point& p : points) {
    const double x = std::log(p.x) - x_mean;
    xx += x * x;
    xy += x * (std::log(p.y) - y_mean);
  }
  if (!(xx > 1e-12)) return std::nullopt;
  return xy / xx;
}

std::vector<double> crossings(const std::vector<Point>& a, const std::vector<Point>& b) {
  // The logarithm of the ratio, at common x, and the last of these at which it was not 0.
  struct Difference {
    double x, value;
  };
  std::optional<Difference> last;
  std::vector<double> result;
  auto other = b.begin();
  for (const Point& p : a) {
    while (other != b.end() && other->x < p.x) ++other;
    if (other == b.end()) break;
    if (other->x != p.x) continue;
    const Difference here{std::log(p.x), std::log(p.y / other->y)};
    if (here.value == 0) continue;
    if (last && (last->value < 0) != (here.value < 0)) {
      const double share = last->value / (last->value - here.value);
      result.push_back(std::exp(last->x + share * (here.x - last->x)));
    }
    last = here;
  }
  return result;
}

}  // namespace weir::comparison
