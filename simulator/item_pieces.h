// One work item as a few pieces: each the whole range that a loop streams through a tensor, or a tile. What
// the fast mode knows of a block program.
#pragma once

#include <algorithm>
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
  bool moved = true;          // false: it is where it was in the item that was read before
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
  const ItemPieces& read(std::int64_t item) {
    if (!places_.empty() && move_pattern(item)) return pattern_;
    return run(item);
  }

  // Whether items are alike but for where their pieces are, unless an edge clips these.
  bool has_pattern() const { return !places_.empty(); }
  // How many items after the one read last go on evenly: each like the one before, but for pieces that move,
  // always the same ones. begin_even_items() says which, in pattern(), before the first next_even_item().
  std::int64_t even_items() const { return std::max<std::int64_t>(0, even_until_ - last_); }
  const ItemPieces& pattern() const { return pattern_; }
  void begin_even_items() {
    for (Piece& piece : pattern_.pieces) piece.moved = false;
    for (const Place& place : places_) pattern_.pieces[place.piece].moved |= place.step != 0;
    at_first_ = false;
  }
  void next_even_item() {
    if (at_first_) begin_even_items();
    for (const Place& place : places_) {
      Piece& piece = pattern_.pieces[place.piece];
      piece.low[place.dimension] += place.step;
      piece.high[place.dimension] += place.step;
    }
    ++last_;
  }

  // What run_step reports.
  void access(int number, const Action& action, const Frame& frame);
  void compute(const Action& action, const Frame& frame);

 private:
  void mark_streams(const Frame& frame);
  bool is_regular() const;
  bool is_fixed(const Expression& expression) const;
  void find_pattern();
  bool move_pattern(std::int64_t item);
  const ItemPieces& run(std::int64_t item);
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

  // Most programs do the same in every item, at other places: what to evaluate, in order, to find them.
  struct Evaluation {
    const Expression* expression = nullptr;
    int slot = -1;            // of a let or a loop, which gets the value; -1: it is a place
    std::int64_t before = 0;  // of a stream that runs backward: elements before its first tile
  };
  struct Place {
    std::size_t piece = 0, dimension = 0;
    std::int64_t extent = 0;
    std::int64_t size = 0;       // of the tensor
    std::int64_t run_bytes = 0;  // of an element, in the contiguous dimension; else 0
    std::int64_t step = 0;       // from one item of a run to the next
    std::int64_t jump = 0;       // from the last item of a run to the first one of the next
  };
  void move_all(bool jump);
  bool find_places(std::int64_t item);
  bool move_pieces(std::int64_t item);
  bool goes_on(std::int64_t items, std::int64_t jumps);
  void look_ahead(std::int64_t guess);
  void look_for_alike_runs();

  std::vector<Evaluation> evaluations_;
  std::vector<Place> places_;  // none: items differ
  ItemPieces pattern_;
  std::vector<std::int64_t> found_;  // by place: where it is
  std::int64_t last_ = -1;           // the item that the pattern shows
  std::int64_t even_until_ = -1;     // up to this one, places go on by their steps
  bool at_first_ = true;             // last_ is not the second or a later item of an even run
  std::int64_t run_begin_ = 0;       // the first item of the run
  std::int64_t run_items_ = 0;       // of the run before
  std::int64_t alike_runs_ = 0;      // of so many items follow
  std::int64_t runs_ = 16;           // a guess of how many will, next time
  std::int64_t even_items_ = 64;     // how many did last time, usually as many as will
  std::int64_t uneven_until_ = -1;   // up to this one, it is not worth looking
};

}  // namespace weir
