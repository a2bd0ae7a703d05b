// What emulated device code asks of the engine that runs it: everything that involves another thread of the
// block, shared addresses, or time. Included by every emulated kernel, so it needs no other header.
//
// A CUDA thread is a fiber. All fibers run in one thread of the operating system and switch only inside these
// functions, in a seeded random order.
#pragma once

#define WEIR_EMULATOR_API __attribute__((visibility("default")))

namespace weir::emulator {

struct Index3 {
  unsigned x, y, z;
};

/// What threadIdx, blockIdx, blockDim and gridDim say.
struct BuiltIns {
  Index3 thread, block, block_size, grid_size;
};

/// Of the thread that runs.
WEIR_EMULATOR_API extern const BuiltIns* built_ins;

/// Where the kernel called; for messages.
struct Site {
  const char* file;
  int line;
  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Ends the launch; `what` completes "thread 3 of block 1: …".
[[noreturn]] WEIR_EMULATOR_API void fail(const char* what, Site site);

/// Lets other threads run, now and then.
WEIR_EMULATOR_API void yield(const char* operation, Site site);
/// The same, always: for a thread that waits for a value in memory.
WEIR_EMULATOR_API void spin(const char* operation, Site site);

// --- barriers -------------------------------------------------------------------------------------------

constexpr int kAllThreads = 0;
enum class Vote { none, any, all, count };

/// Arrives at barrier `id` of the block and waits until `threads` threads have (kAllThreads: every thread
/// that has not exited). Returns the vote over the arrivals' predicates.
WEIR_EMULATOR_API int barrier_sync(int id, int threads, Vote vote, bool predicate, Site site);
/// Arrives without waiting.
WEIR_EMULATOR_API void barrier_arrive(int id, int threads, Site site);

// --- collective operations of a warp ----------------------------------------------------------------------

/// Runs once for all lanes of a mask, when the last of them has arrived. `payloads` has an entry for each of
/// the 32 lanes, null outside the mask.
using Collective = void (*)(void* const* payloads, unsigned mask);

/// Waits until every lane of `mask` that has not exited calls with the same mask and operation.
WEIR_EMULATOR_API void collective(const char* name, unsigned mask, Collective operation, void* payload,
                                  Site site);

constexpr unsigned kWholeWarp = 0xffffffffu;

enum class Half16 { bf16, f16 };
/// accumulator[16, 8] += a[16, 16] * b[16, 8] in the layout of PTX's mma.m16n8k16.
WEIR_EMULATOR_API void mma_m16n8k16(Half16 type, float* accumulator, const unsigned* a, const unsigned* b,
                                    Site site);
/// `matrices` (1, 2 or 4) 8x8 matrices; lane 8 i + r gives the address of row r of matrix i.
WEIR_EMULATOR_API void ldmatrix(int matrices, bool transposed, unsigned* destination, unsigned row_address,
                                Site site);
/// The reverse.
WEIR_EMULATOR_API void stmatrix(int matrices, bool transposed, const unsigned* source, unsigned row_address,
                                Site site);

// --- shared memory ----------------------------------------------------------------------------------------

/// The block's dynamic shared memory.
WEIR_EMULATOR_API void* dynamic_shared();
/// The 32-bit address of a pointer into shared memory.
WEIR_EMULATOR_API unsigned shared_address(const void* pointer, Site site);
/// The reverse, for an access of `bytes` bytes: it must lie inside and be a multiple of its size.
WEIR_EMULATOR_API unsigned char* shared_pointer(unsigned address, int bytes, const char* operation,
                                                Site site);

enum class SharedAccess { store, load, copy };
/// Counts a 16-byte access by one lane; does nothing if `pointer` is not into shared memory.
WEIR_EMULATOR_API void count_shared_access(SharedAccess access, const void* pointer);

// --- global memory ----------------------------------------------------------------------------------------

/// An access that the kernel asks for by an explicit primitive: it must lie inside one tensor.
WEIR_EMULATOR_API void check_global(const void* pointer, int bytes, bool write, const char* operation,
                                    Site site);

/// `address` is about to be changed by an atomic operation on `bytes` bytes.
WEIR_EMULATOR_API void count_reduction(const void* address, int bytes);
/// destination[i] += values[i] (red.add), aligned to all `count` values.
WEIR_EMULATOR_API void reduce_add(float* destination, const float* values, int count, Site site);

// --- asynchronous copies of a thread (cp.async)
// -------------------------------------------------------------

/// The destination is undefined (filled with NaN) from here until the wait that completes the copy, which
/// reads the source.
WEIR_EMULATOR_API void copy_async(unsigned destination, const void* source, int bytes, int valid_bytes,
                                  Site site);
WEIR_EMULATOR_API void copy_async_commit();
WEIR_EMULATOR_API void copy_async_wait(int pending_groups);

// --- what has no host version
// -------------------------------------------------------------------------------

/// Stands where a source has assembly: running it ends the launch.
[[noreturn]] WEIR_EMULATOR_API inline void assembly(Site site = Site::here()) {
  fail("assembly without a host version in tests/emulator/include", site);
}

}  // namespace weir::emulator
