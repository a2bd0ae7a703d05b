// Orders accesses that go different ways to shared memory (PTX `fence`, compute capability 9.0).
#pragma once

namespace ptx {

/// What this thread wrote to shared memory before is seen by copies and matrix products started after a
/// following barrier.
__device__ __forceinline__ void fence_proxy_async_shared() {
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
}

/// Initialised mbarriers are seen by the other blocks of the cluster and by copies.
__device__ __forceinline__ void fence_mbarrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;\n" ::: "memory");
}

}  // namespace ptx
