// The state of a block that runs: its threads, warps, barriers and shared memory.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "emulator/engine.h"
#include "engine/bank_conflicts.h"
#include "engine/fiber.h"
#include "engine/guarded_memory.h"

namespace weir::emulator {

constexpr int kWarpLanes = 32;
constexpr int kBarriers = 16;

struct PendingCopy {
  std::byte* destination;
  const std::byte* source;
  int bytes, valid_bytes;
  Site site;
};

struct Thread {
  enum class State { ready, in_collective, at_barrier, exited };

  BuiltIns built_ins;
  Fiber fiber;
  State state = State::ready;
  int number = 0;  // in the block
  int warp = 0;

  // What it waits for, or did last.
  const char* operation = nullptr;
  Site site{};
  unsigned mask = 0;
  Collective collective = nullptr;
  void* payload = nullptr;
  int barrier = 0;
  int vote = 0;

  std::deque<std::vector<PendingCopy>> copy_groups;  // committed, oldest first
  std::vector<PendingCopy> open_copies;

  int lane() const { return number % kWarpLanes; }
};

struct Warp {
  int first_thread = 0;
  unsigned lanes = 0;  // that the block has
  unsigned live = 0;   // that have not exited
  unsigned ready = 0;  // that can run
  unsigned in_collective = 0;
  std::uint64_t priority = 0;
  LanePairing copies, stores, loads;
};

struct Barrier {
  int expected = 0;  // 0: nobody has arrived
  int arrived = 0;
  Vote vote = Vote::none;
  int yes = 0;
};

struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<Barrier, kBarriers> barriers{};
  int live = 0;
};

// "threads 0-31, 64-95: __syncthreads at kernel.cu:12" for every place where threads wait.
std::string waiting_places(const Block& block);

}  // namespace weir::emulator
