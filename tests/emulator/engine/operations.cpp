// The functions of emulator/engine.h that concern other threads: barriers and collective operations.
#include <string>

#include "emulator/engine.h"
#include "engine/scheduler.h"

namespace weir::emulator {
namespace {

Scheduler& scheduler() {
  return *Scheduler::current();
}

void note(const char* operation, Site site) {
  Thread& thread = scheduler().thread();
  thread.operation = operation;
  thread.site = site;
}

// Adds the arrival and says whether the barrier is complete with it.
bool arrive(int id, int threads, Vote vote, bool predicate, Site site) {
  if (id < 0 || id >= kBarriers) fail("a barrier's number is outside 0 to 15", site);
  if (threads % kWarpLanes != 0) fail("a barrier's number of threads is no multiple of 32", site);
  Barrier& barrier = scheduler().block().barriers[static_cast<std::size_t>(id)];
  if (barrier.arrived > 0 && (barrier.expected != threads || barrier.vote != vote)) {
    fail("arrives at a barrier with another number of threads or vote than those before it", site);
  }
  barrier.expected = threads;
  barrier.vote = vote;
  ++barrier.arrived;
  barrier.yes += predicate ? 1 : 0;
  const int expected = threads == kAllThreads ? scheduler().block().live : threads;
  return barrier.arrived >= expected;
}

Thread& lane_of(Scheduler& running, const Warp& warp, int lane) {
  return running.block().threads[static_cast<std::size_t>(warp.first_thread + lane)];
}

// Whether all lanes of `present` are in the collective operation of the running one; if so, their payloads.
bool all_arrived(Scheduler& running, const Warp& warp, unsigned present, void** payloads) {
  if ((warp.in_collective & present) != present) return false;
  const Thread& thread = running.thread();
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if ((present >> lane & 1u) == 0) continue;
    const Thread& other = lane_of(running, warp, lane);
    if (other.mask != thread.mask || other.collective != thread.collective) return false;
    payloads[lane] = other.payload;
  }
  return true;
}

}  // namespace

void fail(const char* what, Site site) {
  scheduler().note_failure(std::string(what) + " (" + text_of(site) + ")");
  scheduler().leave();
}

void yield(const char* operation, Site site) {
  note(operation, site);
  if (scheduler().random() % 8 == 0) scheduler().yield();
}

void spin(const char* operation, Site site) {
  note(operation, site);
  scheduler().count_idle_yield();
  scheduler().yield();
}

int barrier_sync(int id, int threads, Vote vote, bool predicate, Site site) {
  note(id == 0 && threads == kAllThreads ? "__syncthreads" : "bar.sync", site);
  Scheduler& running = scheduler();
  Thread& thread = running.thread();
  thread.state = Thread::State::at_barrier;
  thread.barrier = id;
  const bool complete = arrive(id, threads, vote, predicate, site);
  if (complete) {
    running.release_if_complete(id);  // this thread with the others
    running.yield();
  } else {
    running.wait();
  }
  return thread.vote;
}

void barrier_arrive(int id, int threads, Site site) {
  note("bar.arrive", site);
  if (arrive(id, threads, Vote::none, false, site)) scheduler().release_if_complete(id);
}

void collective(const char* name, unsigned mask, Collective operation, void* payload, Site site) {
  note(name, site);
  Scheduler& running = scheduler();
  Thread& thread = running.thread();
  Warp& warp = running.warp();
  if ((mask >> thread.lane() & 1u) == 0) fail("the mask lacks the lane that calls", site);
  thread.mask = mask;
  thread.collective = operation;
  thread.payload = payload;
  thread.state = Thread::State::in_collective;
  warp.in_collective |= 1u << thread.lane();

  const unsigned present = mask & warp.lanes;
  if ((present & ~warp.live) != 0) fail("the mask names a lane that has exited", site);
  void* payloads[kWarpLanes] = {};
  if (!all_arrived(running, warp, present, payloads)) {
    running.wait();
    return;
  }
  operation(payloads, mask);
  warp.in_collective &= ~present;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (payloads[lane] != nullptr) running.make_ready(lane_of(running, warp, lane));
  }
  if (mask == kWholeWarp) running.lanes_met(warp);
  running.made_progress();
}

}  // namespace weir::emulator
