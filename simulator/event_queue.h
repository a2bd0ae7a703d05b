// The next walker to act: a tree of (time, walker) in which each node has the earlier of its children, ties
// to the lower walker.
//
// Made for a processor that guesses. The way from a leaf to the root is the same whatever the times are, so
// no branch depends on them. And while a walker acts, the one that follows is known (nearly always the
// earliest of the others), so that its turn can begin before the first one's end has been worked out.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace weir {

class EventQueue {
 public:
  // Walkers are 0 to `walkers` - 1, at most 16384; none has an event.
  explicit EventQueue(std::size_t walkers) : leaves_(std::bit_ceil(walkers)), nodes_(2 * leaves_, kNever) {}

  bool empty() const { return first_ == kNever; }
  std::uint32_t walker() const { return static_cast<std::uint32_t>(first_ & kWalkerMask); }
  // Through signed numbers, which the hardware converts at once.
  double time() const {
    return static_cast<double>(static_cast<std::int64_t>(first_ >> kWalkerBits)) * kTick;
  }
  // A walker other than walker() acts at `time`.
  void add(double time, std::uint32_t walker) {
    put(walker, key(time, walker));
    find_first();
  }
  // walker() acts again at `time`.
  void reschedule(double time) {
    const std::uint64_t again = key(time, walker());
    put(walker(), again);
    if (again < second_) [[unlikely]] {
      first_ = again;  // and the second one is what it was
      return;
    }
    first_ = second_;
    find_second();
  }
  // walker() has no event any more.
  void pop() {
    put(walker(), kNever);
    find_first();
  }

 private:
  static constexpr int kWalkerBits = 14;
  static constexpr std::uint64_t kWalkerMask = (1U << kWalkerBits) - 1;
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  static constexpr double kTick = 1e-11;  // seconds: 50 bits of it are three hours
  static constexpr double kTicksPerSecond = 1e11;

  static std::uint64_t key(double time, std::uint32_t walker) {
    const auto ticks = static_cast<std::uint64_t>(static_cast<std::int64_t>(time * kTicksPerSecond));
    return ticks << kWalkerBits | walker;
  }

  void put(std::uint32_t walker, std::uint64_t key) {
    std::uint64_t* const nodes = nodes_.data();
    std::size_t at = leaves_ + walker;
    nodes[at] = key;
    for (; at > 1; at /= 2) {
      key = std::min(key, nodes[at ^ 1]);
      nodes[at / 2] = key;
    }
  }

  void find_first() {
    first_ = nodes_[1];
    find_second();
  }
  // The earliest of those that the first one beat on its way to the root.
  void find_second() {
    std::uint64_t second = kNever;
    const std::uint64_t* const nodes = nodes_.data();
    if (first_ != kNever) {
      for (std::size_t at = leaves_ + walker(); at > 1; at /= 2) second = std::min(second, nodes[at ^ 1]);
    }
    second_ = second;
  }

  std::size_t leaves_;
  std::vector<std::uint64_t> nodes_;  // the root is 1, the children of n are 2 n and 2 n + 1
  std::uint64_t first_ = kNever, second_ = kNever;
};

}  // namespace weir
