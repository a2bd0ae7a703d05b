// Runs the threads of one block, one at a time, in a seeded random order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

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
  std::string run_block(Index3 index);
  const LaunchReport& report() const { return report_; }

  // --- called by the thread that runs -------------------------------------------------------------------
  Thread& thread() { return *running_; }
  Warp& warp() { return block_.warps[static_cast<std::size_t>(running_->warp)]; }
  Block& block() { return block_; }
  LaunchRequest& request() { return request_; }
  const GuardedMemory& dynamic_shared() const { return shared_; }
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

 private:
  static void thread_main();
  void start_threads(Index3 index);
  Thread* pick();
  std::string hang() const;
  void exit_thread();
  void complete_some_load();

  static Scheduler* current_;
  LaunchRequest& request_;
  LaunchReport report_;
  GuardedMemory shared_;
  std::byte* stacks_ = nullptr;
  std::size_t stacks_bytes_ = 0;
  Block block_;
  Fiber host_;
  Thread* running_ = nullptr;
  std::string failure_;
  std::uint64_t random_state_;
  std::int64_t idle_yields_ = 0;
};

// "thread 3 of block (1, 0, 0)"
std::string name_of(const Thread& thread);
std::string text_of(Site site);

}  // namespace weir::emulator
