#include "engine/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace weir::emulator {
namespace {

constexpr std::byte kPoison{0xff};

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

GuardedMemory::GuardedMemory(std::int64_t bytes, std::int64_t alignment) : bytes_(bytes) {
  const auto align = static_cast<std::size_t>(std::max<std::int64_t>(alignment, 1));
  const std::size_t aligned = (static_cast<std::size_t>(bytes) + align - 1) / align * align;
  const std::size_t inner = (aligned + page_bytes() - 1) / page_bytes() * page_bytes();
  map_bytes_ = inner + 2 * page_bytes();
  void* map = mmap(nullptr, map_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  map_ = static_cast<std::byte*>(map);
  protect(false);
  data_ = map_ + page_bytes() + inner - aligned;
  poison();
}

GuardedMemory::~GuardedMemory() {
  if (map_ != nullptr) munmap(map_, map_bytes_);
}

GuardedMemory::GuardedMemory(GuardedMemory&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)),
      map_bytes_(other.map_bytes_),
      data_(other.data_),
      bytes_(other.bytes_) {}

GuardedMemory& GuardedMemory::operator=(GuardedMemory&& other) noexcept {
  std::swap(map_, other.map_);
  std::swap(map_bytes_, other.map_bytes_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void GuardedMemory::poison() {
  std::memset(map_ + page_bytes(), std::to_integer<int>(kPoison), map_bytes_ - 2 * page_bytes());
}

void GuardedMemory::protect(bool read_only) {
  mprotect(map_ + page_bytes(), map_bytes_ - 2 * page_bytes(),
           read_only ? PROT_READ : PROT_READ | PROT_WRITE);
}

std::string GuardedMemory::damage() const {
  const std::byte* first = map_ + page_bytes();
  const std::byte* last = map_ + map_bytes_ - page_bytes();
  for (const std::byte* byte = data_ + bytes_; byte < last; ++byte) {
    if (*byte != kPoison) return "written " + std::to_string(byte - (data_ + bytes_)) + " bytes past its end";
  }
  for (const std::byte* byte = data_; byte-- > first;) {
    if (*byte != kPoison) return "written " + std::to_string(data_ - byte) + " bytes before its start";
  }
  return "";
}

bool GuardedMemory::surrounds(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  return byte >= map_ && byte < map_ + map_bytes_;
}

}  // namespace weir::emulator
