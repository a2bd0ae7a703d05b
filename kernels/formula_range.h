// What a bool formula is over a box of its variables, by interval arithmetic: the same rules, from the same
// text, as config::<name>_range in kernels. Evaluated for every tile of a prediction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

namespace formula {

// `none` and `all` are certain for every point of the box, `some` is not: it also stands for what the rules
// cannot tell.
enum class Range { none, some, all };

}  // namespace formula

// Immutable, and safe to share between threads.
class FormulaRange {
 public:
  FormulaRange() = default;  // always true, of no variables

  // `bounds` holds the first and the last value of each variable in turn, bounds() numbers in all.
  formula::Range over(const std::int64_t* box) const;
  int bounds() const { return bounds_; }
  // The value, if it is the same for every box.
  std::optional<formula::Range> constant() const;

 private:
  friend class FormulaRangeBuilder;
  struct Step {
    int operation = 0;  // a FormulaOperator
    int type = 0;       // of its operands, a FormulaType
    int a = -1, b = -1, c = -1;
    std::int64_t integer = 0;
    double real = 0;
  };
  std::vector<Step> steps_;  // operands first; the last one is the result
  int bounds_ = 0;
};

}  // namespace weir
