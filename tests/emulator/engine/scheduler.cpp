#include "engine/scheduler.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace weir::emulator {

const BuiltIns* built_ins = nullptr;
Scheduler* Scheduler::current_ = nullptr;

namespace {

// Kernels keep their fragments in registers on a GPU and on the stack here.
constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::int64_t kSharedAlignment = 1024;
// Of threads that wait for a value in memory and find it unchanged.
constexpr std::int64_t kIdleYieldsLimit = 4'000'000;
// A warp runs ahead of the others for about so many switches.
constexpr std::uint64_t kSwitchesPerPriority = 64;

std::size_t guard_bytes() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t mix(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

std::size_t thread_count(const LaunchRequest& request) {
  return static_cast<std::size_t>(request.threads[0]) * request.threads[1] * request.threads[2];
}

}  // namespace

std::string name_of(const Thread& thread) {
  const Index3& block = thread.built_ins.block;
  return "thread " + std::to_string(thread.number) + " of block (" + std::to_string(block.x) + ", " +
         std::to_string(block.y) + ", " + std::to_string(block.z) + ")";
}

std::string text_of(Site site) {
  if (site.file == nullptr) return "its beginning";
  return std::string(site.file) + ":" + std::to_string(site.line);
}

Scheduler::Scheduler(LaunchRequest& request) : request_(request), random_state_(mix(request.seed)) {
  const std::size_t blocks =
      static_cast<std::size_t>(request.cluster[0]) * request.cluster[1] * request.cluster[2];
  const std::size_t threads = blocks * thread_count(request);
  for (std::size_t i = 0; i < blocks; ++i) {
    shared_.emplace_back(std::max<std::int64_t>(request.shared_bytes, 1), kSharedAlignment);
  }
  blocks_.resize(blocks);
  // Copies that are soon there, late, and as late as possible.
  constexpr std::uint64_t kLateness[] = {8, 64, std::uint64_t{1} << 40};
  lateness_ = kLateness[random() % std::size(kLateness)];
  stacks_bytes_ = threads * (kStackBytes + guard_bytes());
  void* map = mmap(nullptr, stacks_bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  stacks_ = static_cast<std::byte*>(map);
  for (std::size_t i = 0; i < threads; ++i) {
    mprotect(stacks_ + i * (kStackBytes + guard_bytes()), guard_bytes(), PROT_NONE);
  }
  current_ = this;
}

Scheduler::~Scheduler() {
  current_ = nullptr;
  built_ins = nullptr;
  munmap(stacks_, stacks_bytes_);
}

bool Scheduler::on_stacks(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  return byte >= stacks_ && byte < stacks_ + stacks_bytes_;
}

std::uint64_t Scheduler::random() {
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 7;
  random_state_ ^= random_state_ << 17;
  return random_state_;
}

void Scheduler::start_threads(Block& block, Index3 index) {
  const auto [x, y, z] = request_.threads;
  const std::size_t count = thread_count(request_);
  const auto rank = static_cast<std::size_t>(&block - blocks_.data());
  block = Block{};
  block.shared = &shared_[rank];
  block.rank = static_cast<int>(rank);
  block.unfenced.assign(static_cast<std::size_t>(request_.shared_bytes) / 16 + 1, -1);
  block.threads.resize(count);
  block.warps.resize((count + kWarpLanes - 1) / kWarpLanes);
  block.live = static_cast<int>(count);
  for (std::size_t i = 0; i < count; ++i) {
    Thread& thread = block.threads[i];
    const auto number = static_cast<unsigned>(i);
    thread.home = &block;
    thread.number = static_cast<int>(i);
    thread.warp = thread.number / kWarpLanes;
    thread.built_ins = {.thread = {number % x, number / x % y, number / x / y},
                        .block = index,
                        .block_size = {x, y, z},
                        .grid_size = {request_.grid[0], request_.grid[1], request_.grid[2]}};
    std::byte* stack = stacks_ + (rank * count + i) * (kStackBytes + guard_bytes()) + guard_bytes();
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(stack, kStackBytes);
#endif
    thread.fiber.prepare(stack, kStackBytes, &Scheduler::thread_main);
    Warp& warp = block.warps[static_cast<std::size_t>(thread.warp)];
    warp.lanes |= 1u << thread.lane();
    warp.live |= 1u << thread.lane();
    warp.ready |= 1u << thread.lane();
  }
  for (std::size_t i = 0; i < block.warps.size(); ++i) {
    block.warps[i].first_thread = static_cast<int>(i) * kWarpLanes;
    block.warps[i].priority = random();
  }
}

int Scheduler::live() const {
  int threads = 0;
  for (const Block& block : blocks_) threads += block.live;
  return threads;
}

std::string Scheduler::run_cluster(const std::vector<Index3>& blocks) {
  constexpr std::size_t kAnchorBytes = 1;  // every source has it
  if (!request_.static_shared.empty()) {
    if (blocks.size() > 1 && request_.static_shared.size() > kAnchorBytes)
      return "a kernel with clusters has static shared memory, which has no host version";
    std::memset(request_.static_shared.data(), 0xff, request_.static_shared.size());
  }
  failure_.clear();
  idle_yields_ = 0;
  at_cluster_barrier_ = 0;
  cluster_phase_ = 0;
  events_.clear();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    shared_[i].poison();
    start_threads(blocks_[i], blocks[i]);
  }
  while (live() > 0 && failure_.empty()) {
    Thread* next = pick();
    if (!events_.empty() && (next == nullptr || random() % lateness_ == 0)) {
      run_an_event();
      continue;
    }
    if (next == nullptr) return hang();
    running_ = next;
    built_ins = &running_->built_ins;
    Fiber::switch_to(host_, running_->fiber);
  }
  for (Block& block : blocks_) {
    for (Warp& warp : block.warps) lanes_met(warp);
  }
  if (failure_.empty() && !events_.empty())
    failure_ = "the blocks have ended and copies to them are in flight";
  for (std::size_t i = 0; i < blocks.size() && failure_.empty(); ++i) {
    const std::string damage = shared_[i].damage();
    if (damage.empty()) continue;
    failure_ = "block (" + std::to_string(blocks[i].x) + ", " + std::to_string(blocks[i].y) + ", " +
               std::to_string(blocks[i].z) + "): dynamic shared memory of " +
               std::to_string(request_.shared_bytes) + " bytes is " + damage;
  }
  return failure_;
}

void Scheduler::run_an_event() {
  const std::size_t index = random() % events_.size();
  const std::function<std::string()> event = std::move(events_[index]);
  events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(index));
  failure_ = event();
}

// The warp of the highest priority, and any of its lanes. Priorities stay for a while, so that one warp gets
// far ahead of another where nothing holds it back: a uniform choice would keep all warps abreast and hide a
// missing barrier.
Thread* Scheduler::pick() {
  Warp* best = nullptr;
  Block* home = nullptr;
  for (Block& block : blocks_) {
    for (Warp& warp : block.warps) {
      if (warp.ready != 0 && (best == nullptr || warp.priority > best->priority)) best = &warp, home = &block;
    }
  }
  if (best == nullptr) return nullptr;
  const std::uint64_t bits = random();
  if (bits % kSwitchesPerPriority == 0) {
    std::vector<Warp>& warps = blocks_[(bits >> 8) % blocks_.size()].warps;
    warps[(bits >> 16) % warps.size()].priority = random();
  }
  const int rotation = static_cast<int>(bits >> 32 & 31u);
  const int lane = (std::countr_zero(std::rotr(best->ready, rotation)) + rotation) % kWarpLanes;
  return &home->threads[static_cast<std::size_t>(best->first_thread + lane)];
}

void Scheduler::thread_main() {
  Scheduler& self = *current_;
  self.request_.call(self.request_.arguments);
  self.exit_thread();
}

void Scheduler::exit_thread() {
  copy_async_commit();
  copy_async_wait(0);
  Thread& thread = *running_;
  if (const char* unfinished = in_flight_at_exit(thread)) {
    note_failure(std::string("ends while ") + unfinished);
    leave();
  }
  Warp& warp = this->warp();
  thread.state = Thread::State::exited;
  warp.live &= ~(1u << thread.lane());
  warp.ready &= ~(1u << thread.lane());
  --block().live;
  made_progress();
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if ((warp.in_collective >> lane & 1u) == 0) continue;
    const Thread& other = block().threads[static_cast<std::size_t>(warp.first_thread + lane)];
    if ((other.mask >> thread.lane() & 1u) == 0) continue;
    note_failure(std::string("exits, and thread ") + std::to_string(other.number) + " waits for it in " +
                 other.operation + " at " + text_of(other.site));
    leave();
  }
  release_if_complete(0);
  release_cluster_if_complete();
  Fiber::switch_to(thread.fiber, host_);
  __builtin_unreachable();
}

void Scheduler::wait() {
  Thread& thread = *running_;
  warp().ready &= ~(1u << thread.lane());
  Fiber::switch_to(thread.fiber, host_);
}

void Scheduler::yield() {
  Fiber::switch_to(running_->fiber, host_);
}

void Scheduler::make_ready(Thread& thread) {
  thread.state = Thread::State::ready;
  thread.home->warps[static_cast<std::size_t>(thread.warp)].ready |= 1u << thread.lane();
}

void Scheduler::count_idle_yield() {
  // A thread that spins must not keep those waiting that it waits for.
  warp().priority = random();
  if (++idle_yields_ > kIdleYieldsLimit) {
    note_failure("waits for a value in memory that nobody writes; " + waiting_places(block()));
    leave();
  }
}

void Scheduler::note_failure(const std::string& message) {
  failure_ = name_of(*running_) + ": " + message;
}

void Scheduler::leave() {
  Fiber::switch_to(running_->fiber, host_);
  __builtin_unreachable();
}

std::string Scheduler::hang() const {
  std::string text;
  for (const Block& block : blocks_) {
    const Index3& index = block.threads.front().built_ins.block;
    text += (text.empty() ? "block (" : "; block (") + std::to_string(index.x) + ", " +
            std::to_string(index.y) + ", " + std::to_string(index.z) + ") hangs; " + waiting_places(block);
  }
  return text;
}

void Scheduler::complete_phase(Mbarrier& barrier) {
  if (barrier.pending > 0 || barrier.bytes != 0) return;
  barrier.pending = barrier.expected;
  ++barrier.phases;
  for (Block& block : blocks_) {
    for (Thread& thread : block.threads) {
      if (thread.state == Thread::State::at_mbarrier && thread.mbarrier == &barrier &&
          barrier.complete(thread.parity)) {
        make_ready(thread);
      }
    }
  }
  made_progress();
}

void Scheduler::arrive_at_cluster_barrier() {
  running_->cluster_phase = cluster_phase_;
  ++at_cluster_barrier_;
  release_cluster_if_complete();
}

void Scheduler::release_cluster_if_complete() {
  if (at_cluster_barrier_ == 0 || at_cluster_barrier_ < live()) return;
  at_cluster_barrier_ = 0;
  ++cluster_phase_;
  for (Block& block : blocks_) {
    for (Thread& thread : block.threads) {
      if (thread.state == Thread::State::at_cluster_barrier) make_ready(thread);
    }
  }
  made_progress();
}

void Scheduler::lanes_met(Warp& warp) {
  report_.copies += warp.copies.finish();
  report_.sectors += warp.copied_sectors.finish();
  report_.stores += warp.stores.finish();
  report_.loads += warp.loads.finish();
}

void Scheduler::release_if_complete(int number) {
  Block& block = this->block();
  Barrier& barrier = block.barriers[static_cast<std::size_t>(number)];
  const int expected = barrier.expected == kAllThreads ? block.live : barrier.expected;
  if (barrier.arrived == 0 || barrier.arrived < expected) return;
  int result = 0;
  if (barrier.vote == Vote::any) result = barrier.yes > 0;
  if (barrier.vote == Vote::all) result = barrier.yes == barrier.arrived;
  if (barrier.vote == Vote::count) result = barrier.yes;
  barrier = {};
  for (Thread& thread : block.threads) {
    if (thread.state != Thread::State::at_barrier || thread.barrier != number) continue;
    thread.vote = result;
    make_ready(thread);
  }
  for (Warp& warp : block.warps) lanes_met(warp);
  made_progress();
}

std::string waiting_places(const Block& block) {
  struct Place {
    std::string what;
    std::vector<int> threads;
  };
  std::vector<Place> places;
  for (const Thread& thread : block.threads) {
    std::string what;
    if (thread.state == Thread::State::exited) {
      what = "exited";
    } else {
      what =
          std::string(thread.operation == nullptr ? "run" : thread.operation) + " at " + text_of(thread.site);
      if (thread.state == Thread::State::at_mbarrier) {
        what += " for " + std::to_string(thread.mbarrier->pending) + " arrivals and " +
                std::to_string(thread.mbarrier->bytes) + " bytes, in phase " +
                std::to_string(thread.mbarrier->phases) + ",";
      }
      if (thread.state == Thread::State::in_collective && thread.mask != kWholeWarp) {
        char mask[16];
        std::snprintf(mask, sizeof mask, "0x%08x", thread.mask);
        what += std::string(" with the mask ") + mask;
      }
      what = (thread.state == Thread::State::ready ? "can run after " : "wait in ") + what;
    }
    auto place = std::find_if(places.begin(), places.end(), [&](const Place& p) { return p.what == what; });
    if (place == places.end()) place = places.insert(places.end(), {what, {}});
    place->threads.push_back(thread.number);
  }
  std::string text;
  for (const Place& place : places) {
    text += text.empty() ? "threads " : "; threads ";
    for (std::size_t i = 0; i < place.threads.size();) {
      std::size_t end = i + 1;
      while (end < place.threads.size() && place.threads[end] == place.threads[end - 1] + 1) ++end;
      if (i > 0) text += ", ";
      text += std::to_string(place.threads[i]);
      if (end > i + 1) text += "-" + std::to_string(place.threads[end - 1]);
      i = end;
    }
    text += " " + place.what;
  }
  return text;
}

}  // namespace weir::emulator
