// A table's rows as curves.
#pragma once

#include <string>
#include <vector>

#include "comparisons/curves.h"
#include "comparisons/evaluate.h"

namespace weir::comparison {

struct Series {
  std::string name;
  std::vector<Point> predicted;  // ascending in x
  std::vector<Point> measured;
};

// The series of a group in the order of the rows, of those rows that have an x.
std::vector<Series> series_of(const Comparison& comparison, const Table& table, const std::string& group,
                              const DeviceResult& device, Quantity quantity);

// The groups of the rows that the table shows, in their order.
std::vector<std::string> groups_of(const Comparison& comparison, const Table& table);

}  // namespace weir::comparison
