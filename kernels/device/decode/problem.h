// An attention problem over a cache of keys and values: where its sequences lie and what a query sees.
#pragma once

#include <weir/config.h>

#include "device/attention/visibility.h"
#include "device/element.h"

namespace decode {

using device::Half;

constexpr bool kPaged = config::page_size > 0;
constexpr int kPageSize = kPaged ? config::page_size : 1;

/// Queries and keys of one sequence.
struct Sequence {
  int queries, keys;
  int first_query;  // in q and o, which are rows of all sequences one after another
  int first_key;    // in a cache without pages
};

/// A query as formulas know it.
struct Query {
  int index, head, batch;
};

struct Problem {
  const int* seq_lens;    // keys of each sequence, if `ragged`
  const int* page_table;  // of each sequence `pages_per_sequence` pages of the cache, if it has pages
  const int* cu_seq_q;    // first query and first key of each sequence and the end, if `packed`
  const int* cu_seq_kv;
  int batches, heads_q, heads_kv, seq_q, seq_kv, window_left, window_right;

  __device__ __forceinline__ int group() const { return heads_q / heads_kv; }

  __device__ __forceinline__ Sequence sequence(int batch) const {
    if constexpr (config::packed) {
      const int first_query = cu_seq_q[batch], first_key = cu_seq_kv[batch];
      return {.queries = cu_seq_q[batch + 1] - first_query,
              .keys = cu_seq_kv[batch + 1] - first_key,
              .first_query = first_query,
              .first_key = first_key};
    }
    const int keys = config::ragged ? min(seq_lens[batch], seq_kv) : seq_kv;
    return {.queries = seq_q, .keys = keys, .first_query = batch * seq_q, .first_key = batch * seq_kv};
  }

  /// Queries of all sequences together: rows of q and o for each head.
  __device__ __forceinline__ int all_queries() const {
    return config::packed ? cu_seq_q[batches] : batches * seq_q;
  }

  /// Where the log-sum-exp of a query goes.
  __device__ __forceinline__ long long lse_index(const Sequence& sequence, const Query& query) const {
    if constexpr (config::packed) {
      return static_cast<long long>(query.head) * all_queries() + sequence.first_query + query.index;
    }
    return (static_cast<long long>(query.batch) * heads_q + query.head) * seq_q + query.index;
  }

  /// The key's place in the cache, in keys.
  __device__ __forceinline__ int place(const Sequence& sequence, int batch, int key) const {
    if constexpr (kPaged) {
      const int pages_per_sequence = (seq_kv + kPageSize - 1) / kPageSize;
      const int page = page_table[batch * pages_per_sequence + key / kPageSize];
      return page * kPageSize + key % kPageSize;
    }
    return sequence.first_key + key;
  }

  /// What the sequence's queries see.
  __device__ __forceinline__ attention::Visibility visibility(const Sequence& sequence) const {
    return {sequence.queries, sequence.keys, window_left, window_right};
  }
};

}  // namespace decode
