// What curves over a common x have to say: all on logarithmic axes, where a power is a line.
#pragma once

#include <optional>
#include <vector>

namespace weir::comparison {

struct Point {
  double x = 0, y = 0;  // both above 0
};

// The exponent e of y = c · x^e, by least squares of the logarithms; nullopt for fewer than two different x.
std::optional<double> exponent(const std::vector<Point>& points);

// Where the curves through the points, straight between neighbours, cross: at the x that both have. Each x at
// which the order changes; a touch is none. Precondition: both ascend in x.
std::vector<double> crossings(const std::vector<Point>& a, const std::vector<Point>& b);

}  // namespace weir::comparison
