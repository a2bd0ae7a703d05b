#include "simulator/l2_cache.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::uint32_t kLongestSum = 1024;  // epochs; past it a distance is interpolated between marks
constexpr int kRequeuedPerEpoch = 64;
constexpr std::uint32_t kFirstSequence = 2;  // 0 and 1 never are the youngest entry's

std::uint32_t hash(std::uint32_t a, std::uint32_t b) {
  std::uint32_t x = a * 0x9E3779B9U + b * 0x85EBCA6BU;
  x = (x ^ (x >> 16)) * 0x7FEB352DU;
  x = (x ^ (x >> 15)) * 0x846CA68BU;
  return x ^ (x >> 16);
}

}  // namespace

L2Cache::L2Cache(const L2Parameters& parameters, std::vector<float> cell_bytes)
    : table_(parameters.survival_width, parameters.smaller_share, parameters.larger_share,
             parameters.law_steps),
      written_table_(parameters.written_width, parameters.smaller_share, parameters.larger_share,
                     parameters.law_steps),
      private_weight_(parameters.private_weight),
      second_copy_weight_(parameters.shared_weight - parameters.private_weight),
      capacity_(parameters.capacity_bytes),
      epoch_weight_(parameters.capacity_bytes / parameters.epochs),
      dirty_capacity_(parameters.dirty_capacity_bytes),
      cells_(cell_bytes.size()),
      weights_(parameters.kept_epochs, 0.0),
      queue_base_(kFirstSequence) {
  for (std::size_t id = 0; id < cell_bytes.size(); ++id) cells_[id].bytes = cell_bytes[id];
  for (int mark = 0; mark < kMarks; ++mark) {
    const double share = mark / double{kMarks - 1};
    marks_[mark].distance = capacity_ * (table_.first() + share * (table_.last() - table_.first()));
  }
  // Cells of an epoch lie half of it deeper, on average, than what was used after it.
  marks_[kLost].distance = capacity_ * mean_lifetime(parameters.survival_width) - epoch_weight_ / 2;
}

const SurvivalTable::Miss& L2Cache::move_to_front(CellId id, int side, int kind) {
  Cell& cell = cells_[id];
  const std::uint32_t young = cell.epoch(), old = std::min(cell.used[0], cell.used[1]);
  const double weight = cell.bytes * private_weight_, second = cell.bytes * second_copy_weight_;
  std::uint32_t& older = cell.used[1 - side];
  if (kind == kWriter) {
    older = 0;  // a write leaves one copy, where it was made
  } else if (older > cell.used[side] && cell.used[side] <= marks_[0].epoch &&
             asks_the_other_side(id, cell.used[side], older)) {
    older = now_;
  }
  cell.used[side] = now_;
  const SurvivalTable::Miss* miss = &SurvivalTable::kNothing;
  if (young > marks_[0].epoch && (old == older || old > marks_[0].epoch)) {
    // Nothing changes below the marks.
    weights_[young] -= weight;
    weights_[now_] += weight;
    if (old != older) {
      weights_[old] -= second;
      if (older != 0) weights_[older] += second;
    }
  } else {
    miss = &miss_of(young, cell.flags & kWritten);
    if (cell.dirty > 0 && miss->expected > 0) write_back(id, cell.dirty * double{miss->expected});
    if (young != 0) put(young, -weight);
    if (old != 0) put(old, -second);
    if (older != 0) put(older, second);
    put_now(weight);
  }
  if (weights_[now_] >= epoch_weight_) next_epoch();
  return *miss;
}

// Precondition: own <= marks_[0].epoch; above it nothing is lost.
// A reader that does not find its side's copy uses the other one, which is as good as new from then on.
bool L2Cache::asks_the_other_side(CellId id, std::uint32_t own, std::uint32_t other) {
  const bool written = was_written(id);
  const float share = miss_of(own, written).expected - miss_of(other, written).expected;
  return share > 0 && static_cast<float>(hash(id, now_)) < share * 0x1p32F;
}

// Adds weight to an epoch.
void L2Cache::put(std::uint32_t epoch, double weight) {
  weights_[epoch] += weight;
  if (epoch <= marks_[kMarks - 1].epoch && epoch <= marks_[kLost].epoch) return;  // below all of them
  for (Mark& mark : marks_) mark.above += epoch > mark.epoch ? weight : 0.0;
}

// The same of the epoch at hand, which is above every mark.
void L2Cache::put_now(double weight) {
  weights_[now_] += weight;
  for (Mark& mark : marks_) mark.above += weight;
}

const SurvivalTable::Miss& L2Cache::write(CellId id, int side, double bytes) {
  const SurvivalTable::Miss& miss = touch(id, side, kWriter);
  Cell& cell = cells_[id];
  const float dirty = static_cast<float>(std::min<double>(cell.bytes, cell.dirty + bytes));
  dirty_bytes_ += dirty - cell.dirty;
  cell.dirty = dirty;
  queue_dirty(id);
  if (dirty_bytes_ > dirty_capacity_) write_back_old();
  return miss;
}

const SurvivalTable::Miss& L2Cache::miss_of(std::uint32_t epoch, bool written) {
  if (epoch > marks_[0].epoch) return SurvivalTable::kNothing;
  if (epoch <= marks_[kMarks - 1].epoch) return SurvivalTable::kAll;
  return (written ? written_table_ : table_).miss(distance_of(epoch) / capacity_);
}

// Precondition: marks_[kMarks - 1].epoch < epoch <= marks_[0].epoch.
double L2Cache::distance_of(std::uint32_t epoch) const {
  int above = 0;  // the last mark at or after the epoch
  while (above + 1 < kMarks && marks_[above + 1].epoch >= epoch) ++above;
  const Mark& mark = marks_[above];
  if (mark.epoch - epoch > kLongestSum) {
    const Mark& below = marks_[above + 1];
    const double share = double(mark.epoch - epoch) / double(mark.epoch - below.epoch);
    return mark.above + share * (below.above - mark.above);
  }
  double sum = mark.above + weights_[epoch] / 2;
  for (std::uint32_t e = epoch + 1; e <= mark.epoch; ++e) sum += weights_[e];
  return sum;
}

void L2Cache::next_epoch() {
  advance_marks();
  write_back_old();
  if (++now_ == weights_.size()) compact();
}

// How far marks move is hard to foretell, for a processor too: no branch depends on the first two steps.
void L2Cache::advance_marks() {
  for (Mark& mark : marks_) advance_once(mark);
  for (Mark& mark : marks_) {
    if (advance_once(mark)) [[unlikely]] {
      while (advance_once(mark)) {
      }
    }
  }
}

inline bool L2Cache::advance_once(Mark& mark) const {
  const bool may = mark.epoch + 1 < now_;
  const double weight = weights_[mark.epoch + may];
  const bool moves = may & (mark.above - weight >= mark.distance);
  mark.epoch += moves;
  mark.above -= moves * weight;
  return moves;
}

// Epochs are numbers without end and weights_ is an array: forget epochs past the last mark and merge sparse
// ones.
void L2Cache::compact() {
  const std::uint32_t first = marks_[kMarks - 1].epoch + 1;
  std::vector<std::uint32_t> renumbered(weights_.size(), 0);
  std::vector<double> merged(weights_.size(), 0.0);
  std::uint32_t last = 0;
  for (std::uint32_t epoch = first; epoch < weights_.size(); ++epoch) {
    if (last == 0 || merged[last] + weights_[epoch] > epoch_weight_) ++last;
    renumbered[epoch] = last;
    merged[last] += weights_[epoch];
  }
  for (Cell& cell : cells_) {
    for (std::uint32_t& epoch : cell.used) epoch = renumbered[epoch];
  }
  weights_ = std::move(merged);
  now_ = last + 1;
  for (Mark& mark : marks_) {
    mark.epoch = 0;
    mark.above = 0;
    for (std::uint32_t epoch = 1; epoch < now_; ++epoch) mark.above += weights_[epoch];
  }
  advance_marks();
}

void L2Cache::write_back(CellId id, double bytes) {
  Cell& cell = cells_[id];
  cell.dirty = std::max(0.0F, cell.dirty - static_cast<float>(bytes));
  dirty_bytes_ -= bytes;
  write_backs_.push_back({id, static_cast<float>(bytes)});
}

void L2Cache::queue_dirty(CellId id) {
  Cell& cell = cells_[id];
  cell.flags &= static_cast<std::uint8_t>(~kReadSinceWrite);
  const std::uint32_t next = queue_base_ + static_cast<std::uint32_t>(queue_.size());
  if (cell.sequence + 1 == next) return;  // it is the youngest already
  cell.sequence = next;
  queue_.push_back(id);
  if (queue_.size() > 2 * cells_.size() + 4096) tidy_queue();
}

void L2Cache::tidy_queue() {
  std::vector<CellId> valid;
  for (std::size_t i = queue_first_; i < queue_.size(); ++i) {
    Cell& cell = cells_[queue_[i]];
    if (cell.sequence != queue_base_ + i) continue;
    cell.sequence = kFirstSequence + static_cast<std::uint32_t>(valid.size());
    valid.push_back(queue_[i]);
  }
  queue_ = std::move(valid);
  queue_first_ = 0;
  queue_base_ = kFirstSequence;
}

// Oldest first: what exceeds the dirty capacity, and what the stack has lost.
void L2Cache::write_back_old() {
  int requeued = 0;
  while (queue_first_ < queue_.size()) {
    const CellId id = queue_[queue_first_];
    Cell& cell = cells_[id];
    if (cell.sequence != queue_base_ + queue_first_) {  // written again since, or requeued
      ++queue_first_;
      continue;
    }
    const double excess = dirty_bytes_ - dirty_capacity_;
    if (excess > 0 && excess < cell.dirty) {
      write_back(id, excess);
      break;
    }
    if (excess > 0 || cell.epoch() <= marks_[kLost].epoch) {
      if (cell.dirty > 0) write_back(id, cell.dirty);
      cell.sequence = 0;
    } else if ((cell.flags & kReadSinceWrite) && requeued < kRequeuedPerEpoch) {
      // Its readers keep it; let the writes behind it be looked at.
      ++requeued;
      queue_dirty(id);
    } else {
      break;
    }
    ++queue_first_;
  }
  if (queue_first_ > 4096 && queue_first_ * 2 > queue_.size()) tidy_queue();
}

}  // namespace weir
