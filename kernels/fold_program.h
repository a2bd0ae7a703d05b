// Block programs with everything that is known replaced by its value. Private to kernels/.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/candidate.h"

namespace weir {

// The first `known_slots` slots of `frame` are constants. Lets that turn out constant are written to the
// frame and dropped; a branch whose condition is constant is replaced by its actions, and a loop that never
// runs is dropped.
std::vector<Action> fold_program(const std::vector<Action>& actions, std::vector<std::int64_t>& frame,
                                 std::size_t known_slots,
                                 const std::vector<std::vector<std::int64_t>>& tables,
                                 const std::vector<FormulaRange>& formulas);

}  // namespace weir
