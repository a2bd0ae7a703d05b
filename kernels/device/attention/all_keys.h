// The plan (warpgroup_pass.h) of dense attention: all keys up to the causal diagonal, and scores as the
// caller wants them.
#pragma once

#include <weir/config.h>

#include "device/attention/position.h"
#include "device/attention/query_tiles.h"
#include "device/attention/score.h"

namespace attention {

struct AllKeys {
  using Work = QueryTileWork;
  struct Ends {
    ProblemSize size;
    int row;
    __device__ __forceinline__ int operator()(int half) const {
      return config::causal ? min(size.seq_kv, row + 8 * half + 1 + size.seq_kv - size.seq_q) : size.seq_kv;
    }
  };
  static constexpr int kProducerRegisters = 24;
  static constexpr int kPieceKeys = config::tile_kv;
  static constexpr bool kModifiesScores = kModified;

  ProblemSize size;

  __device__ __forceinline__ int items() const { return size.query_tiles(); }
  __device__ __forceinline__ QueryTileWork work(int item) const { return QueryTileWork::of(item, size); }
  __device__ __forceinline__ QueryTileWork numbered(int number) const {
    return QueryTileWork::numbered(number, size);
  }
  __device__ __forceinline__ int key(const QueryTileWork&, int place) const { return place; }
  __device__ __forceinline__ Ends ends(const QueryTileWork&, int row) const { return {size, row}; }

  /// Column by column: what a formula says of a key alone is computed once for both rows.
  template <int registers>
  __device__ __forceinline__ void modify(float (&scores)[registers], const QueryTileWork& work, int row,
                                         int place) const {
    const int first_key = place + static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
    for (int i = 0; i < registers; ++i) {
      scores[i] = modified_score(scores[i], Position::of(row, i / 2 % 2 * 8),
                                 Position::of(first_key, i / 4 * 8 + i % 2), work.head_q, work.batch);
    }
  }
};

}  // namespace attention
