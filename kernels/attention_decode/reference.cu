// Attention of a few queries over a cache, one query and head for each block: `exact` keeps f32 throughout,
// `low` rounds where a layer-by-layer implementation in 16 bits does.

#include <weir/config.h>

#include "device/attention/row_reference.h"
#include "device/decode/problem.h"

namespace {

using decode::Half;
using decode::Problem;

template <bool low>
__device__ __forceinline__ void attend(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                       const Problem& problem) {
  const decode::Query query{static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y),
                            static_cast<int>(blockIdx.z)};
  const decode::Sequence sequence = problem.sequence(query.batch);
  if (query.index >= sequence.queries) return;
  const attention::reference::Row row{problem.visibility(sequence), query.index, query.head, query.batch};
  const long long columns =
      (static_cast<long long>(sequence.first_query + query.index) * problem.heads_q + query.head) *
      config::head_dim;
  const int head_kv = query.head / problem.group();
  attention::reference::attend<low>(o + columns, lse + problem.lse_index(sequence, query), q + columns, k, v,
                                    row, [&](int key) {
                                      const long long place = problem.place(sequence, query.batch, key);
                                      return (place * problem.heads_kv + head_kv) * config::head_dim;
                                    });
}

}  // namespace

extern "C" __global__ void __launch_bounds__(attention::reference::kThreads)
    attention_decode_reference_exact(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                     const int* seq_lens, const int* page_table, const int* cu_seq_q,
                                     const int* cu_seq_kv, int batches, int heads_q, int heads_kv, int seq_q,
                                     int seq_kv, int window_left, int window_right) {
  attend<false>(o, lse, q, k, v,
                Problem{seq_lens, page_table, cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv,
                        window_left, window_right});
}

extern "C" __global__ void __launch_bounds__(attention::reference::kThreads)
    attention_decode_reference_low(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                   const int* seq_lens, const int* page_table, const int* cu_seq_q,
                                   const int* cu_seq_kv, int batches, int heads_q, int heads_kv, int seq_q,
                                   int seq_kv, int window_left, int window_right) {
  attend<true>(o, lse, q, k, v,
               Problem{seq_lens, page_table, cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv,
                       window_left, window_right});
}
