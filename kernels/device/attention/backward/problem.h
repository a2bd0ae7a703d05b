// What every launch is told about the problem.
#pragma once

#include <weir/config.h>

#include "device/attention/sequence.h"
#include "device/attention/visibility.h"

namespace attention::backward {

struct Problem {
  int batches, heads_q, heads_kv;
  int seq_q, seq_kv;              // of a packed batch, the largest
  int window_left, window_right;  // below 0: no limit
  const int* cu_seq_q;            // of a packed batch
  const int* cu_seq_kv;

  __device__ __forceinline__ Sequence sequence(int batch) const {
    return Sequence::of(batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv);
  }
  __device__ __forceinline__ Visibility visibility(const Sequence& sequence) const {
    return {.seq_q = sequence.seq_q,
            .seq_kv = sequence.seq_kv,
            .window_left = window_left,
            .window_right = window_right};
  }
  /// Elements from one row to the next.
  __device__ __forceinline__ int q_stride() const { return heads_q * config::head_dim; }
  __device__ __forceinline__ int kv_stride() const { return heads_kv * config::head_dim; }
  /// Elements of q, o and their gradients, or of k, v and theirs, before a sequence's first row.
  __device__ __forceinline__ long long q_offset(const Sequence& sequence, int head_q) const {
    return sequence.queries_before() * q_stride() + head_q * config::head_dim;
  }
  __device__ __forceinline__ long long kv_offset(const Sequence& sequence, int head_kv) const {
    return sequence.keys_before() * kv_stride() + head_kv * config::head_dim;
  }
};

}  // namespace attention::backward
