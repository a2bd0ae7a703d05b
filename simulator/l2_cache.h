// The L2 as one LRU stack of weighted bytes, at the granularity of cells (parts of tiles).
//
// Each cell remembers the epoch of its last use from either side of the L2; an epoch ends when a small share
// of the capacity has been used in it. The reuse distance of a cell is the weight of all cells used since,
// which the weights per epoch give. Marks at fixed distances follow the stack, so that distances below the
// first mark (nearly all accesses) cost nothing and others a short sum. Expected values instead of random
// outcomes: an access finds a share of its cell.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "simulator/survival.h"

namespace weir {

struct L2Parameters {
  double capacity_bytes = 0;
  double private_weight = 1;  // space that a byte takes whose readers are on one side of the L2
  double shared_weight = 1;   // ... and on both
  double survival_width = 0.05;
  double written_width = 0.05;  // ... of data that the kernel wrote itself; at most the other
  double dirty_capacity_bytes = 0;
  double smaller_share = 0.06;  // of the capacity, for the pessimistic and the optimistic miss
  double larger_share = 0.06;
  int law_steps = 1024;                 // of the table of the survival law
  double epochs = 64;                   // per capacity: the resolution of reuse distances
  std::uint32_t kept_epochs = 1 << 13;  // before old ones are forgotten and sparse ones merged
};

using CellId = std::uint32_t;

class L2Cache {
 public:
  L2Cache(const L2Parameters& parameters, std::vector<float> cell_bytes);

  CellId add_cell(float bytes) {
    cells_.push_back({.bytes = bytes});
    return static_cast<CellId>(cells_.size() - 1);
  }

  // The share of the cell that the access does not find. Side 0 or 1: the partition of the reading SM.
  // Valid as long as the cache is.
  const SurvivalTable::Miss& read(CellId cell, int side) { return touch(cell, side, kReader); }

  // Puts `bytes` of the cell into the L2 and marks them dirty. The miss is what a read-modify-write has to
  // fetch.
  const SurvivalTable::Miss& write(CellId cell, int side, double bytes);

  // What to fetch of a cell for an access to `part` of it, after read() or write() found that `lost` of it
  // has left. A cell that is larger than the accesses to it fills part by part: as long as something of it
  // has not come in, an access is taken to be to that.
  SurvivalTable::Miss fill(CellId cell, const SurvivalTable::Miss& lost, float part) {
    float& absent = cells_[cell].absent;
    const float due = std::min(part, absent);
    const auto fetched = [&](float gone) { return gone * part + (1 - gone) * due; };
    absent = lost.expected * (1 - part) + (1 - lost.expected) * (absent - due);
    return {.expected = fetched(lost.expected),
            .pessimistic = fetched(lost.pessimistic),
            .optimistic = fetched(lost.optimistic)};
  }
  // Whether an access to all of the cell finds what read() says.
  bool is_filled(CellId cell) const { return cells_[cell].absent == 0; }

  // When the cell's data arrives, in the caller's time: readers of data in flight wait.
  float& arrival(CellId cell) { return cells_[cell].arrival; }

  bool was_read(CellId cell) const { return cells_[cell].flags & kRead; }
  bool was_written(CellId cell) const { return cells_[cell].flags & kWritten; }
  float bytes(CellId cell) const { return cells_[cell].bytes; }

  double dirty_bytes() const { return dirty_bytes_; }

  // Write-backs since the last call of clear_write_backs, as (cell, bytes).
  struct WriteBack {
    CellId cell;
    float bytes;
  };
  const std::vector<WriteBack>& write_backs() const { return write_backs_; }
  void clear_write_backs() { write_backs_.clear(); }

 private:
  static constexpr std::uint8_t kRead = 1, kWritten = 2, kReadSinceWrite = 4;
  static constexpr int kReader = 0, kWriter = 1;
  static constexpr int kMarks = 5;
  static constexpr int kLost = kMarks;  // one more: dirty cells past it are written back

  struct Cell {
    // Epoch of the last use from each side, 0: never or long ago. The younger copy weighs as private data
    // does, and the older one, at its own place in the stack, what shared data weighs more.
    std::array<std::uint32_t, 2> used{};
    float bytes = 0;
    float arrival = 0;
    float dirty = 0;             // bytes
    float absent = 0;            // share that has not come in since the cell did
    std::uint32_t sequence = 0;  // of its entry in the queue of dirty cells
    std::uint8_t flags = 0;

    std::uint32_t epoch() const { return std::max(used[0], used[1]); }
  };

  // A position in the stack: `epoch` is the youngest epoch with at least `distance` of weight above it.
  struct Mark {
    double distance = 0;
    double above = 0;  // weight of the epochs after `epoch`
    std::uint32_t epoch = 0;
  };

  // Nearly all accesses are the second and later ones of a tile that several blocks share at the moment.
  const SurvivalTable::Miss& touch(CellId id, int side, int kind) {
    Cell& cell = cells_[id];
    cell.flags |= kind == kReader ? kRead | kReadSinceWrite : kWritten;
    if (cell.used[side] == now_ && (kind == kReader || cell.used[1 - side] == 0))
      return SurvivalTable::kNothing;
    return move_to_front(id, side, kind);
  }
  const SurvivalTable::Miss& move_to_front(CellId id, int side, int kind);
  bool asks_the_other_side(CellId id, std::uint32_t own, std::uint32_t other);
  void put(std::uint32_t epoch, double weight);
  void put_now(double weight);
  const SurvivalTable::Miss& miss_of(std::uint32_t epoch, bool written);
  double distance_of(std::uint32_t epoch) const;
  void next_epoch();
  void advance_marks();
  bool advance_once(Mark& mark) const;
  void compact();
  void write_back(CellId id, double bytes);
  void write_back_old();
  void queue_dirty(CellId id);
  void tidy_queue();

  SurvivalTable table_, written_table_;
  double private_weight_, second_copy_weight_;
  double capacity_;
  double epoch_weight_;
  double dirty_capacity_;
  std::vector<Cell> cells_;
  std::vector<double> weights_;  // per epoch, kept_epochs of them
  std::uint32_t now_ = 1;
  std::array<Mark, kMarks + 1> marks_;  // by distance, and kLost

  std::vector<CellId> queue_;  // dirty cells by last write, with stale entries
  std::size_t queue_first_ = 0;
  std::uint32_t queue_base_;  // sequence number of queue_[0]
  double dirty_bytes_ = 0;
  std::vector<WriteBack> write_backs_;
};

}  // namespace weir
