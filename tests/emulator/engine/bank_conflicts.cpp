#include "engine/bank_conflicts.h"

#include <algorithm>
#include <set>
#include <utility>

namespace weir::emulator {

Wavefronts phase_of(std::span<const unsigned> addresses) {
  constexpr unsigned kChunkBytes = 16;
  constexpr unsigned kChunksPerPass = 8;  // 32 banks of 4 bytes
  std::array<std::vector<unsigned>, kChunksPerPass> chunks;
  for (const unsigned address : addresses) {
    const unsigned chunk = address / kChunkBytes;
    std::vector<unsigned>& same_banks = chunks[chunk % kChunksPerPass];
    if (std::find(same_banks.begin(), same_banks.end(), chunk) == same_banks.end())
      same_banks.push_back(chunk);
  }
  std::size_t passes = 0;
  for (const auto& same_banks : chunks) passes = std::max(passes, same_banks.size());
  return {.accesses = addresses.empty() ? 0 : 1, .needed = static_cast<std::int64_t>(passes)};
}

void LanePairing::add(int lane, unsigned address) {
  const std::size_t instruction = next_[static_cast<std::size_t>(lane)]++;
  if (instruction >= instructions_.size()) instructions_.resize(instruction + 1);
  instructions_[instruction][static_cast<std::size_t>(lane) / 8].push_back(address);
}

Wavefronts LanePairing::finish() {
  Wavefronts total;
  if (instructions_.empty()) return total;
  for (const auto& phases : instructions_) {
    for (const auto& addresses : phases) total += phase_of(addresses);
  }
  instructions_.clear();
  next_.fill(0);
  return total;
}

Wavefronts sectors_of(std::span<const ChunkCopy> copies) {
  constexpr unsigned kSectorBytes = 32;
  std::set<std::uintptr_t> sectors;
  std::set<std::pair<std::uintptr_t, unsigned>> requests;
  for (const ChunkCopy& copy : copies) {
    sectors.insert(copy.source / kSectorBytes);
    requests.insert({copy.source / kSectorBytes, copy.destination / kSectorBytes});
  }
  return {.accesses = static_cast<std::int64_t>(sectors.size()),
          .needed = static_cast<std::int64_t>(requests.size())};
}

void CopyPairing::add(int lane, ChunkCopy copy) {
  const std::size_t instruction = next_[static_cast<std::size_t>(lane)]++;
  if (instruction >= instructions_.size()) instructions_.resize(instruction + 1);
  instructions_[instruction].push_back(copy);
}

Wavefronts CopyPairing::finish() {
  Wavefronts total;
  if (instructions_.empty()) return total;
  for (const auto& copies : instructions_) total += sectors_of(copies);
  instructions_.clear();
  next_.fill(0);
  return total;
}

}  // namespace weir::emulator
