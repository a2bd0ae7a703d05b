// Attention layer by layer: where the operands of its matrix products lie.
#pragma once

#include <weir/config.h>

#include "device/attention/sequence.h"
#include "device/attention/visibility.h"
#include "device/block_order.h"
#include "device/product/product.h"

namespace standard {

using attention::Sequence;
using device::Half;
using product::Matrix;
using product::Order;
using product::Output;

/// The product whose columns are keys, and the products whose columns are the head's.
using WideTiling =
    product::Tiling<config::tile_m, config::tile_n, config::tile_k, config::stages, config::warps>;
using HeadTiling = product::Tiling<config::head_tile_m, config::head_tile_n, config::head_tile_k,
                                   config::stages, config::warps>;

struct Problem {
  const int* cu_seq_q;
  const int* cu_seq_kv;
  int batches, heads_q, heads_kv, seq_q, seq_kv, window_left, window_right;

  __device__ __forceinline__ int group() const { return heads_q / heads_kv; }
  __device__ __forceinline__ Sequence sequence(int batch) const {
    return Sequence::of(batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv);
  }
  /// Elements from one row of a matrix of scores to the next: rows begin at multiples of 16 bytes.
  __device__ __forceinline__ int pitch() const { return (seq_kv + 7) / 8 * 8; }
  __device__ __forceinline__ long long score_row(int batch, int head, int query) const {
    return ((static_cast<long long>(batch) * heads_q + head) * seq_q + query) * pitch();
  }
};

/// One sequence and one query head (for the gradients of keys and values the first one of a group).
struct Head {
  const Problem& problem;
  Sequence sequence;
  int index;

  __device__ __forceinline__ Head(const Problem& problem, int batch, int index)
      : problem(problem), sequence(problem.sequence(batch)), index(index) {}

  __device__ __forceinline__ int batch() const { return sequence.batch; }

  __device__ __forceinline__ int index_kv() const { return index / problem.group(); }
  __device__ __forceinline__ long long query_stride() const {
    return static_cast<long long>(problem.heads_q) * config::head_dim;
  }
  __device__ __forceinline__ long long key_stride() const {
    return static_cast<long long>(problem.heads_kv) * config::head_dim;
  }

  /// The head's rows of a tensor laid out like q: their first element.
  template <class T>
  __device__ __forceinline__ T* queries(T* tensor) const {
    return tensor + sequence.queries_before() * query_stride() + index * config::head_dim;
  }
  template <class T>
  __device__ __forceinline__ T* keys(T* tensor) const {
    return tensor + sequence.keys_before() * key_stride() + index_kv() * config::head_dim;
  }
  template <class T>
  __device__ __forceinline__ T* scores(T* tensor) const {
    return tensor + problem.score_row(batch(), index, 0);
  }

  /// Queries or keys as an operand: rows of a product over the head's columns.
  __device__ __forceinline__ Matrix query_rows(const Half* tensor) const {
    return {queries(tensor), query_stride(), sequence.seq_q, config::head_dim};
  }
  __device__ __forceinline__ Matrix key_rows(const Half* tensor) const {
    return {keys(tensor), key_stride(), sequence.seq_kv, config::head_dim};
  }
  /// The same as columns of a product over the keys, or over the queries of all heads of the group.
  __device__ __forceinline__ Matrix key_columns(const Half* tensor) const {
    return {keys(tensor), key_stride(), config::head_dim, sequence.seq_kv};
  }
  __device__ __forceinline__ Matrix query_columns(const Half* tensor) const {
    return {queries(tensor), query_stride(),   config::head_dim,
            sequence.seq_q,  config::head_dim, problem.group()};
  }
  /// Scores as an operand of a product over the keys, or over the queries of all heads of the group.
  __device__ __forceinline__ Matrix score_rows(const Half* tensor) const {
    return {scores(tensor), problem.pitch(), sequence.seq_q, sequence.seq_kv};
  }
  __device__ __forceinline__ Matrix score_columns(const Half* tensor) const {
    return {scores(tensor),
            problem.pitch(),
            sequence.seq_kv,
            sequence.seq_q,
            static_cast<long long>(problem.seq_q) * problem.pitch(),
            problem.group()};
  }

  /// Results. Columns of scores past the last key, up to a multiple of 16 bytes, become zeros.
  __device__ __forceinline__ Output score_output(Half* tensor) const {
    return {scores(tensor), problem.pitch(), sequence.seq_q, (sequence.seq_kv + 7) / 8 * 8};
  }
  __device__ __forceinline__ Output query_output(Half* tensor) const {
    return {queries(tensor), query_stride(), sequence.seq_q, config::head_dim};
  }
  __device__ __forceinline__ Output key_output(Half* tensor) const {
    return {keys(tensor), key_stride(), sequence.seq_kv, config::head_dim};
  }
};

/// The block's tile of the output: blocks walk it in bands of group_m rows of tiles.
template <class Tiling, Order a_order, Order b_order>
__device__ __forceinline__ void multiply(const Output& c, const Matrix& a, const Matrix& b, int rows,
                                         int columns, unsigned char* shared) {
  const device::TileIndex tile =
      device::grouped_order(static_cast<int>(blockIdx.x), device::ceil_div(rows, Tiling::tile_m),
                            device::ceil_div(columns, Tiling::tile_n), config::group_m);
  const int first_row = tile.row * Tiling::tile_m;
  const int first_column = tile.column * Tiling::tile_n;
  if (first_row >= c.rows || first_column >= c.columns) return;  // of a sequence shorter than the longest
  product::multiply<config::dtype, Tiling, a_order, b_order>(c, a, b, first_row, first_column, shared);
}

}  // namespace standard
