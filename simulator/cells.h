// Tensors cut into cells, the objects of the cache: per dimension, the largest extent that no tile of the
// kernel cuts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/flat_program.h"
#include "simulator/l2_cache.h"

namespace weir {

inline constexpr int kMaxRank = 8;

// What DRAM moves for a run of contiguous bytes that begins where a cell does: whole granules, on average
// over the places where rows begin. Rows that lie closer than a granule share it.
struct DramRuns {
  bool packed = false;          // nothing lies between runs
  std::int64_t granule = 64;    // bytes
  std::int64_t alignment = 64;  // bytes: divides the start of every row, at most a granule
  std::int64_t row_bytes = 0;   // from a row to the next one; 0: there is one row

  DramRuns() = default;
  DramRuns(const TensorLayout& tensor, std::int64_t granule_bytes);
  double bytes(std::int64_t run_bytes) const;
};

// One tensor's cells, numbered from `first` in row-major order.
struct CellGrid {
  struct Dimension {
    std::int64_t size = 1;    // elements
    std::int64_t cell = 1;    // elements
    int shift = 0;            // log2 of cell, or -1
    std::int64_t count = 1;   // cells
    std::int64_t stride = 1;  // in cell numbers

    std::int64_t cell_at(std::int64_t element) const {
      return shift >= 0 ? element >> shift : element / cell;
    }
  };
  int rank = 0;
  std::array<Dimension, kMaxRank> dimensions;
  CellId first = 0;
  std::int64_t cells = 0;  // 0: the kernel never touches the tensor
  bool in_parts = false;   // tiles begin or end inside of cells, other than those of a batch

  int contiguous = -1;  // the dimension of stride 1, or -1
  bool packed = false;  // nothing lies between runs along `contiguous`
  DramRuns runs;
  std::int64_t element_bytes = 1;
  std::int64_t run_alignment = 1;  // bytes: divides the start of every run, at most a sector
  std::int64_t sector_bytes = 32;

  // Bytes of the sectors that a box of these extents touches, on average over its alignments.
  double sector_bytes_of(std::span<const std::int64_t> extents) const;
};

// A box clipped at the tensor's edges: elements [low, high) per dimension.
struct Box {
  std::array<std::int64_t, kMaxRank> low;
  std::array<std::int64_t, kMaxRank> high;
  bool empty = false;
  bool clipped = false;
};

inline Box clip(const Action& access, const CellGrid& grid, const Frame& frame) {
  Box box;
  for (int d = 0; d < grid.rank; ++d) {
    const std::int64_t start = access.start[d].evaluate(frame);
    const std::int64_t end = start + access.extent[d].evaluate(frame);
    box.low[d] = std::max<std::int64_t>(0, start);
    box.high[d] = std::min(end, grid.dimensions[d].size);
    box.empty |= box.high[d] <= box.low[d];
    box.clipped |= box.low[d] != start || box.high[d] != end;
  }
  return box;
}

// The share that a box takes of the cells at `at`, which it touches.
inline float part_of_cell(const CellGrid& grid, const Box& box,
                          const std::array<std::int64_t, kMaxRank>& at) {
  float part = 1;
  for (int d = 0; d < grid.rank; ++d) {
    const CellGrid::Dimension& dimension = grid.dimensions[d];
    const std::int64_t low = at[d] * dimension.cell, high = std::min(dimension.size, low + dimension.cell);
    const std::int64_t inside = std::min(box.high[d], high) - std::max(box.low[d], low);
    if (inside < high - low) part *= static_cast<float>(inside) / static_cast<float>(high - low);
  }
  return part;
}

struct CellSpace {
  std::vector<CellGrid> grids;  // by tensor
  std::vector<float> bytes;     // by cell: what DRAM moves for it, in whole granules
  std::vector<float> stored;    // by cell: its elements
  CellId cells() const { return static_cast<CellId>(bytes.size()); }
  int tensor_of(CellId cell) const;
};

// Samples the work items of all launches for the places where tiles begin and end. Throws ExpressionError,
// ProgramError.
CellSpace make_cells(const Candidate& candidate, std::span<const FlatProgram> programs,
                     const DeviceProfile& profile);

// Calls visit(cell, at) for every cell of the box: its number, and its place along each dimension.
template <typename Visit>
void for_each_cell(const CellGrid& grid, const Box& box, Visit&& visit) {
  std::array<std::int64_t, kMaxRank> first, last, at;
  CellId id = grid.first;
  bool single = true;
  for (int d = 0; d < grid.rank; ++d) {
    const CellGrid::Dimension& dimension = grid.dimensions[d];
    first[d] = at[d] = dimension.cell_at(box.low[d]);
    last[d] = dimension.cell_at(box.high[d] - 1);
    single &= first[d] == last[d];
    id += static_cast<CellId>(first[d] * dimension.stride);
  }
  if (single) {
    visit(id, at);
    return;
  }
  for (;;) {
    visit(id, at);
    int d = grid.rank - 1;
    while (d >= 0 && at[d] == last[d]) {
      id -= static_cast<CellId>((last[d] - first[d]) * grid.dimensions[d].stride);
      at[d] = first[d];
      --d;
    }
    if (d < 0) return;
    ++at[d];
    id += static_cast<CellId>(grid.dimensions[d].stride);
  }
}

}  // namespace weir
