// The rules of intervals on the host. Private to kernels/formula*.cpp.
#pragma once

#include <cmath>

#include "kernels/formula_range.h"

namespace weir::formula {

#define WEIR_FORMULA_FUNCTION [[maybe_unused]] static inline
using std::exp, std::exp2, std::floor, std::log, std::log2, std::pow, std::sqrt, std::tanh;
#include "kernels/formula_interval.inc"
#undef WEIR_FORMULA_FUNCTION

}  // namespace weir::formula

namespace weir {

// Of a constant as kernels have it, rounded to float.
formula::Real real_constant_range(double value);

}  // namespace weir
