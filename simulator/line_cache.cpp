#include "simulator/line_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "simulator/survival.h"

namespace weir {
namespace {

// Enough that the number of lines that fall on a set varies by 3%, much less than capacities do.
constexpr double kLinesPerSet = 1024;
constexpr std::size_t kLeastSets = 64;  // of a partition: steps of the law that sets are drawn from

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

}  // namespace

LineCache::LineCache(const LineCacheParameters& parameters)
    : parameters_(parameters),
      sectors_per_granule_(static_cast<unsigned>(
          std::max<std::int64_t>(1, parameters.read_granule_bytes / parameters.sector_bytes))),
      tensors_(parameters.tensors) {
  const double copies = std::clamp(
      (parameters.shared_weight - parameters.private_weight) / parameters.private_weight, 0.0, 1.0);
  duplicated_ = static_cast<std::uint64_t>(copies * 0x1p32);
  const double lines = parameters.capacity_bytes / parameters.private_weight /
                       static_cast<double>(parameters.line_bytes) / 2;  // of one partition
  all_sets_ = std::max(kLeastSets, static_cast<std::size_t>(lines / kLinesPerSet));
  followed_ = std::min(
      all_sets_, std::max(kLeastSets, static_cast<std::size_t>(std::ceil(parameters.sampled_share *
                                                                         static_cast<double>(all_sets_)))));
  dirty_limit_ = parameters.dirty_capacity_bytes * sampled_share();
  double capacity = 0;
  for (std::size_t set = 0; set < followed_; ++set) {
    const double survivors = (static_cast<double>(set) + 0.5) / static_cast<double>(followed_);
    const double share =
        std::max(kLeastDistance, 1 + parameters.survival_width * std::log(-std::log(survivors)));
    sets_.push_back({.capacity = static_cast<std::uint32_t>(
                         std::max(1.0, std::round(share * lines / static_cast<double>(all_sets_))))});
    capacity += sets_.back().capacity;
  }
  sets_.insert(sets_.end(), sets_.begin(), sets_.begin() + static_cast<std::ptrdiff_t>(followed_));
  const auto most = static_cast<std::size_t>(2 * capacity) + 2;
  lines_.resize(most);
  for (std::size_t i = most; i-- > 0;) free_.push_back(static_cast<Index>(i));
  table_.assign(std::bit_ceil(2 * most), kNone);
}

void LineCache::read(std::int64_t begin, std::int64_t end, int side, std::size_t tensor) {
  access(Kind::read, begin, end, side, tensor);
}
void LineCache::write(std::int64_t begin, std::int64_t end, int side, std::size_t tensor) {
  access(Kind::write, begin, end, side, tensor);
}
void LineCache::reduce(std::int64_t begin, std::int64_t end, int side, std::size_t tensor) {
  access(Kind::reduce, begin, end, side, tensor);
}

double LineCache::scaled(std::size_t tensor, double bytes) const {
  const Tensor& t = tensors_[tensor];
  return t.followed_lines > 0 ? bytes * t.lines / t.followed_lines : 0;
}

double LineCache::dirty_bytes() const {
  double sum = 0;
  for (std::size_t tensor = 0; tensor < tensors_.size(); ++tensor)
    sum += scaled(tensor, tensors_[tensor].dirty);
  return sum;
}

void LineCache::access(Kind kind, std::int64_t begin, std::int64_t end, int side, std::size_t tensor) {
  const std::int64_t size = parameters_.line_bytes;
  Tensor& stats = tensors_[tensor];
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t line = at / size, next = std::min(end, (line + 1) * size);
    const std::uint64_t hash = mix(static_cast<std::uint64_t>(line) + 0x9E3779B97F4A7C15U);
    ++stats.lines;
    if ((hash >> 32) * all_sets_ >> 32 < followed_) {
      ++stats.followed_lines;
      touch(kind, static_cast<std::uint64_t>(line), hash, at - line * size, next - line * size, side, tensor);
    }
    at = next;
  }
}

// Bytes [first, last) of a line. A side that has no copy uses the other's, and keeps one from then on; what
// was written has one copy.
void LineCache::touch(Kind kind, std::uint64_t line, std::uint64_t hash, std::int64_t first,
                      std::int64_t last, int side, std::size_t tensor) {
  const std::uint64_t low = hash & 0xFFFFFFFFU;
  if (kind != Kind::read) mark_written(line);
  const int copy = low < duplicated_ && !was_written(line) ? side : 0;
  const auto set = static_cast<std::uint32_t>((hash >> 32) * all_sets_ >> 32);
  const auto home = static_cast<int>(std::popcount(line) & 1);
  const auto set_of = [&](int of) {
    return set + static_cast<std::uint32_t>((of ^ home) & 1) * static_cast<std::uint32_t>(followed_);
  };
  const std::uint64_t key = line << 1;
  Index own = find(key | static_cast<unsigned>(copy));
  const Index other = low < duplicated_ ? find(key | static_cast<unsigned>(1 - copy)) : kNone;
  const bool asks_other = own == kNone && other != kNone;
  if (own == kNone) own = insert(key | static_cast<unsigned>(copy), set_of(copy), tensor);
  Line& mine = lines_[own];
  if (other != kNone) {
    Line& far = lines_[other];
    if (kind == Kind::read) {
      fetch(far, sectors_of(first, last) & far.dirty);
      mine.valid |= far.valid;
      if (asks_other) move_to_front(other);
    } else {
      // The far copy goes, and what it holds moves over.
      mine.valid |= far.valid;
      for (int half = 0; half < kHalves; ++half) mine.bytes[half] |= far.bytes[half];
      if (far.dirty) {
        if (!mine.dirty) push_front(written_, &Line::written, own);
        const auto moved = static_cast<unsigned>(far.dirty & ~mine.dirty);
        mine.dirty |= far.dirty;
        const double both = std::popcount(static_cast<unsigned>(far.dirty)) - std::popcount(moved);
        tensors_[tensor].dirty -= both * static_cast<double>(parameters_.sector_bytes);
        dirty_ -= both * static_cast<double>(parameters_.sector_bytes);
        unlink(written_, &Line::written, other);
        far.dirty = 0;
      }
      evict(other);
    }
  }
  move_to_front(own);
  if (kind != Kind::write) fetch(mine, sectors_of(first, last));
  if (kind != Kind::read) store(own, first, last);
}

unsigned LineCache::sectors_of(std::int64_t first, std::int64_t last) const {
  const std::int64_t from = first / parameters_.sector_bytes;
  const std::int64_t to = (last + parameters_.sector_bytes - 1) / parameters_.sector_bytes;
  return (1U << to) - (1U << from);
}

// Whole granules come from DRAM for sectors that are not there.
void LineCache::fetch(Line& line, unsigned sectors) {
  unsigned missing = sectors & ~static_cast<unsigned>(line.valid);
  while (missing) {
    const unsigned granule = static_cast<unsigned>(std::countr_zero(missing)) / sectors_per_granule_;
    const unsigned filled = ((1U << sectors_per_granule_) - 1) << granule * sectors_per_granule_;
    line.valid |= static_cast<std::uint8_t>(filled);
    missing &= ~filled;
    tensors_[line.tensor].read += static_cast<double>(parameters_.read_granule_bytes);
  }
}

// Full sectors need no fetch; those written in part keep which bytes are theirs.
void LineCache::store(Index index, std::int64_t first, std::int64_t last) {
  Line& line = lines_[index];
  const auto bits_below = [](std::int64_t bit, int half) -> std::uint64_t {
    const std::int64_t inside = std::clamp<std::int64_t>(bit - 64 * half, 0, 64);
    return inside == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << inside) - 1;
  };
  for (int half = 0; half < kHalves; ++half)
    line.bytes[half] |= bits_below(last, half) & ~bits_below(first, half);
  const unsigned sectors = sectors_of(first, last);
  for (unsigned left = sectors & ~static_cast<unsigned>(line.valid); left; left &= left - 1) {
    const int sector = std::countr_zero(left);
    const std::int64_t from = sector * parameters_.sector_bytes, to = from + parameters_.sector_bytes;
    bool full = true;
    for (int half = 0; half < kHalves; ++half) {
      const std::uint64_t wanted = bits_below(to, half) & ~bits_below(from, half);
      full &= (line.bytes[half] & wanted) == wanted;
    }
    if (full) line.valid |= static_cast<std::uint8_t>(1U << sector);
  }
  const int added = std::popcount(sectors & ~static_cast<unsigned>(line.dirty));
  if (line.dirty) unlink(written_, &Line::written, index);
  push_front(written_, &Line::written, index);
  line.dirty |= static_cast<std::uint8_t>(sectors);
  const double bytes = added * static_cast<double>(parameters_.sector_bytes);
  tensors_[line.tensor].dirty += bytes;
  dirty_ += bytes;
  while (dirty_ > dirty_limit_ && written_.last != kNone) write_back(written_.last);
}

// A sector that was written in part is completed from DRAM first.
void LineCache::write_back(Index index) {
  Line& line = lines_[index];
  fetch(line, line.dirty);
  line.bytes.fill(0);
  const double bytes =
      std::popcount(static_cast<unsigned>(line.dirty)) * static_cast<double>(parameters_.sector_bytes);
  tensors_[line.tensor].written += bytes;
  tensors_[line.tensor].dirty -= bytes;
  dirty_ -= bytes;
  line.dirty = 0;
  unlink(written_, &Line::written, index);
}

void LineCache::evict(Index index) {
  if (lines_[index].dirty) write_back(index);
  Line& line = lines_[index];
  Set& set = sets_[line.set];
  unlink(set.ages, &Line::age, index);
  --set.lines;
  forget(line.key);
  line = {};
  free_.push_back(index);
}

LineCache::Index LineCache::insert(std::uint64_t key, std::uint32_t set_index, std::size_t tensor) {
  Set& set = sets_[set_index];
  if (set.lines >= set.capacity) evict(set.ages.last);
  const Index index = free_.back();
  free_.pop_back();
  lines_[index].key = key;
  lines_[index].set = static_cast<std::uint16_t>(set_index);
  lines_[index].tensor = static_cast<std::uint16_t>(tensor);
  push_front(set.ages, &Line::age, index);
  ++set.lines;
  table_[slot_of(key)] = index;
  return index;
}

// Where the key is, or where it would go.
std::size_t LineCache::slot_of(std::uint64_t key) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = mix(key) & mask;
  while (table_[slot] != kNone && lines_[table_[slot]].key != key) slot = (slot + 1) & mask;
  return slot;
}

LineCache::Index LineCache::find(std::uint64_t key) const {
  return table_[slot_of(key)];
}

// Entries behind the hole move up if their place is before it.
void LineCache::forget(std::uint64_t key) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = slot_of(key);
  for (std::size_t slot = (hole + 1) & mask; table_[slot] != kNone; slot = (slot + 1) & mask) {
    const std::size_t wanted = mix(lines_[table_[slot]].key) & mask;
    if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue;
    table_[hole] = table_[slot];
    hole = slot;
  }
  table_[hole] = kNone;
}

void LineCache::move_to_front(Index index) {
  List& ages = sets_[lines_[index].set].ages;
  unlink(ages, &Line::age, index);
  push_front(ages, &Line::age, index);
}

void LineCache::push_front(List& list, Links Line::*links, Index index) {
  (lines_[index].*links) = {.previous = kNone, .next = list.first};
  (list.first == kNone ? list.last : (lines_[list.first].*links).previous) = index;
  list.first = index;
}

void LineCache::unlink(List& list, Links Line::*links, Index index) {
  const Links at = lines_[index].*links;
  (at.previous == kNone ? list.first : (lines_[at.previous].*links).next) = at.next;
  (at.next == kNone ? list.last : (lines_[at.next].*links).previous) = at.previous;
}

}  // namespace weir
