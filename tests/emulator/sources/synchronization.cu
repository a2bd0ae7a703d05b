// Kernels that are right with `correct` and lack a barrier, or meet at none, without.
#include "device/ptx/barrier.h"

constexpr int kThreads = 128;

/// Reads what another warp has written.
extern "C" __global__ void rotate(int* out, int correct) {
  __shared__ int values[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  values[thread] = 1000 * static_cast<int>(blockIdx.x) + thread;
  if (correct) __syncthreads();
  out[kThreads * blockIdx.x + thread] = values[(thread + 32) % kThreads];
}

/// The same within a warp.
extern "C" __global__ void rotate_in_warp(int* out, int correct) {
  extern __shared__ int values[];
  const int thread = static_cast<int>(threadIdx.x);
  values[thread] = thread;
  if (correct) __syncwarp();
  out[thread] = values[thread / 32 * 32 + (thread + 1) % 32];
}

/// A buffer that is filled again and again: the second barrier keeps writers from overtaking readers.
extern "C" __global__ void fill_again(int* out, int rounds, int correct) {
  __shared__ int values[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  int sum = 0;
  for (int round = 0; round < rounds; ++round) {
    values[thread] = round;
    __syncthreads();
    sum += values[(thread + 32) % kThreads];
    if (correct) __syncthreads();
  }
  out[thread] = sum;
}

/// The first half gives to the second through named barriers: 1 says that the buffer is full, 2 that it is
/// empty.
extern "C" __global__ void hand_over(int* out, int rounds, int correct) {
  __shared__ int values[kThreads / 2];
  const int thread = static_cast<int>(threadIdx.x);
  const int mine = thread % (kThreads / 2);
  if (thread < kThreads / 2) {
    for (int round = 0; round < rounds; ++round) {
      if (correct) ptx::bar_sync(2, kThreads);
      values[(mine + 32) % (kThreads / 2)] = round * thread;
      ptx::bar_arrive(1, kThreads);
    }
    if (correct) ptx::bar_sync(2, kThreads);
  } else {
    if (correct) ptx::bar_arrive(2, kThreads);
    int sum = 0;
    for (int round = 0; round < rounds; ++round) {
      ptx::bar_sync(1, kThreads);
      sum += values[mine];
      if (correct) ptx::bar_arrive(2, kThreads);
    }
    out[mine] = sum;
  }
}

/// Half of the block waits for the other half.
extern "C" __global__ void divide(int* out, int correct) {
  if (correct || threadIdx.x < kThreads / 2) __syncthreads();
  else ptx::bar_sync(3, kThreads);
  out[threadIdx.x] = 1;
}

/// Lane 5 does not take part in a shuffle that names it.
extern "C" __global__ void leave_early(int* out, int correct) {
  if (!correct && threadIdx.x == 5) return;
  out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, static_cast<int>(threadIdx.x), 1);
}

/// Lane 5 shuffles with another mask than the rest.
extern "C" __global__ void other_mask(int* out, int correct) {
  const unsigned mask = !correct && threadIdx.x == 5 ? 0xffu : 0xffffffffu;
  out[threadIdx.x] = __shfl_sync(mask, static_cast<int>(threadIdx.x), 7);
}

/// The last block that arrives adds up what the others left, if they are ordered.
extern "C" __global__ void wait_for_flag(int* flag, int* out, int correct) {
  if (threadIdx.x == 0) {
    if (correct) atomicExch(flag, 1);
  } else {
    while (atomicCAS(flag, 1, 1) != 1) {
    }
    out[threadIdx.x] = 1;
  }
}

extern "C" __global__ void collectives(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  constexpr unsigned all = 0xffffffffu;
  int* row = out + 16 * lane;
  row[0] = __shfl_sync(all, 10 * lane, 3);
  row[1] = __shfl_sync(all, 10 * lane, lane + 1, 8);
  row[2] = __shfl_xor_sync(all, 10 * lane, 5);
  row[3] = __shfl_down_sync(all, 10 * lane, 2, 16);
  row[4] = __shfl_up_sync(all, 10 * lane, 2, 16);
  row[5] = static_cast<int>(__ballot_sync(all, lane % 3 == 0));
  row[6] = __any_sync(all, lane == 17);
  row[7] = __all_sync(all, lane != 17);
  row[8] = static_cast<int>(__match_any_sync(all, static_cast<unsigned>(lane % 4)));
  row[9] = static_cast<int>(__reduce_add_sync(all, static_cast<unsigned>(lane)));
  row[10] = lane < 16 ? __shfl_xor_sync(0xffffu, lane, 1) : __shfl_xor_sync(0xffff0000u, lane, 2);
  row[11] = __syncthreads_count(lane < 5);
}

extern "C" __global__ void sums(float* floats, int* integers, unsigned* largest) {
  atomicAdd(floats, 0.5f);
  integers[1 + atomicAdd(integers, 1)] = 1;
  atomicMax(largest, threadIdx.x + blockIdx.x);
}
