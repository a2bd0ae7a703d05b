// Copies of boxes of tensors between global and shared memory by the copy engine (PTX `cp.async.bulk.tensor`,
// compute capability 9.0).
//
// A tensor map says where a tensor lies, its shape, the box that one copy moves and how the box is swizzled
// in shared memory. Coordinates count elements, the innermost dimension first. Elements of the box outside
// the tensor are read as zeros, which count as copied bytes, and are not written.
#pragma once

namespace ptx {

/// What the driver's cuTensorMapEncodeTiled fills in. A kernel's parameter: const __grid_constant__
/// TensorMap.
struct alignas(64) TensorMap {
  unsigned char bytes[128];
};

/// Fetches the map itself ahead of use.
__device__ __forceinline__ void prefetch_tensormap(const TensorMap& map) {
  asm volatile("prefetch.tensormap [%0];\n" ::"l"(&map) : "memory");
}

/// Copies a box to `destination` and counts its bytes at the mbarrier `barrier`, shared addresses of this
/// block.
__device__ __forceinline__ void cp_async_bulk_tensor_2d(unsigned destination, const TensorMap& map,
                                                        unsigned barrier, int c0, int c1) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, "
      "%4}], [%2];\n" ::"r"(destination),
      "l"(&map), "r"(barrier), "r"(c0), "r"(c1)
      : "memory");
}

/// The same for every block of the cluster whose bit is set in `blocks`: to the same place in its shared
/// memory, counted at the same place.
__device__ __forceinline__ void cp_async_bulk_tensor_2d_multicast(unsigned destination, const TensorMap& map,
                                                                  unsigned barrier, int c0, int c1,
                                                                  unsigned short blocks) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], "
      "[%1, {%4, %5}], [%2], %3;\n" ::"r"(destination),
      "l"(&map), "r"(barrier), "h"(blocks), "r"(c0), "r"(c1)
      : "memory");
}

__device__ __forceinline__ void cp_async_bulk_tensor_4d(unsigned destination, const TensorMap& map,
                                                        unsigned barrier, int c0, int c1, int c2, int c3) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%3, %4, %5, %6}], [%2];\n" ::"r"(destination),
      "l"(&map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
}

__device__ __forceinline__ void cp_async_bulk_tensor_4d_multicast(unsigned destination, const TensorMap& map,
                                                                  unsigned barrier, int c0, int c1, int c2,
                                                                  int c3, unsigned short blocks) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], "
      "[%1, {%4, %5, %6, %7}], [%2], %3;\n" ::"r"(destination),
      "l"(&map), "r"(barrier), "h"(blocks), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
}

/// Copies a box from the shared address `source`, as part of the thread's open group of copies. What other
/// ways wrote there needs fence_proxy_async_shared and a barrier before.
__device__ __forceinline__ void cp_async_bulk_tensor_2d_store(const TensorMap& map, unsigned source, int c0,
                                                              int c1) {
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];\n" ::"l"(&map),
      "r"(source), "r"(c0), "r"(c1)
      : "memory");
}

__device__ __forceinline__ void cp_async_bulk_tensor_4d_store(const TensorMap& map, unsigned source, int c0,
                                                              int c1, int c2, int c3) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4, %5}], [%1];\n" ::"l"(
          &map),
      "r"(source), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
}

/// Adds `bytes` bytes of f32, each by itself, from the shared address `source` to `destination`; all
/// multiples of 16. Otherwise as above.
__device__ __forceinline__ void cp_reduce_async_bulk_add_f32(float* destination, unsigned source,
                                                             unsigned bytes) {
  asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], %2;\n" ::"l"(
                   __cvta_generic_to_global(destination)),
               "r"(source), "r"(bytes)
               : "memory");
}

/// Closes this thread's group of stores.
__device__ __forceinline__ void cp_async_bulk_commit_group() {
  asm volatile("cp.async.bulk.commit_group;\n" ::: "memory");
}

/// Waits until all but `pending` of this thread's groups have read their shared memory, which may then be
/// overwritten.
template <int pending>
__device__ __forceinline__ void cp_async_bulk_wait_group_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;\n" ::"n"(pending) : "memory");
}

/// Waits until all but `pending` of this thread's groups are complete.
template <int pending>
__device__ __forceinline__ void cp_async_bulk_wait_group() {
  asm volatile("cp.async.bulk.wait_group %0;\n" ::"n"(pending) : "memory");
}

}  // namespace ptx
