// The next walker to act: a binary heap of (time, walker), earliest first, ties to the lower walker.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace weir {

class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::uint32_t walker() const { return static_cast<std::uint32_t>(heap_.front() & kWalkerMask); }
  double time() const { return static_cast<double>(heap_.front() >> kWalkerBits) * kTick; }

  void push(double time, std::uint32_t walker) {
    heap_.push_back(key(time, walker));
    std::size_t child = heap_.size() - 1;
    while (child > 0 && heap_[child] < heap_[(child - 1) / 2]) {
      std::swap(heap_[child], heap_[(child - 1) / 2]);
      child = (child - 1) / 2;
    }
  }

  // The first event's walker acts again at `time`.
  void reschedule(double time) { sink_down(key(time, walker())); }

  void pop() {
    const std::uint64_t last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink_down(last);
  }

 private:
  static constexpr int kWalkerBits = 14;
  static constexpr std::uint64_t kWalkerMask = (1U << kWalkerBits) - 1;
  static constexpr double kTick = 1e-11;  // seconds: 50 bits of it are three hours
  static constexpr double kTicksPerSecond = 1e11;

  static std::uint64_t key(double time, std::uint32_t walker) {
    return static_cast<std::uint64_t>(time * kTicksPerSecond) << kWalkerBits | walker;
  }

  void sink_down(std::uint64_t entry) {
    const std::size_t size = heap_.size();
    std::size_t hole = 0;
    for (std::size_t child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size) child += heap_[child + 1] < heap_[child];
      if (entry <= heap_[child]) break;
      heap_[hole] = heap_[child];
      hole = child;
    }
    heap_[hole] = entry;
  }

  std::vector<std::uint64_t> heap_;
};

}  // namespace weir
