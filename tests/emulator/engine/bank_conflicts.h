// Wavefronts of shared-memory accesses of 16 bytes per lane: the passes over the 32 banks that they need.
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

}  // namespace weir::emulator
