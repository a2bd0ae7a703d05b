// How tile sizes change traffic and time for one problem.
#pragma once

#include <string>
#include <vector>

#include "reports/analysis.h"
#include "reports/tunables.h"

namespace weir::report {

enum class HeatQuantity { predicted_reads, measured_reads, measured_time };

// A grid over the two most influential tunables (or the one there is). A cell shows its fastest candidate, so
// that the three quantities of a cell belong to one configuration. Predicted and measured reads share their
// colors. Precondition: at least one varied tunable. Empty where the quantity isn't known for any candidate.
std::string heat_map(const std::vector<Record>& records, const ProblemRows& problem,
                     const std::vector<VariedTunable>& tunables, HeatQuantity quantity);

// One column per tunable, most influential first (at most kStripTunables), one strip per value: every
// candidate's DRAM reads above, its time below, measured left and predicted right in each strip, with their
// medians.
inline constexpr std::size_t kStripTunables = 6;
std::string strips(const std::vector<Record>& records, const ProblemRows& problem,
                   const std::vector<VariedTunable>& tunables);

}  // namespace weir::report
