// An access of a block program with everything that does not change from one execution to the next worked
// out.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "kernels/candidate.h"
#include "simulator/cells.h"

namespace weir {

class AccessPlan {
 public:
  // `loop_slot`: of the variable of the loop that the access is directly in, or -1.
  AccessPlan(const Action& action, const FlatProgram::Stream& stream, const CellSpace& cells, int loop_slot)
      : grid_(&cells.grids[static_cast<std::size_t>(action.tensor)]), stream_(stream), first_(grid_->first) {
    std::array<std::int64_t, kMaxRank> extents{};
    constant_extent_ = true;
    for (int d = 0; d < grid_->rank; ++d) constant_extent_ &= action.extent[d].is_constant();
    if (!constant_extent_) return;
    bytes_ = static_cast<double>(grid_->element_bytes);
    for (int d = 0; d < grid_->rank; ++d) {
      extents[d] = action.extent[d].constant();
      bytes_ *= static_cast<double>(extents[d]);
      const CellGrid::Dimension& dimension = grid_->dimensions[d];
      const bool always_all = action.start[d].is_constant() && action.start[d].constant() == 0 &&
                              extents[d] == dimension.size && dimension.count == 1;
      if (always_all) continue;
      const bool streams = d == stream.dimension;
      const std::vector<int> slots = action.start[d].slots();
      varying_[varying_count_++] = {.start = &action.start[d],
                                    .extent = extents[d],
                                    .per_iteration = streams ? extents[d] : 0,
                                    .backward = streams && !stream.forward ? extents[d] : 0,
                                    .moves = std::ranges::find(slots, loop_slot) != slots.end(),
                                    .dimension = dimension};
    }
    fixed_count_ =
        static_cast<int>(std::stable_partition(varying_.begin(), varying_.begin() + varying_count_,
                                               [](const Varying& varying) { return !varying.moves; }) -
                         varying_.begin());
    sector_bytes_ = grid_->sector_bytes_of(extents);
  }

  const CellGrid& grid() const { return *grid_; }

  // Of the whole tile, in elements and in sectors. Precondition: find_cell() succeeded once, or box() is not
  // clipped and constant_extent().
  double bytes() const { return bytes_; }
  double sector_bytes() const { return sector_bytes_; }
  bool constant_extent() const { return constant_extent_; }

  // The usual case: what `batch` iterations read is inside the tensor and inside one cell. False if it is not
  // so, or not known beforehand.
  bool find_cell(const Frame& frame, std::int64_t batch, CellId& cell) const {
    return find_row(frame, cell) && find_in_row(frame, batch, cell);
  }
  // The same in two parts: what stays while the loop runs, once, and what moves, for each batch.
  bool find_row(const Frame& frame, CellId& row) const {
    row = first_;
    return constant_extent_ && add_cells(0, fixed_count_, frame, 1, row);
  }
  bool find_in_row(const Frame& frame, std::int64_t batch, CellId& cell) const {
    return add_cells(fixed_count_, varying_count_, frame, batch, cell);
  }

  // What `batch` iterations access together, clipped at the tensor's edges.
  Box box(const Action& action, const Frame& frame, std::int64_t batch) const {
    Box box;
    for (int d = 0; d < grid_->rank; ++d) {
      std::int64_t start = action.start[d].evaluate(frame), extent = action.extent[d].evaluate(frame);
      if (d == stream_.dimension) {
        if (!stream_.forward) start -= extent * (batch - 1);
        extent *= batch;
      }
      box.low[d] = std::max<std::int64_t>(0, start);
      box.high[d] = std::min(start + extent, grid_->dimensions[d].size);
      box.empty |= box.high[d] <= box.low[d];
    }
    return box;
  }

  // How often the box is accessed by a batch.
  std::int64_t repeats(std::int64_t batch) const { return stream_.dimension < 0 ? batch : 1; }

 private:
  struct Varying {
    const Expression* start = nullptr;
    std::int64_t extent = 0;
    std::int64_t per_iteration = 0;  // what each further iteration of a batch adds,
    std::int64_t backward = 0;       // and how much of it lies before the first
    bool moves = false;              // while its loop runs
    CellGrid::Dimension dimension;
  };

  bool add_cells(int from, int to, const Frame& frame, std::int64_t batch, CellId& cell) const {
    std::int64_t id = cell;
    for (int i = from; i < to; ++i) {
      const Varying& varying = varying_[static_cast<std::size_t>(i)];
      const std::int64_t low = varying.start->evaluate(frame) - varying.backward * (batch - 1);
      const std::int64_t last = low + varying.extent + varying.per_iteration * (batch - 1) - 1;
      if (low < 0 || last >= varying.dimension.size || last < low) return false;
      const std::int64_t at = varying.dimension.cell_at(low);
      if (varying.dimension.cell_at(last) != at) return false;
      id += at * varying.dimension.stride;
    }
    cell = static_cast<CellId>(id);
    return true;
  }

  const CellGrid* grid_;
  FlatProgram::Stream stream_;
  CellId first_;
  bool constant_extent_ = false;
  double bytes_ = 0;
  double sector_bytes_ = 0;
  int fixed_count_ = 0;  // of varying_: those that stay while the loop runs come first
  int varying_count_ = 0;
  std::array<Varying, kMaxRank> varying_;
};

}  // namespace weir
