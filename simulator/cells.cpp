#include "simulator/cells.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "simulator/sampling.h"

namespace weir {
namespace {

constexpr std::int64_t kMaxCells = 1 << 20;      // of all tensors: bounds the memory
constexpr std::int64_t kMaxCellsPerAccess = 64;  // bounds the time

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Where tiles begin and end in one tensor.
struct Cuts {
  std::array<std::int64_t, kMaxRank> gcd{};     // of all places, 0 if there is none inside the tensor
  std::array<std::int64_t, kMaxRank> widest{};  // extent
};

// std::gcd(divisor, place). Once a few places have been seen, nearly all others are multiples of it.
std::int64_t common_divisor(std::int64_t divisor, std::int64_t place) {
  return divisor > 0 && place % divisor == 0 ? divisor : std::gcd(divisor, place);
}

class CutSampler {
 public:
  CutSampler(std::vector<CellGrid>& grids, std::vector<Cuts>& cuts) : grids_(grids), cuts_(cuts) {}

  void access(int, const Action& action, const Frame& frame) {
    const auto tensor = static_cast<std::size_t>(action.tensor);
    const CellGrid& grid = grids_[tensor];
    Cuts& cuts = cuts_[tensor];
    const Box box = clip(action, grid, frame);
    if (box.empty) return;
    for (int d = 0; d < grid.rank; ++d) {
      cuts.gcd[d] = common_divisor(cuts.gcd[d], box.low[d]);
      if (box.high[d] < grid.dimensions[d].size) cuts.gcd[d] = common_divisor(cuts.gcd[d], box.high[d]);
      cuts.widest[d] = std::max(cuts.widest[d], box.high[d] - box.low[d]);
    }
  }
  void compute(const Action&, const Frame&) {}

 private:
  std::vector<CellGrid>& grids_;
  std::vector<Cuts>& cuts_;
};

CellGrid describe(const TensorLayout& tensor, const DeviceProfile& profile) {
  CellGrid grid;
  grid.rank = static_cast<int>(tensor.shape.size());
  grid.element_bytes = bytes_of(tensor.element);
  grid.sector_bytes = profile.sector_bytes;
  for (int d = 0; d < grid.rank; ++d) {
    grid.dimensions[d].size = grid.dimensions[d].cell = std::max<std::int64_t>(1, tensor.shape[d]);
    if (tensor.strides_elements[d] == 1 && (grid.contiguous < 0 || tensor.shape[d] > 1)) grid.contiguous = d;
  }
  grid.runs = DramRuns(tensor, profile.dram_read_granule_bytes);
  grid.packed = grid.runs.packed;
  return grid;
}

void set_alignment(CellGrid& grid, const TensorLayout& tensor, const Cuts& cuts) {
  std::int64_t alignment = grid.sector_bytes;
  for (int d = 0; d < grid.rank; ++d) {
    if (d != grid.contiguous && grid.dimensions[d].size > 1) {
      alignment = std::gcd(alignment, tensor.strides_elements[d] * grid.element_bytes);
    }
  }
  if (grid.contiguous >= 0) alignment = std::gcd(alignment, cuts.gcd[grid.contiguous] * grid.element_bytes);
  grid.run_alignment = alignment;
}

void choose_extents(CellGrid& grid, const Cuts& cuts, std::int64_t granule) {
  for (int d = 0; d < grid.rank; ++d) {
    if (cuts.gcd[d] > 0) grid.dimensions[d].cell = std::min(cuts.gcd[d], grid.dimensions[d].size);
  }
  if (grid.contiguous >= 0) {
    CellGrid::Dimension& run = grid.dimensions[grid.contiguous];
    if (run.cell < run.size && run.cell * grid.element_bytes % granule != 0) {
      run.cell = std::min(run.size, std::max<std::int64_t>(1, granule / grid.element_bytes));
    }
    // Short packed rows share granules: whole rows together make one.
    const int outer = grid.contiguous - 1;
    if (grid.packed && outer >= 0 && run.cell == run.size && run.size * grid.element_bytes < granule) {
      CellGrid::Dimension& rows = grid.dimensions[outer];
      const std::int64_t together =
          (granule + run.size * grid.element_bytes - 1) / (run.size * grid.element_bytes);
      rows.cell = std::min(rows.size, round_up(rows.cell, together));
    }
  }
  const auto cells_per_access = [&](int d) {
    return (cuts.widest[d] + grid.dimensions[d].cell - 1) / grid.dimensions[d].cell;
  };
  for (;;) {
    std::int64_t product = 1;
    int finest = 0;
    for (int d = 0; d < grid.rank; ++d) {
      product *= cells_per_access(d);
      if (cells_per_access(d) > cells_per_access(finest)) finest = d;
    }
    if (product <= kMaxCellsPerAccess) break;
    grid.dimensions[finest].cell *= 2;
  }
}

// Along a dimension in which every access of the tensor streams, a cell is what a batch reads.
void widen_streams(std::span<const FlatProgram> programs, std::vector<CellGrid>& grids) {
  struct Common {
    int dimension = -1;
    std::int64_t factor = 0;
  };
  std::vector<Common> common(grids.size());
  std::vector<bool> first(grids.size(), true);
  for (const FlatProgram& program : programs) {
    for (std::size_t access = 0; access < program.accesses.size(); ++access) {
      const auto tensor = static_cast<std::size_t>(program.accesses[access]->tensor);
      const FlatProgram::Stream& stream = program.streams[access];
      Common seen;
      if (stream.dimension >= 0 && stream.batch > 1) {
        const std::int64_t extent = program.accesses[access]->extent[stream.dimension].constant();
        if (grids[tensor].dimensions[stream.dimension].cell == extent)
          seen = {.dimension = stream.dimension, .factor = stream.batch};
      }
      if (!first[tensor] && (seen.dimension != common[tensor].dimension)) seen = {};
      seen.factor = first[tensor] ? seen.factor : std::min(seen.factor, common[tensor].factor);
      common[tensor] = seen;
      first[tensor] = false;
    }
  }
  for (std::size_t tensor = 0; tensor < grids.size(); ++tensor) {
    if (common[tensor].dimension >= 0)
      grids[tensor].dimensions[common[tensor].dimension].cell *= common[tensor].factor;
  }
}

std::int64_t count_cells(CellGrid& grid) {
  std::int64_t stride = 1;
  for (int d = grid.rank - 1; d >= 0; --d) {
    CellGrid::Dimension& dimension = grid.dimensions[d];
    dimension.cell = std::min(dimension.cell, dimension.size);
    const auto cell = static_cast<std::uint64_t>(dimension.cell);
    dimension.shift = std::has_single_bit(cell) ? std::countr_zero(cell) : -1;
    dimension.count = (dimension.size + dimension.cell - 1) / dimension.cell;
    dimension.stride = stride;
    stride *= dimension.count;
  }
  return grid.cells = stride;
}

// Doubles the cells along a dimension in which tiles are wider than them, if there is one: what lies side by
// side in others (heads, sequences) is used at different times.
void coarsen(CellGrid& grid, const Cuts& cuts) {
  const auto rank = [&](int d) {
    const CellGrid::Dimension& dimension = grid.dimensions[d];
    return std::pair(dimension.cell < cuts.widest[d], dimension.count);
  };
  int best = 0;
  for (int d = 1; d < grid.rank; ++d) {
    if (rank(d) > rank(best)) best = d;
  }
  grid.dimensions[best].cell *= 2;
}

bool tiles_cut_cells(const CellGrid& grid, const Cuts& cuts) {
  for (int d = 0; d < grid.rank; ++d) {
    if (cuts.gcd[d] % grid.dimensions[d].cell != 0) return true;
  }
  return false;
}

// What DRAM moves for each cell, and what its elements take.
void append_bytes(const CellGrid& grid, CellSpace& space) {
  std::array<std::int64_t, kMaxRank> at{};
  for (std::int64_t cell = 0; cell < grid.cells; ++cell) {
    double product = 1;
    std::int64_t run = grid.element_bytes;
    for (int d = 0; d < grid.rank; ++d) {
      const CellGrid::Dimension& dimension = grid.dimensions[d];
      const std::int64_t extent = std::min(dimension.cell, dimension.size - at[d] * dimension.cell);
      if (d == grid.contiguous) {
        run *= extent;
      } else {
        product *= static_cast<double>(extent);
      }
    }
    space.bytes.push_back(static_cast<float>(product * grid.runs.bytes(run)));
    space.stored.push_back(static_cast<float>(product * static_cast<double>(run)));
    for (int d = grid.rank - 1; d >= 0 && ++at[d] == grid.dimensions[d].count; --d) at[d] = 0;
  }
}

}  // namespace

DramRuns::DramRuns(const TensorLayout& tensor, std::int64_t granule_bytes)
    : granule(granule_bytes), alignment(granule_bytes) {
  int contiguous = -1;
  const int rank = static_cast<int>(tensor.shape.size());
  for (int d = 0; d < rank; ++d) {
    if (tensor.strides_elements[d] == 1 && (contiguous < 0 || tensor.shape[d] > 1)) contiguous = d;
  }
  packed = contiguous >= 0 && rank == 1;
  for (int d = 0; d < rank; ++d) {
    if (d == contiguous) continue;
    packed |= contiguous >= 0 && tensor.strides_elements[d] == tensor.shape[contiguous];
    const std::int64_t stride = tensor.strides_elements[d] * bytes_of(tensor.element);
    if (tensor.shape[d] <= 1 || stride == 0) continue;
    alignment = std::gcd(alignment, stride);
    row_bytes = row_bytes == 0 ? stride : std::min(row_bytes, stride);
  }
}

double DramRuns::bytes(std::int64_t run_bytes) const {
  if (packed) return static_cast<double>(run_bytes);
  const std::int64_t touched = round_up(run_bytes, alignment) + granule - alignment;
  return static_cast<double>(row_bytes > run_bytes ? std::min(touched, row_bytes) : touched);
}

double CellGrid::sector_bytes_of(std::span<const std::int64_t> extents) const {
  double runs = 1;
  std::int64_t run = element_bytes;
  for (int d = 0; d < rank; ++d) {
    if (d == contiguous) {
      run *= extents[d];
    } else {
      runs *= static_cast<double>(extents[d]);
    }
  }
  if (packed && contiguous >= 0 && extents[contiguous] == dimensions[contiguous].size)
    return runs * static_cast<double>(run);
  const std::int64_t sectors =
      run_alignment == sector_bytes ? round_up(run, sector_bytes) : run + sector_bytes - run_alignment;
  return runs * static_cast<double>(sectors);
}

int CellSpace::tensor_of(CellId cell) const {
  int tensor = 0;
  for (std::size_t other = 0; other < grids.size(); ++other) {
    if (grids[other].cells > 0 && grids[other].first <= cell) tensor = static_cast<int>(other);
  }
  return tensor;
}

CellSpace make_cells(const Candidate& candidate, std::span<const FlatProgram> programs,
                     const DeviceProfile& profile) {
  CellSpace space;
  for (const TensorLayout& tensor : candidate.tensors) space.grids.push_back(describe(tensor, profile));
  std::vector<Cuts> cuts(space.grids.size());
  CutSampler sampler(space.grids, cuts);
  for (std::size_t i = 0; i < programs.size(); ++i)
    sample_items(candidate.launches[i], programs[i], candidate, sampler);

  std::vector<bool> accessed(cuts.size());
  for (const FlatProgram& program : programs) {
    for (const Action* access : program.accesses) accessed[static_cast<std::size_t>(access->tensor)] = true;
  }
  std::int64_t total = 0;
  for (std::size_t tensor = 0; tensor < cuts.size(); ++tensor) {
    if (!accessed[tensor]) continue;
    CellGrid& grid = space.grids[tensor];
    set_alignment(grid, candidate.tensors[tensor], cuts[tensor]);
    choose_extents(grid, cuts[tensor], profile.dram_read_granule_bytes);
    grid.in_parts = tiles_cut_cells(grid, cuts[tensor]);
  }
  widen_streams(programs, space.grids);
  for (std::size_t tensor = 0; tensor < cuts.size(); ++tensor) {
    if (accessed[tensor]) total += count_cells(space.grids[tensor]);
  }
  while (total > kMaxCells) {
    const auto largest = std::ranges::max_element(space.grids, {}, &CellGrid::cells);
    total -= largest->cells;
    coarsen(*largest, cuts[static_cast<std::size_t>(largest - space.grids.begin())]);
    largest->in_parts = true;
    total += count_cells(*largest);
  }
  space.bytes.reserve(static_cast<std::size_t>(total));
  space.stored.reserve(static_cast<std::size_t>(total));
  for (CellGrid& grid : space.grids) {
    grid.first = space.cells();
    if (grid.cells > 0) append_bytes(grid, space);
  }
  return space;
}

}  // namespace weir
