// Sums over the blocks of a cluster that all have a part of the same products.
#pragma once

#include "device/hopper/pipeline.h"

namespace hopper {

/// Every block adds up one part of each thread's registers: the others send it theirs, into its shared
/// memory. Values are added in the order of the blocks, so that results are the same in every run.
/// `inbox_bytes` for each of `threads` threads begin at the same shared address in all blocks, where nothing
/// is in use between two calls of sync_cluster: the first before `send`, and the second after it.
template <int blocks, int registers>
struct ClusterSum {
  static_assert(registers % (4 * blocks) == 0, "16 bytes are sent at a time");
  static constexpr int part_registers = registers / blocks;
  static constexpr int inbox_bytes = (blocks - 1) * part_registers * 4;

  static __device__ __forceinline__ void send(unsigned inbox, int thread, int threads,
                                              const float (&sums)[registers]) {
    const int rank = static_cast<int>(ptx::cluster_block_rank());
#pragma unroll
    for (int part = 0; part < blocks; ++part) {
      if (part == rank) continue;
      const unsigned target = ptx::mapa_shared_cluster(
          inbox + static_cast<unsigned>(place(rank, part, 0, thread, threads)) * 16, part);
#pragma unroll
      for (int i = 0; i < part_registers / 4; ++i) {
        const int first = part * part_registers + 4 * i;
        ptx::st_shared_cluster_v4(target + static_cast<unsigned>(i * threads) * 16,
                                  {sums[first], sums[first + 1], sums[first + 2], sums[first + 3]});
      }
    }
  }

  /// Calls take(part, totals) with this block's part.
  template <class Take>
  static __device__ __forceinline__ void receive(const float4* inbox, int thread, int threads,
                                                 const float (&sums)[registers], Take take) {
    const int rank = static_cast<int>(ptx::cluster_block_rank());
#pragma unroll
    for (int part = 0; part < blocks; ++part) {
      if (part != rank) continue;
      float totals[part_registers];
#pragma unroll
      for (int i = 0; i < part_registers; i += 4) {
        float4 total{0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int block = 0; block < blocks; ++block) {
          const int own = part * part_registers + i;
          const float4 value = block == part ? float4{sums[own], sums[own + 1], sums[own + 2], sums[own + 3]}
                                             : inbox[place(block, part, i / 4, thread, threads)];
          total = {total.x + value.x, total.y + value.y, total.z + value.z, total.w + value.w};
        }
        totals[i] = total.x;
        totals[i + 1] = total.y;
        totals[i + 2] = total.z;
        totals[i + 3] = total.w;
      }
      take(part, totals);
    }
  }

 private:
  /// Of the 16 bytes number `i` of what `from` sends to `to`; neighbouring threads' lie side by side.
  static __device__ __forceinline__ int place(int from, int to, int i, int thread, int threads) {
    const int sender = from < to ? from : from - 1;
    return (sender * (part_registers / 4) + i) * threads + thread;
  }
};

}  // namespace hopper
