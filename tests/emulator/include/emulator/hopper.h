// What emulated device code of Hopper asks of the engine: mbarriers, clusters, the copy engine, and products
// of warpgroups. Everything asynchronous happens as late as it may, or some time before that.
#pragma once

#include "emulator/engine.h"

/// The host's encoding of a tensor map; engine/tensor_map.h makes one.
struct alignas(64) CUtensorMap {
  unsigned char* base;   // null: the kernel does not use the map
  long long sizes[5];    // elements, innermost first
  long long strides[4];  // bytes, of all dimensions but the innermost
  unsigned short box[5];
  unsigned char rank, element_bytes;
  unsigned char swizzle_bytes;  // 0, 32, 64 or 128
};
static_assert(sizeof(CUtensorMap) == 128);

namespace weir::emulator {

// --- mbarriers
// ----------------------------------------------------------------------------------------------

WEIR_EMULATOR_API void mbarrier_init(unsigned barrier, unsigned arrivals, Site site);
/// `barrier` may be an address of another block of the cluster (cluster_address).
WEIR_EMULATOR_API void mbarrier_arrive(unsigned barrier, unsigned announced_bytes, Site site);
/// Waits for the phase; false if meanwhile one of the same parity has begun, as it looks to a thread that was
/// late.
WEIR_EMULATOR_API bool mbarrier_try_wait(unsigned barrier, unsigned parity, Site site);

// --- clusters
// -----------------------------------------------------------------------------------------------

WEIR_EMULATOR_API unsigned cluster_rank();
WEIR_EMULATOR_API unsigned cluster_address(unsigned address, unsigned rank, Site site);
/// Writes `bytes` (a power of two) at such an address.
WEIR_EMULATOR_API void cluster_store(unsigned address, const void* value, int bytes, Site site);
WEIR_EMULATOR_API void cluster_arrive(Site site);
WEIR_EMULATOR_API void cluster_wait(Site site);

// --- the copy engine
// ----------------------------------------------------------------------------------------

/// Reads a box into the shared memory of every block of the cluster in `blocks` (0: this one) and counts its
/// bytes at the barrier there. The destination is undefined (NaN) from here until then.
WEIR_EMULATOR_API void tensor_load(unsigned destination, const CUtensorMap& map, unsigned barrier,
                                   const int* at, int dimensions, unsigned blocks, Site site);
/// Writes a box when its group is waited for.
/// `add`: adds f32 elements instead.
WEIR_EMULATOR_API void tensor_store(const CUtensorMap& map, unsigned source, const int* at, int dimensions,
                                    bool add, Site site);
WEIR_EMULATOR_API void tensor_store_commit();
WEIR_EMULATOR_API void tensor_store_wait(int pending_groups);
/// What this thread wrote to shared memory may from here on be read by the copy engine and by products.
WEIR_EMULATOR_API void fence_async();

// --- products of warpgroups
// ---------------------------------------------------------------------------------

/// sums[64, columns] (+)= a · b over 16 columns of a, this warp's 16 rows of it. `a` may be null: then
/// a_descriptor says where it is.
WEIR_EMULATOR_API void wgmma(Half16 type, float* sums, int columns, const unsigned* a,
                             unsigned long long a_descriptor, unsigned long long b_descriptor, bool a_along_m,
                             bool b_along_n, bool accumulate, Site site);
WEIR_EMULATOR_API void wgmma_commit(Site site);
WEIR_EMULATOR_API void wgmma_wait(int pending_groups, Site site);

}  // namespace weir::emulator
