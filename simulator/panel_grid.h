// Tensors as the fast mode sees them: panels, which loops stream through, cut into buckets.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/item_pieces.h"

namespace weir {

// Items of a launch that are looked at to find out what the others are like.
inline constexpr std::int64_t kProbedItems = 16;

// One tensor in panels, and panels in buckets.
struct PanelGrid {
  int rank = 0;
  int axis = -1;                         // the dimension along which loops stream, or -1
  std::array<std::int64_t, 8> cell{};    // elements, along each dimension; of the axis: a bucket
  std::array<std::int64_t, 8> count{};   // cells along each dimension
  std::array<std::int64_t, 8> stride{};  // in bucket numbers
  std::array<int, 8> shift{};            // log2 of cell, or -1
  std::int64_t first = 0;                // number of its first bucket among those of all tensors
  float even_bytes = 0;                  // of a bucket, if all are alike; else 0
  std::int64_t buckets = 0;              // of all panels

  std::int64_t cell_at(int d, std::int64_t element) const {
    const auto dimension = static_cast<std::size_t>(d);
    return shift[dimension] >= 0 ? element >> shift[dimension] : element / cell[dimension];
  }
};

// By tensor, without buckets where the kernel never touches it. Looks at a few items of every launch;
// `readers` are the launches'. Throws ExpressionError, ProgramError.
std::vector<PanelGrid> make_panel_grids(const DeviceProfile& profile, const Candidate& candidate,
                                        std::span<const FlatProgram> programs,
                                        std::span<PieceReader> readers);

// What DRAM moves for a bucket, which is numbered as in the grid.
double bucket_bytes(const PanelGrid& grid, const TensorLayout& tensor, std::int64_t bucket,
                    std::int64_t granule_bytes);

}  // namespace weir
