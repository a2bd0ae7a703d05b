// Where results go.
#pragma once

#include <weir/config.h>

#include "device/decode/work.h"

namespace decode {

/// Whether results of parts are merged, by a second launch or in this one.
constexpr bool kHasParts = config::splits != 1;
static_assert(!config::fused || kHasParts, "what is whole has nothing to merge");

/// o and lse, and the scratch tensors with a share for each part, which are laid out alike.
struct Results {
  Half* o;
  float* lse;
  float* part_o;
  float* part_lse;

  /// Of a row: its line of o, and where its log-sum-exp goes.
  struct Place {
    long long line, lse_index;
  };

  static __device__ __forceinline__ Place place(const Problem& problem, const Piece& piece, int row) {
    const Query query = piece.query(piece.first_row + row, problem.group());
    return {.line = static_cast<long long>(piece.sequence.first_query + query.index) * problem.heads_q +
                    query.head,
            .lse_index = problem.lse_index(piece.sequence, query)};
  }

  /// From one part's share of the scratch tensors to the next, in lines.
  static __device__ __forceinline__ long long part_lines(const Problem& problem) {
    return static_cast<long long>(problem.all_queries()) * problem.heads_q;
  }

  /// Whether the piece is one of several, so that its results are not final.
  static __device__ __forceinline__ bool is_part(const Piece& piece) {
    return kHasParts && (!config::fused || piece.parts > 1);
  }

  /// Four columns of a row of the tile.
  __device__ __forceinline__ void store(const Problem& problem, const Piece& piece, int row, int column,
                                        const float4& values) const {
    const long long line = place(problem, piece, row).line;
    if (is_part(piece)) {
      const long long part_line = piece.part * part_lines(problem) + line;
      *reinterpret_cast<float4*>(part_o + part_line * config::head_dim + column) = values;
    } else {
      store_final(line, column, values);
    }
  }

  __device__ __forceinline__ void store_lse(const Problem& problem, const Piece& piece, int row,
                                            float value) const {
    const long long index = place(problem, piece, row).lse_index;
    if (is_part(piece)) {
      part_lse[piece.part * part_lines(problem) + index] = value;
    } else {
      lse[index] = value;
    }
  }

  __device__ __forceinline__ void store_final(long long line, int column, const float4& values) const {
    *reinterpret_cast<uint2*>(o + line * config::head_dim + column) =
        uint2{device::pack_from_f32<config::dtype>(values.x, values.y),
              device::pack_from_f32<config::dtype>(values.z, values.w)};
  }
};

}  // namespace decode
