// What the blocks of a cluster add up through each other's shared memory; wrong unless `barriers` is 2.
#include "device/hopper/cluster_sum.h"
#include "device/ptx/cp_async.h"

constexpr int kBlocks = 4, kRegisters = 16, kThreads = 32;

/// Each block starts with parts[rank] in every register; out[block][thread][register of its part].
extern "C" __global__ void cluster_sums(float* out, const float* parts, int barriers) {
  extern __shared__ __align__(16) unsigned char memory[];
  using Sum = hopper::ClusterSum<kBlocks, kRegisters>;
  const int thread = static_cast<int>(threadIdx.x);
  const int rank = static_cast<int>(ptx::cluster_block_rank());
  float sums[kRegisters];
  for (int i = 0; i < kRegisters; ++i) sums[i] = parts[rank] * static_cast<float>(1 + i + thread);
  hopper::sync_cluster<kBlocks>();
  Sum::send(ptx::shared_address(memory), thread, kThreads, sums);
  if (barriers == 2) hopper::sync_cluster<kBlocks>();
  Sum::receive(reinterpret_cast<const float4*>(memory), thread, kThreads, sums,
               [&](int part, const auto& totals) {
                 for (int i = 0; i < Sum::part_registers; ++i)
                   out[(part * kThreads + thread) * Sum::part_registers + i] = totals[i];
               });
  hopper::sync_cluster<kBlocks>();
}
