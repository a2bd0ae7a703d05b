// Tuned problems beside one that was not tuned.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernels/definition.h"
#include "store/store.h"

namespace weir {

// A tuned problem near another one.
struct Neighbour {
  const StoredPick* pick = nullptr;
  double doublings = 0;  // how far: length of the vector of log2(asked / tuned) over the sizes
};

// The picks whose problem differs from `asked` in nothing but its sizes, which are the positive integers that
// kernels take at run time, and in the entries of tables; by at most three doublings. Nearest first; of
// equally near ones those with fewer predicted DRAM bytes first. Pointers are into `picks`.
std::vector<Neighbour> neighbours(const KernelDefinition& definition, const Problem& asked,
                                  const std::vector<StoredPick>& picks);

}  // namespace weir
