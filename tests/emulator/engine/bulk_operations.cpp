// mbarriers and bulk copies: PTX ISA, "Parallel synchronization: mbarrier" and "Data movement: bulk copy".
#include <cstring>
#include <string>

#include "emulator/asynchronous.h"
#include "engine/scheduler.h"
#include "engine/swizzle.h"

namespace weir::emulator {
namespace {

constexpr int kBarrierBytes = 8;
constexpr unsigned kBulkAlignment = 16;
constexpr unsigned kTensorAlignment = 128;  // of a tensor copy's shared memory

Scheduler& scheduler() {
  return *Scheduler::current();
}

void note(const char* operation, Site site) {
  scheduler().thread().operation = operation;
  scheduler().thread().site = site;
}

Mbarrier& barrier_at(unsigned address, Site site) {
  auto& barriers = scheduler().block().mbarriers;
  const auto found = barriers.find(address);
  if (found == barriers.end()) fail("uses an mbarrier that nobody has initialised", site);
  return found->second;
}

// Ends the phase if nothing is missing.
void advance(Block& block, unsigned address) {
  Mbarrier& barrier = block.mbarriers.at(address);
  if (barrier.pending > 0 || barrier.bytes != 0) return;
  barrier.phase ^= 1;
  barrier.pending = barrier.count;
  for (Thread& thread : block.threads) {
    if (thread.state == Thread::State::at_mbarrier && thread.barrier == static_cast<int>(address) &&
        thread.parity != barrier.phase) {
      scheduler().make_ready(thread);
    }
  }
  scheduler().made_progress();
}

int box_bytes(const CUtensorMap& map) {
  int bytes = map.element_bytes;
  for (int i = 0; i < map.rank; ++i) bytes *= map.box[i];
  return bytes;
}

// Calls visit(shared address, global address or null if outside the tensor) for every element of the box.
template <class Visit>
void for_each_element(const BulkCopy& copy, Visit visit) {
  const CUtensorMap& map = copy.map;
  const int elements = box_bytes(map) / map.element_bytes;
  for (int i = 0; i < elements; ++i) {
    const unsigned char* global = map.base;
    bool inside = true;
    for (int d = 0, rest = i; d < map.rank; rest /= map.box[d++]) {
      const long long at = copy.coordinates[static_cast<std::size_t>(d)] + rest % map.box[d];
      inside = inside && at >= 0 && at < map.sizes[d];
      global += at * (d == 0 ? map.element_bytes : map.strides[d - 1]);
    }
    const auto address = copy.shared + static_cast<unsigned>(i * map.element_bytes);
    visit(swizzled(address, map.swizzle_bytes), inside ? global : nullptr);
  }
}

Region* region_at(const void* pointer, int bytes);

// A load completes when no thread runs that could fail, so it is checked before.
void check_inside(const BulkCopy& copy) {
  for_each_element(copy, [&](unsigned shared, const unsigned char* global) {
    shared_pointer(shared, copy.map.element_bytes, "a bulk copy", copy.site);
    if (global != nullptr && region_at(global, copy.map.element_bytes) == nullptr)
      fail("a tensor copy's map reaches outside all tensors", copy.site);
  });
}

Region* region_at(const void* pointer, int bytes) {
  const auto* byte = static_cast<const std::byte*>(pointer);
  for (Region& region : scheduler().request().memory) {
    const std::byte* begin = region.memory->data();
    if (byte >= begin && byte + bytes <= begin + region.memory->bytes()) return &region;
  }
  return nullptr;
}

unsigned char* shared_at(unsigned address, int bytes, Site site) {
  return shared_pointer(address, bytes, "a bulk copy", site);
}

void check_whole(const BulkCopy& copy) {
  const unsigned alignment = copy.map.rank > 0 ? kTensorAlignment : kBulkAlignment;
  if (copy.shared % alignment != 0) fail("a bulk copy's shared memory is misaligned", copy.site);
  if (copy.bytes % static_cast<int>(kBulkAlignment) != 0)
    fail("a bulk copy moves no multiple of 16 bytes", copy.site);
  shared_at(copy.shared + static_cast<unsigned>(copy.bytes) - kBulkAlignment, kBulkAlignment, copy.site);
  shared_at(copy.shared, kBulkAlignment, copy.site);
  if (copy.map.rank == 0) {
    check_global(copy.global, copy.bytes, false, "cp.async.bulk", copy.site);
  } else if (copy.map.swizzle_bytes > 0 &&
             copy.map.box[0] * copy.map.element_bytes > copy.map.swizzle_bytes) {
    fail("a tensor copy's box is wider than its swizzle", copy.site);
  } else {
    check_inside(copy);
  }
}

BulkCopy tensor_copy(const CUtensorMap* map, const int* coordinates, int rank, unsigned shared, Site site) {
  if (map->rank != rank) fail("a tensor copy has another number of coordinates than its map", site);
  BulkCopy copy{.map = *map, .shared = shared, .bytes = box_bytes(*map), .site = site};
  for (int i = 0; i < rank; ++i) copy.coordinates[static_cast<std::size_t>(i)] = coordinates[i];
  check_whole(copy);
  return copy;
}

BulkCopy bytes_copy(const void* global, int bytes, unsigned shared, Site site) {
  BulkCopy copy{.map = {},
                .global = static_cast<std::byte*>(const_cast<void*>(global)),
                .shared = shared,
                .bytes = bytes,
                .site = site};
  check_whole(copy);
  return copy;
}

void start_load(const BulkCopy& copy, unsigned barrier) {
  barrier_at(barrier, copy.site);
  std::memset(shared_at(copy.shared, kBulkAlignment, copy.site), 0xff, static_cast<std::size_t>(copy.bytes));
  scheduler().block().loads.push_back(copy);
  scheduler().block().loads.back().barrier = barrier;
}

void load(const BulkCopy& copy) {
  if (copy.map.rank == 0) {
    std::memcpy(shared_at(copy.shared, kBulkAlignment, copy.site), copy.global,
                static_cast<std::size_t>(copy.bytes));
    if (Region* region = region_at(copy.global, copy.bytes)) region->copied_bytes += copy.bytes;
    return;
  }
  const auto size = static_cast<std::size_t>(copy.map.element_bytes);
  for_each_element(copy, [&](unsigned shared, const unsigned char* global) {
    unsigned char* target = shared_at(shared, copy.map.element_bytes, copy.site);
    if (global == nullptr) {
      std::memset(target, 0, size);
      return;
    }
    std::memcpy(target, global, size);
    region_at(global, copy.map.element_bytes)->copied_bytes += copy.map.element_bytes;
  });
}

void store_element(std::byte* global, const unsigned char* shared, int bytes, bool add, Site site) {
  Region* region = region_at(global, bytes);
  if (region == nullptr) fail("a bulk store writes outside all tensors", site);
  if (!add) {
    std::memcpy(global, shared, static_cast<std::size_t>(bytes));
    return;
  }
  float sum = 0, term = 0;
  std::memcpy(&sum, global, sizeof sum);
  std::memcpy(&term, shared, sizeof term);
  sum += term;
  std::memcpy(global, &sum, sizeof sum);
  region->reduced_bytes += bytes;
}

void store(const BulkCopy& copy) {
  if (copy.map.rank == 0) {
    for (int i = 0; i < copy.bytes; i += 4) {
      store_element(copy.global + i, shared_at(copy.shared + static_cast<unsigned>(i), 4, copy.site), 4,
                    copy.add, copy.site);
    }
    return;
  }
  for_each_element(copy, [&](unsigned shared, const unsigned char* global) {
    if (global == nullptr) return;
    auto* target = reinterpret_cast<std::byte*>(const_cast<unsigned char*>(global));
    store_element(target, shared_at(shared, copy.map.element_bytes, copy.site), copy.map.element_bytes,
                  copy.add, copy.site);
  });
}

}  // namespace

void mbarrier_init(unsigned barrier, int count, Site site) {
  shared_pointer(barrier, kBarrierBytes, "mbarrier", site);
  if (count < 1) fail("an mbarrier for fewer than one arrival", site);
  scheduler().block().mbarriers[barrier] = {.count = count, .pending = count};
}

void mbarrier_invalidate(unsigned barrier, Site site) {
  barrier_at(barrier, site);
  scheduler().block().mbarriers.erase(barrier);
}

void mbarrier_arrive(unsigned address, int count, long long bytes, Site site) {
  note("mbarrier.arrive", site);
  Mbarrier& barrier = barrier_at(address, site);
  if (count > barrier.pending) fail("arrives at an mbarrier more often than it was initialised for", site);
  barrier.pending -= count;
  barrier.bytes += bytes;
  advance(scheduler().block(), address);
}

bool mbarrier_test(unsigned address, int parity, Site site) {
  spin("mbarrier.try_wait", site);
  return barrier_at(address, site).phase != parity;
}

void mbarrier_wait(unsigned address, int parity, Site site) {
  note("mbarrier.try_wait", site);
  if (barrier_at(address, site).phase != parity) return;
  Thread& thread = scheduler().thread();
  thread.state = Thread::State::at_mbarrier;
  thread.barrier = static_cast<int>(address);
  thread.parity = parity;
  scheduler().wait();
}

void Scheduler::complete_some_load() {
  running_ = &block_.threads.front();  // for messages
  const std::size_t chosen = random() % block_.loads.size();
  const BulkCopy copy = block_.loads[chosen];
  block_.loads.erase(block_.loads.begin() + static_cast<std::ptrdiff_t>(chosen));
  load(copy);
  block_.mbarriers.at(copy.barrier).bytes -= copy.bytes;
  advance(block_, copy.barrier);
}

void tensor_load(unsigned destination, const CUtensorMap* map, const int* coordinates, int rank,
                 unsigned barrier, Site site) {
  note("cp.async.bulk.tensor", site);
  start_load(tensor_copy(map, coordinates, rank, destination, site), barrier);
}

void bulk_load(unsigned destination, const void* source, int bytes, unsigned barrier, Site site) {
  note("cp.async.bulk", site);
  start_load(bytes_copy(source, bytes, destination, site), barrier);
}

void tensor_store(const CUtensorMap* map, const int* coordinates, int rank, unsigned source, bool add,
                  Site site) {
  note("cp.async.bulk.tensor", site);
  if (add && map->element_bytes != 4) fail("only f32 sums are emulated", site);
  BulkCopy copy = tensor_copy(map, coordinates, rank, source, site);
  copy.add = add;
  scheduler().thread().open_stores.push_back(copy);
}

void bulk_store(void* destination, unsigned source, int bytes, bool add, Site site) {
  note("cp.async.bulk", site);
  BulkCopy copy = bytes_copy(destination, bytes, source, site);
  copy.add = add;
  scheduler().thread().open_stores.push_back(copy);
}

void bulk_commit() {
  Thread& thread = scheduler().thread();
  thread.store_groups.push_back(std::move(thread.open_stores));
  thread.open_stores.clear();
}

void bulk_wait(int pending_groups) {
  auto& groups = scheduler().thread().store_groups;
  while (groups.size() > static_cast<std::size_t>(pending_groups)) {
    for (const BulkCopy& copy : groups.front()) store(copy);
    groups.pop_front();
  }
}

}  // namespace weir::emulator
