// Host versions of kernels/device/ptx/cp_async.h.
#pragma once

namespace ptx {

inline unsigned shared_address(const void* pointer, WEIR_SITE) {
  return weir::emulator::shared_address(pointer, site);
}
inline void cp_async_cg_16(unsigned destination, const void* source, int valid_bytes, WEIR_SITE) {
  weir::emulator::copy_async(destination, source, 16, valid_bytes, site);
}
inline void cp_async_cg_16(unsigned destination, const void* source, WEIR_SITE) {
  weir::emulator::copy_async(destination, source, 16, 16, site);
}
inline void cp_async_commit_group() {
  weir::emulator::copy_async_commit();
}
template <int pending>
inline void cp_async_wait_group() {
  weir::emulator::copy_async_wait(pending);
}

}  // namespace ptx
