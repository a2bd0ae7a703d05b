// Host versions of kernels/device/ptx/cluster.h.
#pragma once

#include "emulator/hopper.h"

namespace ptx {

inline unsigned cluster_block_rank() {
  return weir::emulator::cluster_rank();
}
inline unsigned mapa_shared_cluster(unsigned address, unsigned rank, WEIR_SITE) {
  return weir::emulator::cluster_address(address, rank, site);
}
inline void st_shared_cluster_v4(unsigned address, const float (&value)[4], WEIR_SITE) {
  weir::emulator::cluster_store(address, value, sizeof value, site);
}
inline void barrier_cluster_arrive(WEIR_SITE) {
  weir::emulator::cluster_arrive(site);
}
inline void barrier_cluster_wait(WEIR_SITE) {
  weir::emulator::cluster_wait(site);
}

}  // namespace ptx
