// The accesses of a walk as runs of bytes in an address space, for the line oracle.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/candidate.h"
#include "simulator/cells.h"
#include "simulator/line_cache.h"

namespace weir {

class LineTrace {
 public:
  LineTrace(const Candidate& candidate, const LineCacheParameters& parameters);

  void access(const Action& action, const Box& box, int side);
  // Reads every tensor once, in order, each page from the other side than the last.
  void warm();

  const LineCache& cache() const { return cache_; }

 private:
  struct Tensor {
    std::int64_t address = 0;  // of the first element, bytes
    std::int64_t bytes = 0;
    std::int64_t element_bytes = 1;
    std::vector<std::int64_t> strides;  // bytes
    int contiguous = -1;                // the dimension of stride 1, or -1
  };

  std::vector<Tensor> tensors_;
  LineCache cache_;
};

}  // namespace weir
