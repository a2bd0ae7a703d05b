// A ring of stages in shared memory that the copy engine fills and warpgroups read.
#pragma once

#include "device/ptx/cluster.h"
#include "device/ptx/fence.h"
#include "device/ptx/mbarrier.h"
#include "device/ptx/tma.h"

namespace hopper {

/// The place of a producer or a consumer in a ring, after any number of rounds.
template <int stages>
struct RingPosition {
  int stage = 0;
  unsigned parity = 0;  // of the round

  __device__ __forceinline__ void advance() {
    if (++stage == stages) {
      stage = 0;
      parity ^= 1;
    }
  }
  /// The same `steps` (at least 0) times.
  __device__ __forceinline__ void advance(int steps) {
    const int next = stage + steps;
    parity ^= static_cast<unsigned>(next / stages) & 1;
    stage = next % stages;
  }
};

/// Two mbarriers for each stage: `full` when the copies have arrived, `empty` when all readers are done. With
/// clusters
/// (`blocks` > 1) a stage is filled by the producers of all blocks, and is empty when the readers of all
/// blocks are done with theirs, since one block's copy overwrites the others' stage too.
template <int stages, int blocks = 1>
class Pipeline {
 public:
  using Position = RingPosition<stages>;
  static constexpr int bytes = 2 * stages * 8;

  __device__ __forceinline__ explicit Pipeline(unsigned barriers) : barriers_(barriers) {}

  /// By one thread; `finish_initialisation` follows, by all threads. `readers` warpgroups of this block
  /// release a stage.
  __device__ __forceinline__ void initialise(int readers) const {
#pragma unroll 1
    for (int stage = 0; stage < stages; ++stage) {
      ptx::mbarrier_init(full(stage), 1);
      ptx::mbarrier_init(empty(stage), readers * blocks);
    }
  }

  /// Producer: waits until the stage may be overwritten, and announces the bytes that will arrive in it, all
  /// blocks' copies together.
  __device__ __forceinline__ void acquire(const Position& position, unsigned arriving_bytes) const {
    wait_until_empty(position);
    ptx::mbarrier_arrive_expect_tx(full(position.stage), arriving_bytes);
  }

  /// Producer that writes a stage itself: waits until it may, and says that it has.
  __device__ __forceinline__ void wait_until_empty(const Position& position) const {
    while (!ptx::mbarrier_try_wait_parity(empty(position.stage), position.parity ^ 1)) {
    }
  }
  __device__ __forceinline__ void publish(const Position& position) const {
    ptx::mbarrier_arrive(full(position.stage));
  }

  /// Consumer: waits until everything has arrived.
  __device__ __forceinline__ void wait(const Position& position) const {
    while (!ptx::mbarrier_try_wait_parity(full(position.stage), position.parity)) {
    }
  }

  /// Consumer: the warpgroup will not read the stage again in this round. Called by its whole first warp.
  __device__ __forceinline__ void release(int stage) const {
    const unsigned lane = threadIdx.x % 32;
    if constexpr (blocks > 1) {
      if (lane < blocks) ptx::mbarrier_arrive_cluster(ptx::mapa_shared_cluster(empty(stage), lane));
    } else {
      if (lane == 0) ptx::mbarrier_arrive(empty(stage));
    }
  }

  /// The mbarrier that counts a stage's bytes.
  __device__ __forceinline__ unsigned full(int stage) const {
    return barriers_ + stage * 8;
  }

 private:
  __device__ __forceinline__ unsigned empty(int stage) const {
    return barriers_ + (stages + stage) * 8;
  }

  unsigned barriers_;
};

/// Makes initialised mbarriers known to all threads of the block or cluster, and to copies.
template <int blocks>
__device__ __forceinline__ void finish_initialisation(bool initialised_some) {
  if (initialised_some) ptx::fence_mbarrier_init();
  if constexpr (blocks > 1) {
    ptx::barrier_cluster_arrive();
    ptx::barrier_cluster_wait();
  } else {
    __syncthreads();
  }
}

/// By all threads of all blocks of a cluster: what each did before is seen by those that pass. Also before a
/// block ends at whose barriers, or in whose memory, another one may still act.
template <int blocks>
__device__ __forceinline__ void sync_cluster() {
  if constexpr (blocks > 1) {
    __syncwarp();
    ptx::barrier_cluster_arrive();
    ptx::barrier_cluster_wait();
  }
}

}  // namespace hopper
