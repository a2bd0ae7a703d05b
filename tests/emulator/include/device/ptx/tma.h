// Host versions of kernels/device/ptx/tma.h.
#pragma once

#include "emulator/hopper.h"

namespace ptx {

using TensorMap = CUtensorMap;

inline void prefetch_tensormap(const TensorMap&) {}

template <int dimensions>
inline void load_box(unsigned destination, const TensorMap& map, unsigned barrier,
                     const int (&at)[dimensions], unsigned blocks, weir::emulator::Site site) {
  weir::emulator::tensor_load(destination, map, barrier, at, dimensions, blocks, site);
}
inline void cp_async_bulk_tensor_2d(unsigned destination, const TensorMap& map, unsigned barrier, int c0,
                                    int c1, WEIR_SITE) {
  load_box(destination, map, barrier, {c0, c1}, 0, site);
}
inline void cp_async_bulk_tensor_2d_multicast(unsigned destination, const TensorMap& map, unsigned barrier,
                                              int c0, int c1, unsigned short blocks, WEIR_SITE) {
  load_box(destination, map, barrier, {c0, c1}, blocks, site);
}
inline void cp_async_bulk_tensor_3d(unsigned destination, const TensorMap& map, unsigned barrier, int c0,
                                    int c1, int c2, WEIR_SITE) {
  load_box(destination, map, barrier, {c0, c1, c2}, 0, site);
}
inline void cp_async_bulk_tensor_4d(unsigned destination, const TensorMap& map, unsigned barrier, int c0,
                                    int c1, int c2, int c3, WEIR_SITE) {
  load_box(destination, map, barrier, {c0, c1, c2, c3}, 0, site);
}
inline void cp_async_bulk_tensor_4d_multicast(unsigned destination, const TensorMap& map, unsigned barrier,
                                              int c0, int c1, int c2, int c3, unsigned short blocks,
                                              WEIR_SITE) {
  load_box(destination, map, barrier, {c0, c1, c2, c3}, blocks, site);
}
inline void cp_async_bulk_tensor_2d_store(const TensorMap& map, unsigned source, int c0, int c1, WEIR_SITE) {
  const int at[]{c0, c1};
  weir::emulator::tensor_store(map, source, at, 2, false, site);
}
inline void cp_async_bulk_tensor_4d_store(const TensorMap& map, unsigned source, int c0, int c1, int c2,
                                          int c3, WEIR_SITE) {
  const int at[]{c0, c1, c2, c3};
  weir::emulator::tensor_store(map, source, at, 4, false, site);
}
inline void cp_reduce_async_bulk_tensor_2d_add(const TensorMap& map, unsigned source, int c0, int c1,
                                               WEIR_SITE) {
  const int at[]{c0, c1};
  weir::emulator::tensor_store(map, source, at, 2, true, site);
}
inline void cp_reduce_async_bulk_add_f32(float* destination, unsigned source, unsigned bytes, WEIR_SITE) {
  TensorMap run{};  // of one dimension
  run.base = reinterpret_cast<unsigned char*>(destination);
  run.rank = 1;
  run.element_bytes = sizeof(float);
  run.sizes[0] = run.box[0] = static_cast<unsigned short>(bytes / sizeof(float));
  const int at[]{0};
  weir::emulator::tensor_store(run, source, at, 1, true, site);
}
inline void cp_async_bulk_commit_group() {
  weir::emulator::tensor_store_commit();
}
template <int pending>
inline void cp_async_bulk_wait_group_read() {
  weir::emulator::tensor_store_wait(pending);
}
template <int pending>
inline void cp_async_bulk_wait_group() {
  weir::emulator::tensor_store_wait(pending);
}

}  // namespace ptx
