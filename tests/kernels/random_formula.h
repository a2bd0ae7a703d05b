// Random formulas that know their value: an interpreter of their own, apart from the library's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/formula.h"

namespace weir::test {

// score, q_index, k_index, head
struct Point {
  double score = 0;
  std::int64_t q_index = 0, k_index = 0, head = 0;
};

struct RandomFormula {
  std::string text;
  std::function<double(const Point&)> value;
};

// Inside rc::check. Integers stay small enough for 62 bits, and no divisor is 0.
RandomFormula random_integer(int depth);
RandomFormula random_condition(int depth);
// Smooth in the score but for the corners of abs, min, max and conditions, with values that a float can
// follow.
RandomFormula random_real(int depth);

// Of these variables; `gives_bool` without the score.
FormulaSignature signature(bool gives_bool);
std::vector<double> values(const Point& point, bool gives_bool);
// Parsed and bound, or the test stops.
Formula formula_or_stop(const std::string& text, bool gives_bool);

}  // namespace weir::test
