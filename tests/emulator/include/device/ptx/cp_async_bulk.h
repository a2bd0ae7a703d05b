// Host versions of bulk and tensor copies (PTX `cp.async.bulk`, `cp.reduce.async.bulk`). Coordinates are
// given innermost first.
#pragma once

namespace ptx {

inline void cp_async_bulk(unsigned destination, const void* source, int bytes, unsigned barrier, WEIR_SITE) {
  weir::emulator::bulk_load(destination, source, bytes, barrier, site);
}
inline void cp_async_bulk_store(void* destination, unsigned source, int bytes, WEIR_SITE) {
  weir::emulator::bulk_store(destination, source, bytes, false, site);
}
inline void cp_reduce_async_bulk_add_f32(float* destination, unsigned source, int bytes, WEIR_SITE) {
  weir::emulator::bulk_store(destination, source, bytes, true, site);
}

#define WEIR_TENSOR_COPY(rank, ...)                                                                        \
  inline void cp_async_bulk_tensor_##rank##d(unsigned destination, const CUtensorMap* map,                 \
                                             const int(&coordinates)[rank], unsigned barrier, WEIR_SITE) { \
    weir::emulator::tensor_load(destination, map, coordinates, rank, barrier, site);                       \
  }                                                                                                        \
  inline void cp_async_bulk_tensor_##rank##d_store(const CUtensorMap* map, const int(&coordinates)[rank],  \
                                                   unsigned source, WEIR_SITE) {                           \
    weir::emulator::tensor_store(map, coordinates, rank, source, false, site);                             \
  }                                                                                                        \
  inline void cp_reduce_async_bulk_tensor_##rank##d_add(                                                   \
      const CUtensorMap* map, const int(&coordinates)[rank], unsigned source, WEIR_SITE) {                 \
    weir::emulator::tensor_store(map, coordinates, rank, source, true, site);                              \
  }
WEIR_TENSOR_COPY(2)
WEIR_TENSOR_COPY(3)
WEIR_TENSOR_COPY(4)
WEIR_TENSOR_COPY(5)
#undef WEIR_TENSOR_COPY

inline void prefetch_tensormap(const CUtensorMap*) {}
inline void cp_async_bulk_commit_group() {
  weir::emulator::bulk_commit();
}
template <int pending>
inline void cp_async_bulk_wait_group() {
  weir::emulator::bulk_wait(pending);
}
template <int pending>
inline void cp_async_bulk_wait_group_read() {
  weir::emulator::bulk_wait(pending);
}
/// Orders this thread's accesses before those of bulk copies and wgmma; here they never are out of order.
inline void fence_proxy_async() {}

}  // namespace ptx
