// Keys and values on their way from the cache to shared memory.
#pragma once

#include <weir/config.h>

#include "device/decode/work.h"
#include "device/ptx/cp_async.h"
#include "device/ptx/opaque.h"
#include "device/swizzled_tile.h"

namespace decode {

/// Keys or values of one warp and step. Warps that share keys and differ in rows share the slice.
using Slice = device::SwizzledTile<config::keys_per_warp, config::head_dim>;
constexpr int kStageBytes = kKeyWarps * 2 * Slice::bytes;

/// Copies the slices of all steps of all pieces of the block, in order, into a ring of stages. Group s of
/// copies belongs to step s; between two pieces the copies don't pause.
class CacheStream {
  static constexpr int kCopyThreads = 32 * config::warps_rows;
  static constexpr int kPasses = Slice::rows * Slice::chunks / kCopyThreads;
  static_assert(Slice::rows * Slice::chunks % kCopyThreads == 0, "the threads copy in whole passes");
  static_assert(!kPaged || Slice::rows <= 32, "each lane looks up the page of one key");

 public:
  __device__ __forceinline__ CacheStream(const Problem& problem, const Half* k, const Half* v, int parts,
                                         int items, unsigned ring)
      : problem_(problem),
        k_(k),
        v_(v),
        parts_(parts),
        items_(items),
        item_(static_cast<int>(blockIdx.x)),
        slices_(ring + key_warp() * 2 * Slice::bytes) {
    if (item_ < items_) piece_ = Piece(problem_, parts_, item_);
    find_tile();
#pragma unroll
    for (int stage = 0; stage < config::stages - 1; ++stage) copy_next();
  }

  static __device__ __forceinline__ int key_warp() {
    return static_cast<int>(threadIdx.x) / 32 / config::warps_rows;
  }

  /// Starts copying the slices of the next step. Groups are also closed past the end, so that counting groups
  /// counts steps.
  __device__ __forceinline__ void copy_next() {
    if (item_ < items_) {
      if (piece_.admitted(piece_.tile, problem_.group()) != config::Range::none) copy();
      piece_.tile += piece_.tile_step();
      find_tile();
    }
    ptx::cp_async_commit_group();
    stage_ = next(stage_);
  }

  static __device__ __forceinline__ int next(int stage) {
    return stage == (config::stages - 1) * kStageBytes ? 0 : stage + kStageBytes;
  }

 private:
  __device__ __forceinline__ int first_key() const {
    return piece_.tile * kTileKeys + key_warp() * Slice::rows;
  }

  /// Goes on to the next tile that exists; pieces may be empty.
  __device__ __forceinline__ void find_tile() {
    while (item_ < items_ && piece_.tile >= piece_.tiles_end) {
      item_ += static_cast<int>(gridDim.x);
      if (item_ < items_) piece_ = Piece(problem_, parts_, item_);
    }
    if constexpr (kPaged) {
      // A step ahead of its use: the page table is as far away as the keys.
      const int key = first_key() + static_cast<int>(threadIdx.x) % 32;
      if (item_ < items_) {
        place_ = key < piece_.sequence.keys ? problem_.place(piece_.sequence, piece_.batch, key) : 0;
      }
    }
  }

  __device__ __forceinline__ void copy() const {
    // Worked out again in every step rather than kept in registers that the output needs.
    const int thread = ptx::opaque(static_cast<int>(threadIdx.x)) % kCopyThreads;
    const int valid_rows = piece_.sequence.keys - first_key();
    const long long key_stride = static_cast<long long>(problem_.heads_kv) * config::head_dim;
    const int head_offset = piece_.head_kv * config::head_dim;
    struct Chunk {
      unsigned destination;  // of keys; values follow at the distance of a slice
      long long offset;
      int valid_bytes;
    };
    const auto chunk_of = [&](int pass) -> Chunk {
      const auto [row, index] = Slice::template chunk_of<kCopyThreads>(thread, pass);
      const int place =
          kPaged ? __shfl_sync(0xffffffffu, place_, row) : piece_.sequence.first_key + first_key() + row;
      const bool valid = row < valid_rows;
      return {.destination = slices_ + stage_ + Slice::byte_offset(row, index),
              .offset = valid ? place * key_stride + head_offset + index * 8 : 0,
              .valid_bytes = valid ? 16 : 0};
    };
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      const Chunk chunk = chunk_of(pass);
      ptx::cp_async_cg_16(chunk.destination, k_ + chunk.offset, chunk.valid_bytes);
      if (config::values_after) continue;
      ptx::cp_async_cg_16(chunk.destination + Slice::bytes, v_ + chunk.offset, chunk.valid_bytes);
    }
    if constexpr (config::values_after) {
#pragma unroll
      for (int pass = 0; pass < kPasses; ++pass) {
        const Chunk chunk = chunk_of(pass);
        ptx::cp_async_cg_16(chunk.destination + Slice::bytes, v_ + chunk.offset, chunk.valid_bytes);
      }
    }
  }

  const Problem& problem_;
  const Half* k_;
  const Half* v_;
  int parts_, items_, item_;
  unsigned slices_;  // this warp's in the first stage
  int stage_ = 0;    // where the next step goes, in bytes from the first stage
  int place_ = 0;    // in the cache, of the key whose number in the slice is this lane's
  Piece piece_;
};

}  // namespace decode
