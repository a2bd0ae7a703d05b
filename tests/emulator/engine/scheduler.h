// Runs the threads of one block, one at a time, in a seeded random order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/launch.h"

namespace weir::emulator {

class Scheduler {
 public:
  explicit Scheduler(LaunchRequest& request);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The one whose launch runs; null outside.
  static Scheduler* current() { return current_; }

  // Empty, or what went wrong.
  std::string run_cluster(const std::vector<Index3>& blocks);
  const LaunchReport& report() const { return report_; }

  // --- called by the thread that runs -------------------------------------------------------------------
  Thread& thread() { return *running_; }
  Block& block() { return *running_->home; }
  Warp& warp() { return block().warps[static_cast<std::size_t>(running_->warp)]; }
  std::vector<Block>& cluster() { return blocks_; }
  LaunchRequest& request() { return request_; }
  const GuardedMemory& dynamic_shared() const { return *running_->home->shared; }
  // Whether an address belongs to the threads' stacks or the guards between them.
  bool on_stacks(const void* address) const;
  LaunchReport& counts() { return report_; }
  std::uint64_t random();

  // Stops the thread, whose state says why, until another makes it ready.
  void wait();
  void yield();
  void make_ready(Thread& thread);
  // Something happened that a spinning thread may have waited for.
  void made_progress() { idle_yields_ = 0; }
  void count_idle_yield();
  // Ends the block from the thread that runs. In two steps, because a thread that leaves destroys nothing:
  // what it owns on its stack must be gone before.
  void note_failure(const std::string& message);
  [[noreturn]] void leave();
  void lanes_met(Warp& warp);
  void release_if_complete(int barrier);

  // What happens some time later, and at the latest when no thread can go on. Returns what went wrong, or
  // nothing.
  void post(std::function<std::string()> event) { events_.push_back(std::move(event)); }
  // A phase of the mbarrier ends if nothing is missing; threads that wait for that go on.
  void complete_phase(Mbarrier& barrier);
  void arrive_at_cluster_barrier();
  std::uint64_t cluster_phase() const { return cluster_phase_; }

 private:
  static void thread_main();
  void start_threads(Block& block, Index3 index);
  int live() const;
  void release_cluster_if_complete();
  void run_an_event();
  Thread* pick();
  std::string hang() const;
  void exit_thread();

  static Scheduler* current_;
  LaunchRequest& request_;
  LaunchReport report_;
  std::vector<GuardedMemory> shared_;  // of each block of a cluster
  std::byte* stacks_ = nullptr;
  std::size_t stacks_bytes_ = 0;
  std::vector<Block> blocks_;
  std::vector<std::function<std::string()>> events_;
  std::uint64_t lateness_ = 1;  // an event happens once in so many switches
  int at_cluster_barrier_ = 0;
  std::uint64_t cluster_phase_ = 0;
  Fiber host_;
  Thread* running_ = nullptr;
  std::string failure_;
  std::uint64_t random_state_;
  std::int64_t idle_yields_ = 0;
};

// What a thread must not leave behind when it ends; null if nothing (asynchronous.cpp).
const char* in_flight_at_exit(const Thread& thread);

// "thread 3 of block (1, 0, 0)"
std::string name_of(const Thread& thread);
std::string text_of(Site site);

}  // namespace weir::emulator
