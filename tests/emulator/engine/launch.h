// Runs one launch of an emulated kernel: every block of the grid, in a seeded random order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "emulator/engine.h"
#include "engine/bank_conflicts.h"
#include "engine/guarded_memory.h"

namespace weir::emulator {

// A tensor as the engine sees it.
struct Region {
  std::string name;
  const GuardedMemory* memory = nullptr;
  std::int64_t copied_bytes = 0;   // read by asynchronous copies; added to
  std::int64_t reduced_bytes = 0;  // changed by atomic operations
};

struct LaunchRequest {
  void (*call)(void** arguments) = nullptr;
  void** arguments = nullptr;
  std::array<unsigned, 3> grid{1, 1, 1};
  std::array<unsigned, 3> threads{1, 1, 1};
  std::array<unsigned, 3> cluster{1, 1, 1};
  std::int64_t shared_bytes = 0;       // dynamic
  std::span<std::byte> static_shared;  // the kernel's own variables
  std::span<Region> memory;
  std::uint64_t seed = 0;
};

struct LaunchReport {
  // What ended the launch: an access out of bounds, a hang with what every thread waits for, …; empty if
  // nothing.
  std::string failure;
  Wavefronts ldmatrix;  // ldmatrix and stmatrix
  Wavefronts copies;    // writes of cp.async
  Wavefronts sectors;   // that cp.async reads
  Wavefronts stores;    // 16-byte stores and loads of single lanes
  Wavefronts loads;
};

// One launch at a time in a process. Faults are caught through the signals SIGSEGV, SIGBUS and SIGILL, whose
// handlers are restored afterwards.
WEIR_EMULATOR_API LaunchReport run(LaunchRequest& request);

}  // namespace weir::emulator
