// What the engine does for kernels of compute capability 9.0: mbarriers, bulk and tensor copies, wgmma.
// Whatever is asynchronous happens as late as it may: a copy when every thread waits, a product when its own
// warp waits for it. Until then the destination is NaN.
#pragma once

#include "emulator/engine.h"

/// The host's encoding of a tensor map; engine/tensor_map.h makes one.
struct alignas(64) CUtensorMap {
  const unsigned char* base;
  long long sizes[5];    // elements, innermost first
  long long strides[4];  // bytes, of all dimensions but the innermost
  unsigned short box[5];
  unsigned char rank, element_bytes;
  unsigned char swizzle_bytes;  // 0, 32, 64 or 128
};
static_assert(sizeof(CUtensorMap) == 128);

namespace weir::emulator {

// --- mbarriers, by their shared address
// ---------------------------------------------------------------------

WEIR_EMULATOR_API void mbarrier_init(unsigned barrier, int count, Site site);
WEIR_EMULATOR_API void mbarrier_invalidate(unsigned barrier, Site site);
/// Expects `bytes` more and arrives `count` times (which may be 0).
WEIR_EMULATOR_API void mbarrier_arrive(unsigned barrier, int count, long long bytes, Site site);
/// Whether the phase of this parity is over.
WEIR_EMULATOR_API bool mbarrier_test(unsigned barrier, int parity, Site site);
/// Waits until it is.
WEIR_EMULATOR_API void mbarrier_wait(unsigned barrier, int parity, Site site);

// --- bulk copies
// ----------------------------------------------------------------------------------------------

/// A box of a tensor into shared memory; elements outside the tensor are zeros. Completes on `barrier`.
WEIR_EMULATOR_API void tensor_load(unsigned destination, const CUtensorMap* map, const int* coordinates,
                                   int rank, unsigned barrier, Site site);
WEIR_EMULATOR_API void bulk_load(unsigned destination, const void* source, int bytes, unsigned barrier,
                                 Site site);
/// From shared memory; `add` sums f32 elements. The source is read when this thread waits for the group.
WEIR_EMULATOR_API void tensor_store(const CUtensorMap* map, const int* coordinates, int rank, unsigned source,
                                    bool add, Site site);
WEIR_EMULATOR_API void bulk_store(void* destination, unsigned source, int bytes, bool add, Site site);
WEIR_EMULATOR_API void bulk_commit();
WEIR_EMULATOR_API void bulk_wait(int pending_groups);

// --- wgmma
// ----------------------------------------------------------------------------------------------------

struct WarpgroupProduct {
  Half16 type;
  int columns;         // n of m64nNk16
  float* accumulator;  // columns / 2 of this lane
  const unsigned* a;   // four registers, or null: a_descriptor
  unsigned long long a_descriptor, b_descriptor;
  bool accumulate;                  // else the accumulator is overwritten
  bool a_transposed, b_transposed;  // stored along m and n
};
WEIR_EMULATOR_API void wgmma(const WarpgroupProduct& product, Site site);
WEIR_EMULATOR_API void wgmma_commit(Site site);
WEIR_EMULATOR_API void wgmma_wait(int pending_groups, Site site);

/// Checks that the number of registers is one that setmaxnreg takes.
WEIR_EMULATOR_API void set_max_registers(int registers, Site site);

}  // namespace weir::emulator
