// Loops whose iterations read neighbouring tiles, one after the other: several of them are walked as one
// step.
#pragma once

#include <span>

#include "kernels/candidate.h"
#include "simulator/flat_program.h"

namespace weir {

// Sets `batch` of such loops and `stream` of their accesses. A loop qualifies if its body is loads and
// amounts of work only, all extents and amounts are constant, and each load moves by exactly its own extent
// along one dimension, or not at all, from one iteration to the next. That is observed, on whole items and on
// the beginnings of many. Throws ExpressionError, ProgramError.
void find_streams(const Candidate& candidate, std::span<FlatProgram> programs);

}  // namespace weir
