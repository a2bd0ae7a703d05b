#include "simulator/panel_grid.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "simulator/cells.h"

namespace weir {
namespace {

constexpr std::int64_t kBucketsPerStream = 8;  // at least so many, where tiles are smaller
constexpr std::int64_t kMaxBuckets = 1 << 17;  // of all tensors
constexpr std::int64_t kMaxPanelsPerPiece = 8;
constexpr std::int64_t kMostNeighbours = 8;  // tiles side by side that become one

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Bytes of a cell, if all are alike; else 0.
double even_cell_bytes(const TensorLayout& tensor, const PanelGrid& grid, std::int64_t granule) {
  double rows = 1;
  std::int64_t run = bytes_of(tensor.element);
  for (int d = 0; d < grid.rank; ++d) {
    if (tensor.shape[d] % grid.cell[d] != 0) return 0;
    if (tensor.strides_elements[d] == 1) {
      run *= grid.cell[d];
    } else {
      rows *= static_cast<double>(grid.cell[d]);
    }
  }
  return rows * DramRuns(tensor, granule).bytes(run);
}

// What the items that are looked at do with a tensor.
struct Seen {
  std::array<std::int64_t, 8> gcd{}, widest{};
  int axis = -1;
  bool any = false;
};

std::vector<Seen> look_at_items(const Candidate& candidate, std::span<PieceReader> readers) {
  std::vector<Seen> seen(candidate.tensors.size());
  for (std::size_t i = 0; i < readers.size(); ++i) {
    const Launch& launch = candidate.launches[i];
    const std::int64_t stride = std::max<std::int64_t>(1, launch.work_items / kProbedItems) | 1;
    for (std::int64_t item = 0; item < launch.work_items; item += stride) {
      for (const Piece& piece : readers[i].read(item).pieces) {
        Seen& s = seen[static_cast<std::size_t>(piece.tensor)];
        const TensorLayout& tensor = candidate.tensors[static_cast<std::size_t>(piece.tensor)];
        s.any = true;
        if (s.axis < 0) s.axis = piece.axis;
        for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
          s.gcd[d] = std::gcd(s.gcd[d], piece.low[d]);
          if (piece.high[d] < tensor.shape[d]) s.gcd[d] = std::gcd(s.gcd[d], piece.high[d]);
          s.widest[d] = std::max(s.widest[d], piece.high[d] - piece.low[d]);
        }
      }
    }
  }
  return seen;
}

// Panels are as wide as all tiles' edges allow; buckets divide what an item streams into some parts.
void choose_extents(PanelGrid& grid, const TensorLayout& tensor, const Seen& seen) {
  for (int d = 0; d < grid.rank; ++d) {
    const std::int64_t size = std::max<std::int64_t>(1, tensor.shape[d]);
    std::int64_t cell = seen.gcd[d] > 0 ? std::min(seen.gcd[d], size) : size;
    const std::int64_t parts = d == grid.axis ? 4 * kBucketsPerStream : kMaxPanelsPerPiece;
    if (d == grid.axis && cell > 1 && cell * kBucketsPerStream > seen.widest[d])
      cell = std::max<std::int64_t>(
          1, cell / static_cast<std::int64_t>(std::bit_ceil(
                        static_cast<std::uint64_t>(ceil_div(cell * kBucketsPerStream, seen.widest[d])))));
    while (ceil_div(seen.widest[d], cell) > parts) cell *= 2;
    grid.cell[d] = cell;
  }
}

// Items that are sure to be in one cohort, which has one on each SM.
std::int64_t neighbours(const DeviceProfile& profile) {
  return std::min<std::int64_t>(kMostNeighbours, profile.sm_count & -profile.sm_count);
}

// The dimension along which tiles of one tensor lie side by side that neighbouring items use, each its own,
// and nothing else does: these are as good as one. -1: there is none.
int neighbours_along(const DeviceProfile& profile, int tensor, const Candidate& candidate,
                     std::span<const FlatProgram> programs, std::span<PieceReader> readers) {
  std::size_t launch = 0, piece = 0, accesses = 0;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    for (std::size_t a = 0; a < programs[i].accesses.size(); ++a) {
      if (programs[i].accesses[a]->tensor != tensor) continue;
      launch = i;
      piece = a;
      ++accesses;
    }
  }
  if (accesses != 1) return -1;
  const std::int64_t items = candidate.launches[launch].work_items;
  const std::size_t rank = candidate.tensors[static_cast<std::size_t>(tensor)].shape.size();
  if (!readers[launch].has_pattern() || items < profile.sm_count) return -1;
  const std::int64_t together = neighbours(profile);
  std::size_t along = rank;
  for (const std::int64_t at : {std::int64_t{0}, items / 3, items / 2}) {
    const std::int64_t first = at / together * together;
    Piece base;
    for (std::int64_t i = 0; i < together; ++i) {
      const std::vector<Piece>& pieces = readers[launch].read(first + i).pieces;
      if (pieces.size() != programs[launch].accesses.size()) return -1;  // an edge clips one to nothing
      const Piece& next = pieces[piece];
      if (i == 0) base = next;
      for (std::size_t d = 0; d < rank; ++d) {
        if (next.low[d] == base.low[d]) continue;
        const std::int64_t extent = base.high[d] - base.low[d];
        if (base.axis >= 0 || (along < rank && along != d) || next.low[d] != base.low[d] + i * extent ||
            base.low[d] % (together * extent) != 0)
          return -1;
        along = d;
      }
    }
  }
  return along < rank ? static_cast<int>(along) : -1;
}

void count_buckets(PanelGrid& grid, const TensorLayout& tensor, std::int64_t most) {
  const auto count = [&] {
    std::int64_t product = 1;
    for (int d = 0; d < grid.rank; ++d) product *= grid.count[d] = ceil_div(tensor.shape[d], grid.cell[d]);
    return product;
  };
  while (count() > most) {
    const auto finest =
        std::max_element(grid.count.begin(), grid.count.begin() + grid.rank) - grid.count.begin();
    grid.cell[finest] *= 2;
  }
  std::int64_t stride = 1;
  for (int d = grid.rank - 1; d >= 0; --d) {
    const auto cell = static_cast<std::uint64_t>(grid.cell[d]);
    grid.shift[d] = std::has_single_bit(cell) ? std::countr_zero(cell) : -1;
    grid.stride[d] = stride;
    stride *= grid.count[d];
  }
  grid.buckets = stride;
}

}  // namespace

std::vector<PanelGrid> make_panel_grids(const DeviceProfile& profile, const Candidate& candidate,
                                        std::span<const FlatProgram> programs,
                                        std::span<PieceReader> readers) {
  const std::vector<Seen> seen = look_at_items(candidate, readers);
  std::vector<PanelGrid> grids(seen.size());
  std::int64_t total = 0;
  for (std::size_t t = 0; t < seen.size(); ++t) {
    const TensorLayout& tensor = candidate.tensors[t];
    PanelGrid& grid = grids[t];
    if (!seen[t].any) continue;
    grid.rank = static_cast<int>(tensor.shape.size());
    grid.axis = seen[t].axis;
    choose_extents(grid, tensor, seen[t]);
    if (const int d = neighbours_along(profile, static_cast<int>(t), candidate, programs, readers); d >= 0)
      grid.cell[d] *= neighbours(profile);
    count_buckets(grid, tensor, kMaxBuckets / static_cast<std::int64_t>(seen.size()));
    grid.even_bytes = static_cast<float>(even_cell_bytes(tensor, grid, profile.dram_read_granule_bytes));
    grid.first = total;
    total += grid.buckets;
  }
  return grids;
}

double bucket_bytes(const PanelGrid& grid, const TensorLayout& tensor, std::int64_t bucket,
                    std::int64_t granule_bytes) {
  std::int64_t rest = bucket - grid.first;
  double rows = 1;
  std::int64_t run = bytes_of(tensor.element);
  for (int d = grid.rank - 1; d >= 0; --d) {
    const std::int64_t at = rest % grid.count[d] * grid.cell[d];
    rest /= grid.count[d];
    const std::int64_t extent = std::min(grid.cell[d], tensor.shape[d] - at);
    if (tensor.strides_elements[d] == 1) {
      run *= extent;
    } else {
      rows *= static_cast<double>(extent);
    }
  }
  return rows * DramRuns(tensor, granule_bytes).bytes(run);
}

}  // namespace weir
