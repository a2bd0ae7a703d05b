// Curves over x as SVG.
#pragma once

#include <string>

#include "comparisons/evaluate.h"

namespace weir::comparison {

// Of one group and device: measured values as dots on a line, predicted ones as a dashed line; series without
// x are horizontal lines. Both axes are logarithmic where they span more than a factor of four. Classes are
// those of the report's page. Empty where there is nothing to draw.
std::string chart(const Comparison& comparison, const Table& table, const std::string& group,
                  Quantity quantity, const DeviceResult& device);

// The chart as a file of its own: with its colors, on white.
std::string standalone(const std::string& chart);

}  // namespace weir::comparison
