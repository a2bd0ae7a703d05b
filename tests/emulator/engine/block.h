// The state of a block that runs: its threads, warps, barriers and shared memory.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "emulator/asynchronous.h"
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

// A bulk copy that has not happened yet: of a box of a tensor, or of consecutive bytes.
struct BulkCopy {
  CUtensorMap map;  // rank 0: consecutive bytes at `global`
  std::array<int, 5> coordinates{};
  std::byte* global = nullptr;
  unsigned shared = 0;
  int bytes = 0;
  unsigned barrier = 0;  // of loads
  bool add = false;      // of stores
  Site site;
};

// Waits for arrivals and for bytes; the phases end one after another.
struct Mbarrier {
  int count = 0;    // arrivals of a phase
  int pending = 0;  // that are still missing
  long long bytes = 0;
  int phase = 0;  // parity of the one that goes on
};

// A wgmma of one warp: the warpgroup's four warps compute their 16 rows independently.
struct PendingProduct {
  WarpgroupProduct product;
  std::array<float*, 32> accumulators{};
  std::vector<float> before;  // of the lanes, one after another; empty: what is there then
  std::array<std::array<unsigned, 4>, 32> a{};
};

struct Thread {
  enum class State { ready, in_collective, at_barrier, at_mbarrier, exited };

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
  int barrier = 0;  // a number, or an mbarrier's address
  int parity = 0;
  int vote = 0;

  std::deque<std::vector<PendingCopy>> copy_groups;  // committed, oldest first
  std::vector<PendingCopy> open_copies;
  std::deque<std::vector<BulkCopy>> store_groups;
  std::vector<BulkCopy> open_stores;

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
  std::deque<std::vector<PendingProduct>> product_groups;
  std::vector<PendingProduct> open_products;
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
  std::map<unsigned, Mbarrier> mbarriers;
  std::vector<BulkCopy> loads;  // on their way
  int live = 0;
};

// What an mbarrier that the thread waits for still lacks.
std::string mbarrier_text(const Block& block, const Thread& thread);

// "threads 0-31, 64-95: __syncthreads at kernel.cu:12" for every place where threads wait.
std::string waiting_places(const Block& block);

}  // namespace weir::emulator
