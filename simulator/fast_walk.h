// The fast mode: a walk of whole streams instead of steps, and of some waves instead of all.
//
// The blocks of an SM that compete for it are half a block (a third, …) apart once the kernel has run for a
// while, and those of different SMs stay together (docs/model.md, section 3). So the blocks of one place on
// all SMs form a cohort that acts as one: what its items stream through a tensor is one stream per panel,
// however many items share it. Panels are cut into buckets along the stream, and the buckets go through the
// cell model of the L2 in the order of time. A long launch is taken to go on as it does in its middle.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/item_pieces.h"
#include "simulator/l2_cache.h"
#include "simulator/panel_grid.h"
#include "simulator/walk.h"

namespace weir {

class FastWalk {
 public:
  // Looks at a few items of every launch. Throws ExpressionError, ProgramError.
  FastWalk(const DeviceProfile& profile, const Candidate& candidate, std::span<FlatProgram> programs,
           const L2Parameters& l2);

  // Launches in turn. Precondition: blocks_per_sm > 0. Throws ExpressionError, ProgramError.
  WalkResult walk(std::size_t launch, std::int64_t blocks_per_sm);

  // Blocks of an SM stay together (0) or spread evenly over an item's time (1), instead of what their
  // competition says.
  void spread_blocks(double share) { spread_ = share; }

  // Reads every tensor once, in order, as an earlier kernel would have done.
  void warm();

  double dirty_bytes() const { return cache_.dirty_bytes(); }

 private:
  // What a cohort does with one panel.
  struct Stream {
    std::int64_t panel = 0;          // number of its first bucket
    std::int64_t low = 0, high = 0;  // along the axis
    int tensor = 0;
    AccessKind kind = AccessKind::load;
    bool forward = true;
    std::uint8_t sides = 0;    // bit s: an SM of side s does
    float begin = 0, end = 0;  // iterations
    float users = 0;           // items
  };
  struct Event {
    CellId cell = 0;
    float users = 0;
    std::int32_t next = -1;  // of the same slice
    std::int16_t tensor = 0;
    AccessKind kind = AccessKind::load;
    std::uint8_t sides = 0;
  };
  struct Last {  // stream of a panel
    std::uint32_t cohort = 0, stream = 0;
  };
  struct Sums {
    explicit Sums(std::size_t count) : tensors(count) {}
    std::vector<Traffic> tensors;
    double pessimistic = 0, optimistic = 0, new_reads = 0, new_writes = 0;
    double missed_uses = 0, uses = 0;  // bytes, each user's
    double displaced = 0;              // bytes that came into the L2
    double items = 0, tensor_flops = 0, fp32_flops = 0, special_ops = 0, shared_bytes = 0;
  };
  struct Probe {               // means over items
    double busy_seconds = 0;   // of an SM
    double alone_seconds = 0;  // from start to end of an item that has its SM to itself
    double iterations = 0, read_bytes = 0, write_bytes = 0, tile_bytes = 0;
    bool uneven = false;
  };
  struct Launching;  // one launch

  Probe probe(std::size_t number, WalkResult& result);
  bool run_waves(Launching& state, std::int64_t ranks, const Probe& probe);
  void run_uneven(Launching& state, std::int64_t slots);
  double competition(const Probe& probe, std::int64_t ranks, double dram_seconds) const;
  void scale(const Launching& state, const Probe& probe, WalkResult& result) const;
  double add_item(Launching& state, std::int64_t place, int side);
  std::int64_t add_even_items(Launching& state, std::int64_t from, std::int64_t to);
  void add_sums(Launching& state, const ItemPieces& item, double items);
  void begin_cohort(Launching& state);
  int side_of(std::int64_t slot) const {
    const auto sm = static_cast<std::size_t>(slot), sms = sides_.size();
    return sides_[sm < sms ? sm : sm % sms];
  }
  void add_piece(Launching& state, std::size_t number, const Piece& piece, int side);
  std::uint32_t add_stream(Launching& state, std::int64_t panel, const Piece& piece, std::uint8_t sides);
  void expand(Launching& state, double start);
  void run_events(Launching& state, std::int64_t until);
  void use(Launching& state, const Event& event);
  CellId cell_of(const PanelGrid& grid, int tensor, std::int64_t bucket) {
    const CellId known = cells_[static_cast<std::size_t>(bucket)];
    return known ? known - 1 : new_cell(grid, tensor, bucket);
  }
  CellId new_cell(const PanelGrid& grid, int tensor, std::int64_t bucket);

  const DeviceProfile& profile_;
  const Candidate& candidate_;
  std::span<FlatProgram> programs_;
  L2Parameters parameters_;
  std::optional<double> spread_;
  std::vector<std::uint8_t> sides_;  // by SM
  std::vector<PieceReader> readers_;
  std::vector<PanelGrid> grids_;
  std::vector<std::int16_t> tensor_of_;  // by cell
  std::vector<CellId> cells_;            // by bucket: its cell of the cache plus 1, or 0
  std::vector<Last> last_;               // by first bucket
  std::uint32_t cohort_ = 0;
  L2Cache cache_;
};

}  // namespace weir
