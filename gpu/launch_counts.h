// From counter values of single launches to a candidate's Counters. Pure functions of numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/measurement.h"
#include "base/result.h"

namespace weir {

using MetricValues = std::map<std::string, double>;  // by CUPTI name

// `repeats` holds the values of each launch for each repeat. Of one launch every metric is kept; of several,
// those that add up (".sum") are the candidate's, and each launch has its own medians as well. The error
// names a metric that Counters needs and that gave no number.
Result<Counters> counters_of(const std::vector<std::string>& launches,
                             const std::vector<std::vector<MetricValues>>& repeats);

}  // namespace weir
