// Reads what ptxas reports of each entry function (--ptxas-options=-v).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/measurement.h"

namespace weir {

struct EntryResources {
  std::string entry;
  Resources resources;

  bool operator==(const EntryResources&) const = default;
};

// One element per entry function, in the order of the log. What functions that were not inlined spill is
// counted for every entry: the log does not say who calls them.
std::vector<EntryResources> parse_compile_log(std::string_view log);

// The line in which ptxas says that it serialises matrix products of warpgroups or ignores setmaxnreg: such
// code is right, and no candidate. Empty if there is none.
std::string compile_fault(std::string_view log);

}  // namespace weir
