// Where the sequences of a batch lie in memory.
#pragma once

#include <weir/config.h>

namespace attention {

/// One sequence and its place. In a packed batch sequences of different lengths follow one another without
/// gaps, and the tables tell where each begins.
struct Sequence {
  int seq_q, seq_kv;
  int batch;
  int first_query, first_key;  // of a packed batch

  static __device__ __forceinline__ Sequence of(int batch, int seq_q, int seq_kv, const int* cu_seq_q,
                                                const int* cu_seq_kv) {
    if constexpr (config::packed) {
      const int first_query = cu_seq_q[batch], first_key = cu_seq_kv[batch];
      return {.seq_q = cu_seq_q[batch + 1] - first_query,
              .seq_kv = cu_seq_kv[batch + 1] - first_key,
              .batch = batch,
              .first_query = first_query,
              .first_key = first_key};
    } else {
      return {.seq_q = seq_q, .seq_kv = seq_kv, .batch = batch, .first_query = 0, .first_key = 0};
    }
  }

  /// Rows of q and o, and of k and v, before the sequence's first.
  __device__ __forceinline__ long long queries_before() const {
    return config::packed ? first_query : static_cast<long long>(batch) * seq_q;
  }
  __device__ __forceinline__ long long keys_before() const {
    return config::packed ? first_key : static_cast<long long>(batch) * seq_kv;
  }

  /// Elements of lse [batch, heads_q, seq_q], packed [1, heads_q, all queries], before the sequence's first.
  __device__ __forceinline__ long long lse_offset(int batches, int head_q, int heads_q,
                                                  const int* cu_seq_q) const {
    if constexpr (config::packed) {
      return static_cast<long long>(head_q) * cu_seq_q[batches] + first_query;
    } else {
      return (static_cast<long long>(batch) * heads_q + head_q) * seq_q;
    }
  }
};

}  // namespace attention
