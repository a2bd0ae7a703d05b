// mbarriers, clusters and the copy engine: PTX ISA, "mbarrier", "barrier.cluster", "cp.async.bulk.tensor".
#include <array>
#include <cstring>
#include <string>

#include "emulator/hopper.h"
#include "engine/scheduler.h"
#include "engine/shared_chunks.h"

namespace weir::emulator {
namespace {

constexpr unsigned kClusterWindow = 1u << 31;
constexpr int kRankShift = 24;

Scheduler& scheduler() {
  return *Scheduler::current();
}

void note(const char* operation, Site site) {
  Thread& thread = scheduler().thread();
  thread.operation = operation;
  thread.site = site;
}

// The block that an address of the cluster belongs to; makes the address the block's own.
Block& block_of(unsigned& address) {
  if ((address & kClusterWindow) == 0) return scheduler().block();
  Block& block = scheduler().cluster()[address >> kRankShift & 0x7f];
  address &= (1u << kRankShift) - 1;
  return block;
}

Mbarrier& find(Block& block, unsigned address, Site site) {
  if (block.live == 0) fail("uses an mbarrier of a block that has ended", site);
  const auto found = block.mbarriers.find(address);
  if (found == block.mbarriers.end()) fail("uses an mbarrier that nobody has initialised", site);
  return found->second;
}

void check_map(const CUtensorMap& map, int dimensions, Site site) {
  if (map.base == nullptr) fail("uses a tensor map that the definition left out", site);
  if (map.rank != dimensions) fail("copies a box of another number of dimensions than the map's", site);
}

std::size_t box_bytes(const CUtensorMap& map) {
  std::size_t bytes = map.element_bytes;
  for (int i = 0; i < map.rank; ++i) bytes *= map.box[i];
  return bytes;
}

// The tensor that a map is of; null if it is none of the launch's.
Region* region_of(const CUtensorMap& map) {
  for (Region& region : scheduler().request().memory) {
    if (region.memory->surrounds(map.base)) return &region;
  }
  return nullptr;
}

// Calls visit(offset in shared memory, address in the tensor or null outside it) for each element of a box.
template <class Visit>
void for_each_element(const CUtensorMap& map, const std::array<int, 5>& at, Visit visit) {
  std::array<int, 5> index{};
  for (std::size_t offset = 0; offset < box_bytes(map); offset += map.element_bytes) {
    unsigned char* element = map.base;
    bool inside = true;
    for (int i = 0; i < map.rank; ++i) {
      const auto axis = static_cast<std::size_t>(i);
      const long long coordinate = static_cast<long long>(at[axis]) + index[axis];
      inside = inside && coordinate >= 0 && coordinate < map.sizes[i];
      element += coordinate * (i == 0 ? map.element_bytes : map.strides[i - 1]);
    }
    visit(offset, inside ? element : nullptr);
    for (std::size_t i = 0; i < 5 && ++index[i] == (static_cast<int>(i) < map.rank ? map.box[i] : 1); ++i) {
      index[i] = 0;
    }
  }
}

// The swizzle exchanges 16-byte chunks by bits of the address.
unsigned swizzled(unsigned address, int swizzle_bytes) {
  const unsigned mask = swizzle_bytes == 128 ? 7 : swizzle_bytes == 64 ? 3 : swizzle_bytes == 32 ? 1 : 0;
  return address ^ ((address >> 7 & mask) << 4);
}

std::array<int, 5> coordinates(const int* at, int dimensions) {
  std::array<int, 5> all{};
  for (int i = 0; i < dimensions; ++i) all[static_cast<std::size_t>(i)] = at[i];
  return all;
}

std::string arrive_with_box(Block& block, const CUtensorMap& map, const std::array<int, 5>& at,
                            unsigned destination, unsigned barrier, bool counts) {
  if (block.live == 0) return "a copy arrives in a block that has ended";
  std::int64_t inside_bytes = 0;
  for_each_element(map, at, [&](std::size_t offset, const unsigned char* element) {
    unsigned char* target =
        shared_in(block, swizzled(destination + static_cast<unsigned>(offset), map.swizzle_bytes));
    if (element != nullptr) {
      std::memcpy(target, element, static_cast<std::size_t>(map.element_bytes));
      inside_bytes += map.element_bytes;
    } else {
      std::memset(target, 0, static_cast<std::size_t>(map.element_bytes));
    }
  });
  if (Region* region = region_of(map); counts && region != nullptr) region->copied_bytes += inside_bytes;
  const auto found = block.mbarriers.find(barrier);
  if (found == block.mbarriers.end()) return "a copy counts at an mbarrier that nobody has initialised";
  found->second.bytes -= static_cast<std::int64_t>(box_bytes(map));
  scheduler().complete_phase(found->second);
  return "";
}

void store(const PanelStore& panel) {
  Region* region = region_of(panel.map);
  for_each_element(panel.map, panel.at, [&](std::size_t offset, unsigned char* element) {
    if (element == nullptr) return;
    const unsigned address = swizzled(panel.address + static_cast<unsigned>(offset), panel.map.swizzle_bytes);
    const unsigned char* source = shared_in(scheduler().block(), address);
    if (!panel.add) {
      std::memcpy(element, source, panel.map.element_bytes);
      return;
    }
    float sum = 0, term = 0;
    std::memcpy(&sum, element, sizeof sum);
    std::memcpy(&term, source, sizeof term);
    sum += term;
    std::memcpy(element, &sum, sizeof sum);
    if (region != nullptr) region->reduced_bytes += panel.map.element_bytes;
  });
}

}  // namespace

const char* in_flight_at_exit(const Thread& thread) {
  if (!thread.open_stores.empty() || !thread.store_groups.empty()) {
    return "its tensor stores have not been waited for";
  }
  const Warp& warp = thread.home->warps[static_cast<std::size_t>(thread.warp)];
  if (!warp.open_products.empty() || !warp.product_groups.empty())
    return "its products have not been waited for";
  return nullptr;
}

void mbarrier_init(unsigned barrier, unsigned arrivals, Site site) {
  note("mbarrier.init", site);
  shared_pointer(barrier, 8, "mbarrier.init", site);
  if (!scheduler().block().mbarriers.try_emplace(barrier, Mbarrier{arrivals, arrivals}).second) {
    fail("initialises an mbarrier a second time", site);
  }
}

void mbarrier_arrive(unsigned barrier, unsigned announced_bytes, Site site) {
  yield("mbarrier.arrive", site);
  Block& block = block_of(barrier);
  Mbarrier& found = find(block, barrier, site);
  if (found.pending == 0) fail("arrives at an mbarrier that expects no more arrivals in this phase", site);
  found.bytes += announced_bytes;
  --found.pending;
  scheduler().complete_phase(found);
}

bool mbarrier_try_wait(unsigned barrier, unsigned parity, Site site) {
  note("mbarrier.try_wait", site);
  Scheduler& running = scheduler();
  Thread& thread = running.thread();
  const Mbarrier& found = find(running.block(), barrier, site);
  if (found.complete(parity)) return true;
  thread.state = Thread::State::at_mbarrier;
  thread.mbarrier = &found;
  thread.parity = parity;
  running.wait();
  return found.complete(parity);
}

unsigned cluster_rank() {
  return static_cast<unsigned>(scheduler().block().rank);
}

unsigned cluster_address(unsigned address, unsigned rank, Site site) {
  if (rank >= scheduler().cluster().size())
    fail("maps an address of a block that the cluster does not have", site);
  return kClusterWindow | rank << kRankShift | address;
}

void cluster_store(unsigned address, const void* value, int bytes, Site site) {
  yield("st.shared::cluster", site);
  Block& block = block_of(address);
  if (block.live == 0) fail("writes to a block that has ended", site);
  shared_pointer(address, bytes, "st.shared::cluster", site);  // all blocks have as much
  std::memcpy(shared_in(block, address), value, static_cast<std::size_t>(bytes));
}

void cluster_arrive(Site site) {
  note("barrier.cluster.arrive", site);
  scheduler().arrive_at_cluster_barrier();
}

void cluster_wait(Site site) {
  note("barrier.cluster.wait", site);
  Scheduler& running = scheduler();
  Thread& thread = running.thread();
  if (running.cluster_phase() > thread.cluster_phase) return;
  thread.state = Thread::State::at_cluster_barrier;
  running.wait();
}

void tensor_load(unsigned destination, const CUtensorMap& map, unsigned barrier, const int* at,
                 int dimensions, unsigned blocks, Site site) {
  yield("cp.async.bulk.tensor", site);
  Scheduler& running = scheduler();
  check_map(map, dimensions, site);
  const unsigned alignment = map.swizzle_bytes == 0 ? 128 : map.swizzle_bytes * 8u;
  if (destination % alignment != 0) fail("copies a box to an address that its swizzle does not allow", site);
  shared_pointer(destination, 16, "cp.async.bulk.tensor", site);
  shared_pointer(destination + static_cast<unsigned>(box_bytes(map)) - 16, 16, "cp.async.bulk.tensor", site);
  const unsigned receivers = blocks == 0 ? 1u << running.block().rank : blocks;
  if (receivers >> running.cluster().size() != 0)
    fail("copies to a block that the cluster does not have", site);
  bool first = true;
  for (Block& block : running.cluster()) {
    if ((receivers >> block.rank & 1u) == 0) continue;
    if (block.live == 0) fail("copies to a block that has ended", site);
    std::memset(shared_in(block, destination), 0xff, box_bytes(map));
    running.post([&block, map, all = coordinates(at, dimensions), destination, barrier, first] {
      return arrive_with_box(block, map, all, destination, barrier, first);
    });
    first = false;
  }
}

void tensor_store(const CUtensorMap& map, unsigned source, const int* at, int dimensions, bool add,
                  Site site) {
  yield("cp.async.bulk.tensor", site);
  check_map(map, dimensions, site);
  if (add && map.element_bytes != sizeof(float)) fail("adds elements that are not f32", site);
  for (unsigned offset = 0; offset < box_bytes(map); offset += 16) {
    shared_pointer(source + offset, 16, "cp.async.bulk.tensor", site);
    check_fenced(source + offset, "a tensor store", site);
  }
  scheduler().thread().open_stores.push_back({map, source, coordinates(at, dimensions), add});
}

void tensor_store_commit() {
  Thread& thread = scheduler().thread();
  thread.store_groups.push_back(std::move(thread.open_stores));
  thread.open_stores.clear();
}

void tensor_store_wait(int pending_groups) {
  auto& groups = scheduler().thread().store_groups;
  while (groups.size() > static_cast<std::size_t>(pending_groups)) {
    for (const PanelStore& panel : groups.front()) store(panel);
    groups.pop_front();
  }
}

void fence_async() {
  Thread& thread = scheduler().thread();
  for (const std::size_t chunk : thread.unfenced) {
    if (thread.home->unfenced[chunk] == thread.number) thread.home->unfenced[chunk] = -1;
  }
  thread.unfenced.clear();
}

}  // namespace weir::emulator
