// Documents with tables that a command writes. Such a table stands between two lines,
//
//   <!-- weir compare profiles/workloads/paper/figure3.yaml --table figure3-time -->
//   <!-- end of weir compare -->
//
// of which the first is the command that writes it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::comparison {

// Writes one table: from the words after "weir compare" to what stands between the lines.
using WriteTable = std::function<Result<std::string>(const std::vector<std::string>& arguments)>;

// The document with all its tables written again. Errors: those of `write`, and usage for a table without an
// end, with the line.
Result<std::string> with_tables(std::string_view document, const WriteTable& write);

}  // namespace weir::comparison
