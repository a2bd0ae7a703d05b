// Bounds that no cache can beat or exceed: what a candidate touches, and what it asks for.
#pragma once

#include <span>

#include "base/prediction.h"
#include "kernels/candidate.h"
#include "simulator/cells.h"
#include "simulator/flat_program.h"

namespace weir {

// Walks every work item once, without time or cache. Throws ExpressionError, ProgramError.
Bounds bounds_of(const Candidate& candidate, std::span<const FlatProgram> programs, const CellSpace& cells);

}  // namespace weir
