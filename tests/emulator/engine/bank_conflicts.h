// What a warp's accesses of 16 bytes per lane cost: passes over the 32 banks of shared memory, and sectors
// that copies ask for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::emulator {

struct Wavefronts {
  std::int64_t accesses = 0;  // groups of up to 8 lanes, 16 bytes each: what one pass can serve
  std::int64_t needed = 0;    // passes; as many as accesses if conflict-free

  bool conflict_free() const { return needed == accesses; }
  void operator+=(const Wavefronts& other) { accesses += other.accesses, needed += other.needed; }
  bool operator==(const Wavefronts&) const = default;
};

// Up to 8 lanes in one phase: the largest number of different 16-byte chunks that fall into the same four
// banks. Lanes that access the same chunk share it.
Wavefronts phase_of(std::span<const unsigned> addresses);

// Pairs the accesses of a warp's lanes, which the emulator runs one after another, into the instructions that
// they were: the k-th access of every lane since the last time the lanes met. Lanes that took different
// branches since then are paired as they come.
class LanePairing {
 public:
  void add(int lane, unsigned address);
  // To be called where the lanes meet.
  Wavefronts finish();

 private:
  std::vector<std::array<std::vector<unsigned>, 4>> instructions_;  // addresses per phase of 8 lanes
  std::array<std::size_t, 32> next_{};
};

// Of one instruction's copies from global to shared memory: different sectors of 32 bytes that they read
// (accesses), and how often a sector is asked for (needed), once for each sector of shared memory that some
// of it goes to.
struct ChunkCopy {
  std::uintptr_t source;
  unsigned destination;
};
Wavefronts sectors_of(std::span<const ChunkCopy> copies);

// As LanePairing, of copies.
class CopyPairing {
 public:
  void add(int lane, ChunkCopy copy);
  Wavefronts finish();

 private:
  std::vector<std::vector<ChunkCopy>> instructions_;
  std::array<std::size_t, 32> next_{};
};

}  // namespace weir::emulator
