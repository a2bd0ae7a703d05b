// Barriers in shared memory that also count bytes of asynchronous copies (PTX `mbarrier`, compute
// capability 9.0).
//
// A barrier is 8 bytes at a shared address. Its phase completes when the expected number of threads have
// arrived and all expected bytes have been copied; then the next phase begins. Phases are told apart by their
// parity: the first has parity 0.
#pragma once

namespace ptx {

/// By one thread. Others may use the barrier after a fence (ptx/fence.h) and a barrier of the block or
/// cluster.
__device__ __forceinline__ void mbarrier_init(unsigned barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void mbarrier_arrive(unsigned barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];\n" ::"r"(barrier) : "memory");
}

/// At a barrier of any block of the cluster: `barrier` is an address of mapa_shared_cluster. Orders like an
/// arrival within the block. With .release.cluster, ptxas puts a fence of the whole GPU before every arrival;
/// nothing is needed where what came before are completed matrix products that have read shared memory.
__device__ __forceinline__ void mbarrier_arrive_cluster(unsigned barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];\n" ::"r"(barrier) : "memory");
}

/// Arrives, and makes the phase wait for `bytes` more bytes of copies.
__device__ __forceinline__ void mbarrier_arrive_expect_tx(unsigned barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\n" ::"r"(barrier), "r"(bytes)
               : "memory");
}

/// Whether the phase of this parity, the current or the one before it, is complete. May wait for a while.
__device__ __forceinline__ bool mbarrier_try_wait_parity(unsigned barrier, unsigned parity) {
  unsigned complete;
  asm volatile(
      "{\n.reg .pred complete;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 complete, [%1], %2;\n"
      "selp.u32 %0, 1, 0, complete;\n}\n"
      : "=r"(complete)
      : "r"(barrier), "r"(parity)
      : "memory");
  return complete != 0;
}

}  // namespace ptx
