// The state of a block that runs: its threads, warps, barriers and shared memory.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "emulator/engine.h"
#include "emulator/hopper.h"
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

struct Block;

// A box that the copy engine stores to a tensor, once the thread waits for it.
struct PanelStore {
  CUtensorMap map;
  unsigned address;
  std::array<int, 5> at;
  bool add;
};

// PTX ISA, "mbarrier": the current phase completes with the last arrival and the last byte.
struct Mbarrier {
  unsigned expected = 0, pending = 0;
  std::int64_t bytes = 0;  // announced and not yet copied; negative if the copies were first
  std::uint64_t phases = 0;

  bool complete(unsigned parity) const { return (phases & 1) != parity; }
};

// A matrix product of one warp of a warpgroup, from its issue until a wait for its group.
struct Product {
  bool f16 = false, a_in_registers = false, a_along_m = false, b_along_n = false, accumulate = false;
  unsigned long long a_descriptor = 0, b_descriptor = 0;
  int columns = 0;
  std::array<float*, kWarpLanes> sums{};
  std::array<const unsigned*, kWarpLanes> a{};
  std::vector<unsigned short> a_elements, b_elements;  // as they were at the issue
  bool read = false;                                   // its operands have been read for good
  Site site{};
};

// Sums that products in flight add to; the kernel's own copy is NaN meanwhile.
struct SumsInFlight {
  int products = 0;
  std::vector<float> values;  // by lane
};

struct Thread {
  enum class State { ready, in_collective, at_barrier, at_mbarrier, at_cluster_barrier, exited };

  BuiltIns built_ins;
  Fiber fiber;
  State state = State::ready;
  Block* home = nullptr;
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

  const Mbarrier* mbarrier = nullptr;  // that it waits at
  unsigned parity = 0;
  std::uint64_t cluster_phase = 0;                   // of its arrival at the cluster's barrier
  std::deque<std::vector<PanelStore>> store_groups;  // committed, oldest first
  std::vector<PanelStore> open_stores;
  std::vector<std::size_t> unfenced;  // chunks of shared memory that it wrote, and no fence followed

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
  CopyPairing copied_sectors;

  std::vector<Product> open_products;
  std::deque<std::vector<Product>> product_groups;  // committed, oldest first
  std::uint64_t committed_groups = 0;               // in all
  std::map<float*, SumsInFlight> in_flight;         // by lane 0's sums
};

struct Barrier {
  int expected = 0;  // 0: nobody has arrived
  int arrived = 0;
  Vote vote = Vote::none;
  int yes = 0;
};

struct Block {
  const GuardedMemory* shared = nullptr;  // dynamic
  int rank = 0;                           // in its cluster
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<Barrier, kBarriers> barriers{};
  int live = 0;
  std::map<unsigned, Mbarrier> mbarriers;  // by address
  std::vector<int> unfenced;  // for each chunk of 16 bytes, the thread that wrote it without a fence, or -1
};

// "threads 0-31, 64-95: __syncthreads at kernel.cu:12" for every place where threads wait.
std::string waiting_places(const Block& block);

}  // namespace weir::emulator
