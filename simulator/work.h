// Which block does which work item, and the frame that a work item's program reads.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/candidate.h"
#include "simulator/flat_program.h"

namespace weir {

inline std::int64_t block_count(const Launch& launch) {
  return launch.grid[0] * launch.grid[1] * launch.grid[2];
}
inline std::int64_t cluster_blocks(const Launch& launch) {
  return launch.cluster[0] * launch.cluster[1] * launch.cluster[2];
}

// The block at a place of the order in which the hardware starts blocks: clusters in linear order, a
// cluster's blocks together.
inline std::int64_t block_in_order(const Launch& launch, std::int64_t place) {
  const std::int64_t size = cluster_blocks(launch);
  if (size == launch.cluster[0]) return place;  // clusters along x are consecutive blocks already
  std::int64_t cluster = place / size, inside = place % size, block = 0, stride = 1;
  for (int d = 0; d < 3; ++d) {
    const std::int64_t clusters = launch.grid[d] / launch.cluster[d];
    block += (cluster % clusters * launch.cluster[d] + inside % launch.cluster[d]) * stride;
    cluster /= clusters;
    inside /= launch.cluster[d];
    stride *= launch.grid[d];
  }
  return block;
}

class ItemFrame {
 public:
  ItemFrame(const Launch& launch, const FlatProgram& program, const Candidate& candidate)
      : launch_(&launch), candidate_(&candidate), slots_(launch.program.frame) {
    slots_.resize(static_cast<std::size_t>(program.frame_size));
  }

  void set(std::int64_t item, std::int64_t block) {
    const BlockProgram& program = launch_->program;
    slots_[program.item_slot] = item;
    slots_[program.block_slot] = block;
    const std::int64_t row = launch_->grid[0] > 1 ? block / launch_->grid[0] : block;
    const std::int64_t layer = launch_->grid[1] > 1 ? row / launch_->grid[1] : row;
    slots_[program.block_x_slot] = block - row * launch_->grid[0];
    slots_[program.block_y_slot] = row - layer * launch_->grid[1];
    slots_[program.block_z_slot] = layer;
  }
  Frame frame() { return {slots_, candidate_->tables, candidate_->formulas}; }

 private:
  const Launch* launch_;
  const Candidate* candidate_;
  std::vector<std::int64_t> slots_;
};

}  // namespace weir
