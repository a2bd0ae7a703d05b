// Work by numbers from a counter in memory: the next block that is ready takes the next number, and one
// thread of the block has looked up what it stands for before the others need it.
#pragma once

#include "device/hopper/pipeline.h"
#include "device/ptx/cp_async.h"

namespace hopper {

/// Messages from one thread to the others of its block, a ring in shared memory. Every reader, a warp or lane
/// 0 of one, gets all of them.
template <class Work>
class WorkQueue {
 public:
  static constexpr int kSlots = 2;  // the more there are, the earlier blocks take what others could have done
  using Ring = Pipeline<kSlots>;
  using Position = typename Ring::Position;
  static constexpr int kSlotBytes = (sizeof(Work) + 15) / 16 * 16;
  static constexpr int bytes = Ring::bytes + kSlots * kSlotBytes;

  /// `memory` begins at a multiple of 16 bytes.
  __device__ __forceinline__ explicit WorkQueue(unsigned char* memory)
      : ring_(ptx::shared_address(memory)), slots_(memory + Ring::bytes) {}

  /// By one thread; finish_initialisation follows.
  __device__ __forceinline__ void initialise(int readers) const { ring_.initialise(readers); }

  __device__ __forceinline__ void wait_for_room(const Position& position) const {
    ring_.wait_until_empty(position);
  }
  __device__ __forceinline__ void send(const Position& position, const Work& work) const {
    *slot(position.stage) = work;
    ring_.publish(position);
  }

  /// The next message, which may be read again until it is left.
  __device__ __forceinline__ Work wait(const Position& position) const {
    ring_.wait(position);
    return read(position);
  }
  __device__ __forceinline__ Work read(const Position& position) const { return *slot(position.stage); }
  template <bool whole_warp>
  __device__ __forceinline__ void leave(Position& position) const {
    if constexpr (whole_warp) __syncwarp();
    ring_.release(position.stage);
    position.advance();
  }

  template <bool whole_warp>
  __device__ __forceinline__ Work receive(Position& position) const {
    const Work work = wait(position);
    leave<whole_warp>(position);
    return work;
  }

 private:
  __device__ __forceinline__ Work* slot(int stage) const {
    return reinterpret_cast<Work*>(slots_ + stage * kSlotBytes);
  }

  Ring ring_;
  unsigned char* slots_;
};

/// One thread: sends the block's share of the numbers below `count`, as look(number) says what they stand
/// for, and at last `none`. The block's first number is its own; further ones come from `next`, which the
/// blocks of a grid share, at most `count` of them. It is 0 between launches: every number beyond the first
/// ones is taken once, and each block takes one more that there is nothing for, together `count`; the last
/// sets it back.
template <class Work, class Look>
__device__ __forceinline__ void send_work(const WorkQueue<Work>& queue, int count, unsigned* next, Look look,
                                          const Work& none) {
  typename WorkQueue<Work>::Position position;
  for (unsigned number = blockIdx.x; number < static_cast<unsigned>(count); position.advance()) {
    queue.wait_for_room(position);
    queue.send(position, look(static_cast<int>(number)));
    number = gridDim.x + atomicInc(next, static_cast<unsigned>(count) - 1);
  }
  queue.wait_for_room(position);
  queue.send(position, none);
}

}  // namespace hopper
