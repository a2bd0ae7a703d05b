// Memory between two pages that fault, filled with bytes that are NaN in every floating-point type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::emulator {

class GuardedMemory {
 public:
  // None: data() is null.
  GuardedMemory() = default;
  // The address is a multiple of `alignment` (a power of two up to a page), and the end as close to the
  // faulting page behind it as that allows.
  GuardedMemory(std::int64_t bytes, std::int64_t alignment);
  ~GuardedMemory();
  GuardedMemory(GuardedMemory&& other) noexcept;
  GuardedMemory& operator=(GuardedMemory&& other) noexcept;
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }

  void poison();
  void protect(bool read_only);

  // Bytes outside that were overwritten without a fault, in the rests of the first and the last page; as text
  // that completes "tensor c: ". Empty if none.
  std::string damage() const;

  // Whether an address that faulted belongs to this memory or to its guards.
  bool surrounds(const void* address) const;

 private:
  std::byte* map_ = nullptr;  // with both guards
  std::size_t map_bytes_ = 0;
  std::byte* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace weir::emulator
