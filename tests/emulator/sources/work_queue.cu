// Work that the blocks of a grid take from a counter, and all warps of a block get.
#include "device/hopper/work_queue.h"

struct Number {
  int value, twice;
};

/// Thread 0 sends; the two other warps count what they get in taken[warp][number].
extern "C" __global__ void take_numbers(int* taken, unsigned* next, int count) {
  extern __shared__ __align__(16) unsigned char memory[];
  const hopper::WorkQueue<Number> queue(memory);
  if (threadIdx.x == 0) queue.initialise(2);
  hopper::finish_initialisation<1>(threadIdx.x == 0);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  if (warp == 0) {
    if (threadIdx.x == 0) {
      hopper::send_work(
          queue, count, next,
          [](int number) {
            return Number{number, 2 * number};
          },
          Number{-1, 0});
    }
    return;
  }
  hopper::WorkQueue<Number>::Position position;
  for (;;) {
    const Number number = queue.receive<true>(position);
    if (number.value < 0) return;
    if (threadIdx.x % 32 == 0) atomicAdd(&taken[(warp - 1) * count + number.twice / 2], 1);
  }
}
