// How many FLOPs a candidate's tensor cores execute.
#pragma once

#include "kernels/candidate.h"

namespace weir::comparison {

// The block program's tensor_flops, over all items of all launches. Throws ExpressionError, as every
// evaluation of a program does that a definition got wrong.
double executed_flops(const Candidate& candidate);

}  // namespace weir::comparison
