// The functions of emulator/engine.h that concern memory: shared addresses, checks, asynchronous copies.
#include <cstring>
#include <string>

#include "emulator/engine.h"
#include "engine/scheduler.h"

namespace weir::emulator {
namespace {

// Windows of shared addresses. A GPU keeps the first bytes for itself as well, so that 0 is no address of a
// kernel's.
constexpr unsigned kDynamicWindow = 1024;
constexpr unsigned kStaticWindow = 1u << 20;

Scheduler& scheduler() {
  return *Scheduler::current();
}

std::int64_t offset_in(const std::byte* begin, std::int64_t bytes, const void* pointer) {
  const std::int64_t offset = static_cast<const std::byte*>(pointer) - begin;
  return offset >= 0 && offset <= bytes ? offset : -1;
}

// No address: -1.
std::int64_t find_shared(const void* pointer) {
  const LaunchRequest& request = scheduler().request();
  std::int64_t offset = offset_in(scheduler().dynamic_shared().data(), request.shared_bytes, pointer);
  if (offset >= 0) return kDynamicWindow + offset;
  offset = offset_in(request.static_shared.data(), static_cast<std::int64_t>(request.static_shared.size()),
                     pointer);
  return offset >= 0 && !request.static_shared.empty() ? kStaticWindow + offset : -1;
}

std::string hexadecimal(unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string access_text(const char* operation, const char* verb, int bytes) {
  return std::string(operation) + " " + verb + " " + std::to_string(bytes) + " bytes ";
}

// The tensor that holds all of the access; the launch fails if none does.
Region& region_of(const void* pointer, int bytes, const char* operation, const char* verb, Site site) {
  const auto* byte = static_cast<const std::byte*>(pointer);
  for (Region& region : scheduler().request().memory) {
    const GuardedMemory& memory = *region.memory;
    if (byte >= memory.data() && byte + bytes <= memory.data() + memory.bytes()) return region;
    if (!memory.surrounds(pointer)) continue;
    scheduler().note_failure(access_text(operation, verb, bytes) + "of tensor " + region.name +
                             " from byte " + std::to_string(byte - memory.data()) + " on; it has " +
                             std::to_string(memory.bytes()) + " (" + text_of(site) + ")");
    scheduler().leave();
  }
  scheduler().note_failure(access_text(operation, verb, bytes) + "outside all tensors (" + text_of(site) +
                           ")");
  scheduler().leave();
}

void complete(const std::vector<PendingCopy>& copies) {
  for (const PendingCopy& copy : copies) {
    std::memcpy(copy.destination, copy.source, static_cast<std::size_t>(copy.valid_bytes));
    std::memset(copy.destination + copy.valid_bytes, 0,
                static_cast<std::size_t>(copy.bytes - copy.valid_bytes));
  }
}

}  // namespace

void* dynamic_shared() {
  return scheduler().dynamic_shared().data();
}

unsigned shared_address(const void* pointer, Site site) {
  const std::int64_t address = find_shared(pointer);
  if (address < 0) fail("takes the shared address of a pointer that is not into shared memory", site);
  return static_cast<unsigned>(address);
}

unsigned char* shared_pointer(unsigned address, int bytes, const char* operation, Site site) {
  const LaunchRequest& request = scheduler().request();
  if (address % static_cast<unsigned>(bytes) != 0) {
    scheduler().note_failure(access_text(operation, "of", bytes) + "at the misaligned shared address " +
                             hexadecimal(address) + " (" + text_of(site) + ")");
    scheduler().leave();
  }
  const bool is_static = address >= kStaticWindow;
  const std::int64_t offset =
      static_cast<std::int64_t>(address) - (is_static ? kStaticWindow : kDynamicWindow);
  const std::int64_t size =
      is_static ? static_cast<std::int64_t>(request.static_shared.size()) : request.shared_bytes;
  if (offset < 0 || offset + bytes > size) {
    scheduler().note_failure(access_text(operation, "of", bytes) + "at byte " + std::to_string(offset) +
                             " of " + (is_static ? "static" : "dynamic") + " shared memory; it has " +
                             std::to_string(size) + " (" + text_of(site) + ")");
    scheduler().leave();
  }
  std::byte* base = is_static ? request.static_shared.data() : scheduler().dynamic_shared().data();
  return reinterpret_cast<unsigned char*>(base + offset);
}

void count_shared_access(SharedAccess access, const void* pointer) {
  if (Scheduler::current() == nullptr) return;
  const std::int64_t address = find_shared(pointer);
  if (address < 0) return;
  Warp& warp = scheduler().warp();
  LanePairing& pairing = access == SharedAccess::store  ? warp.stores
                         : access == SharedAccess::load ? warp.loads
                                                        : warp.copies;
  pairing.add(scheduler().thread().lane(), static_cast<unsigned>(address));
}

void check_global(const void* pointer, int bytes, bool write, const char* operation, Site site) {
  region_of(pointer, bytes, operation, write ? "writes" : "reads", site);
}

void count_reduction(const void* address, int bytes) {
  const auto* byte = static_cast<const std::byte*>(address);
  for (Region& region : scheduler().request().memory) {
    const std::byte* begin = region.memory->data();
    if (byte >= begin && byte < begin + region.memory->bytes()) region.reduced_bytes += bytes;
  }
}

void reduce_add(float* destination, const float* values, int count, Site site) {
  yield("red.add", site);
  const int bytes = count * static_cast<int>(sizeof(float));
  if (reinterpret_cast<std::uintptr_t>(destination) % static_cast<unsigned>(bytes) != 0)
    fail("red.add to a misaligned address", site);
  region_of(destination, bytes, "red.add", "writes", site).reduced_bytes += bytes;
  for (int i = 0; i < count; ++i) destination[i] += values[i];
}

void copy_async(unsigned destination, const void* source, int bytes, int valid_bytes, Site site) {
  if (valid_bytes < 0 || valid_bytes > bytes) fail("cp.async of fewer than 0 or more than all bytes", site);
  unsigned char* target = shared_pointer(destination, bytes, "cp.async", site);
  if (valid_bytes > 0) {
    if (reinterpret_cast<std::uintptr_t>(source) % static_cast<unsigned>(bytes) != 0)
      fail("cp.async from a misaligned address", site);
    region_of(source, valid_bytes, "cp.async", "reads", site).copied_bytes += valid_bytes;
  }
  if (bytes == 16) count_shared_access(SharedAccess::copy, target);
  if (bytes == 16 && valid_bytes > 0) {
    scheduler().warp().copied_sectors.add(scheduler().thread().lane(),
                                          {reinterpret_cast<std::uintptr_t>(source), destination});
  }
  auto* undefined = reinterpret_cast<std::byte*>(target);
  std::memset(undefined, 0xff, static_cast<std::size_t>(bytes));
  scheduler().thread().open_copies.push_back(
      {undefined, static_cast<const std::byte*>(source), bytes, valid_bytes, site});
}

void copy_async_commit() {
  Thread& thread = scheduler().thread();
  thread.copy_groups.push_back(std::move(thread.open_copies));
  thread.open_copies.clear();
}

void copy_async_wait(int pending_groups) {
  auto& groups = scheduler().thread().copy_groups;
  while (groups.size() > static_cast<std::size_t>(pending_groups)) {
    complete(groups.front());
    groups.pop_front();
  }
}

}  // namespace weir::emulator
