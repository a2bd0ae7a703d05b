// The tables of a comparison as text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "comparisons/evaluate.h"

namespace weir::comparison {

struct Grid {
  std::string title;
  std::vector<std::string> head;
  std::size_t texts = 1;  // so many columns are texts, the others numbers
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  // each a sentence
};

// One grid for each quantity and device of the layout `series`, else one. Numbers that are only predicted
// stand in columns of their own, or after "≈".
std::vector<Grid> grids(const Comparison& comparison, const Table& table,
                        const std::vector<DeviceResult>& devices);

std::string markdown(const Grid& grid);
std::string html(const Grid& grid);

// Three digits and a unit.
std::string text_of(Quantity quantity, double value);

}  // namespace weir::comparison
