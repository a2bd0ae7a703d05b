// The rule by which a result is right. Pure functions of numbers.
#pragma once

#include <string>

#include "base/measurement.h"
#include "gpu/utility_kernels.h"
#include "kernels/candidate.h"

namespace weir {

// Half the distance between neighbouring values, relative to them; 0 for integers.
double unit_roundoff(Element element);

// How far the straightforward low-precision computation is from the exact one, for one tensor.
struct ReferenceError {
  double rms_error = 0;
  double rms_reference = 0;
  double largest_error = 0;
  double largest_reference = 0;

  bool operator==(const ReferenceError&) const = default;
};
ReferenceError reference_error(const Comparison& low_against_exact, std::int64_t elements);

// Passes if the root mean square error is at most twice the low-precision computation's plus one rounding of
// the output type at the reference's rms, if no single element is off by more than four times that
// computation's largest error plus four roundings at the largest value, and if NaN and infinities are exactly
// where the exact reference has them. The bound on single elements finds a few wrong ones among millions,
// which an average hides. Leaves out: how errors are distributed within the tensor.
Verification judge(const TensorLayout& tensor, const Comparison& result_against_exact,
                   const ReferenceError& low);

// Why a result that must not depend on the order of threads is wrong: two runs on the same inputs gave other
// bits.
std::string nondeterminism(const TensorLayout& tensor);

// The row-major index as "[2, 17]".
std::string index_text(const TensorLayout& tensor, std::int64_t index);

}  // namespace weir
