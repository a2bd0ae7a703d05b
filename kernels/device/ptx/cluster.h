// Clusters: blocks that run at the same time and reach each other's shared memory (compute capability 9.0).
#pragma once

namespace ptx {

/// This block's number in its cluster.
__device__ __forceinline__ unsigned cluster_block_rank() {
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;\n" : "=r"(rank));
  return rank;
}

/// The address, for the block `rank` of the cluster, of what is at the shared address `address` here.
__device__ __forceinline__ unsigned mapa_shared_cluster(unsigned address, unsigned rank) {
  unsigned mapped;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;\n" : "=r"(mapped) : "r"(address), "r"(rank));
  return mapped;
}

/// Writes 16 bytes at an address of mapa_shared_cluster.
__device__ __forceinline__ void st_shared_cluster_v4(unsigned address, const float (&value)[4]) {
  asm volatile("st.shared::cluster.v4.f32 [%0], {%1, %2, %3, %4};\n" ::"r"(address), "f"(value[0]),
               "f"(value[1]), "f"(value[2]), "f"(value[3])
               : "memory");
}

/// By every thread of the cluster; what came before is seen by those who wait.
__device__ __forceinline__ void barrier_cluster_arrive() {
  asm volatile("barrier.cluster.arrive.release;\n" ::: "memory");
}

__device__ __forceinline__ void barrier_cluster_wait() {
  asm volatile("barrier.cluster.wait.acquire;\n" ::: "memory");
}

}  // namespace ptx
