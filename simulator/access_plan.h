// An access of a block program with everything that does not change from one execution to the next worked
// out.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/candidate.h"
#include "simulator/cells.h"

namespace weir {

class AccessPlan {
 public:
  AccessPlan(const Action& action, const FlatProgram::Stream& stream, const CellSpace& cells)
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
      varying_[varying_count_++] = {.start = &action.start[d],
                                    .extent = extents[d],
                                    .per_iteration = streams ? extents[d] : 0,
                                    .backward = streams && !stream.forward ? extents[d] : 0,
                                    .dimension = dimension};
    }
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
    if (!constant_extent_) return false;
    std::int64_t id = first_;
    for (int i = 0; i < varying_count_; ++i) {
      const Varying& varying = varying_[i];
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
    CellGrid::Dimension dimension;
  };
  const CellGrid* grid_;
  FlatProgram::Stream stream_;
  CellId first_;
  bool constant_extent_ = false;
  double bytes_ = 0;
  double sector_bytes_ = 0;
  int varying_count_ = 0;
  std::array<Varying, kMaxRank> varying_;
};

}  // namespace weir
