// One work item as a few pieces: each the whole range that a loop streams through a tensor, or a tile. What
// the fast mode knows of a block program.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/flat_program.h"
#include "simulator/work.h"

namespace weir {

struct Piece {
  int tensor = 0;
  AccessKind kind = AccessKind::load;
  std::array<std::int64_t, 8> low{}, high{};  // elements, clipped; high > low
  int axis = -1;  // the dimension along which it streams while the item runs, or -1
  bool forward = true;
  double begin = 0, end = 0;  // in iterations of the item
  double sector_bytes = 0;    // asked of the L2
  double received_bytes = 0;  // of a load, through the SM's port: of a multicast more than its share
};

struct ItemPieces {
  std::vector<Piece> pieces;
  double iterations = 0;        // steps that load
  double loose_iterations = 0;  // of these, the ones whose loads do not run ahead
  double tile_bytes = 0;        // elements of all accesses
  double tensor_flops = 0, fp32_flops = 0, special_ops = 0, shared_bytes = 0;
  double end_shared_bytes = 0;  // of shared_bytes, in steps that load nothing
  int prefetch = 0;
};

class PieceReader {
 public:
  // `program` gets its streams marked: loops of loads and amounts whose tiles move evenly are single steps.
  PieceReader(const Candidate& candidate, const Launch& launch, FlatProgram& program,
              std::int64_t sector_bytes);

  // Valid until the next call. Throws ExpressionError, ProgramError.
  const ItemPieces& read(std::int64_t item);

  // What run_step reports.
  void access(int number, const Action& action, const Frame& frame);
  void compute(const Action& action, const Frame& frame);

 private:
  void mark_streams(const Frame& frame);
  void set(std::int64_t item);
  double sectors_of(int number, const TensorLayout& layout, const Piece& piece);

  const Candidate& candidate_;
  const Launch& launch_;
  FlatProgram& program_;
  std::int64_t sector_bytes_;
  ItemFrame frame_;
  Position position_;
  // The sectors of an access's last tile, which most others of the same extents need too.
  struct Sectors {
    std::array<std::int64_t, 8> extent{};
    std::int64_t offset = -1;  // of its runs in a sector
    double bytes = 0;
  };
  std::vector<Sectors> sectors_;
  std::int64_t loaded_ = 0;  // iterations of the step at hand, if it loads
  int ahead_ = 0;            // how far its loads run ahead
  ItemPieces item_;
};

}  // namespace weir
