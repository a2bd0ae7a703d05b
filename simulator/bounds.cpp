#include "simulator/bounds.h"

#include <algorithm>

#include "simulator/work.h"

namespace weir {
namespace {

class Counter {
 public:
  Counter(const Candidate& candidate, const CellSpace& cells)
      : candidate_(candidate), cells_(cells), read_(cells.bytes.size()), written_(cells.bytes.size()) {}

  void access(int, const Action& action, const Frame& frame) {
    const CellGrid& grid = cells_.grids[action.tensor];
    const Box box = clip(action, grid, frame);
    if (box.empty) return;
    double bytes = static_cast<double>(grid.element_bytes);
    for (int d = 0; d < grid.rank; ++d) bytes *= static_cast<double>(box.high[d] - box.low[d]);
    bounds.sram_level_bytes += bytes;
    const bool reads = action.access != AccessKind::store, writes = action.access != AccessKind::load;
    const bool counts = candidate_.tensors[action.tensor].role != Role::scratch;
    for_each_cell(grid, box, [&](CellId cell, const auto&) {
      if (reads && !read_[cell] && !written_[cell]) bounds.compulsory_bytes += cells_.bytes[cell];
      if (writes && !written_[cell] && counts) bounds.compulsory_bytes += cells_.stored[cell];
      read_[cell] = read_[cell] || reads;
      written_[cell] = written_[cell] || writes;
    });
  }
  void compute(const Action&, const Frame&) {}

  Bounds bounds;

 private:
  const Candidate& candidate_;
  const CellSpace& cells_;
  std::vector<bool> read_, written_;
};

}  // namespace

Bounds bounds_of(const Candidate& candidate, std::span<const FlatProgram> programs, const CellSpace& cells) {
  Counter counter(candidate, cells);
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const Launch& launch = candidate.launches[i];
    ItemFrame frame(launch, programs[i], candidate);
    for (std::int64_t item = 0; item < launch.work_items; ++item) {
      frame.set(item, item % block_count(launch));
      Position position;
      while (run_step(programs[i], position, frame.frame(), counter)) {
      }
    }
  }
  counter.bounds.lower_bound_bytes = candidate.lower_bound_bytes;
  counter.bounds.lower_bound_source = candidate.lower_bound_source;
  return counter.bounds;
}

}  // namespace weir
