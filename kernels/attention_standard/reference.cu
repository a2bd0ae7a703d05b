// Attention, one query and head for each block: `exact` keeps f32 throughout, `low` rounds where an
// implementation by operators in 16 bits does: the products, what becomes of them, the normalised weights and
// the output.

#include <weir/config.h>

#include "device/attention/row_reference.h"
#include "device/attention/sequence.h"

namespace {

using device::Half;

template <bool low>
__device__ __forceinline__ void attend(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                       const int* cu_seq_q, const int* cu_seq_kv, int batches, int heads_q,
                                       int heads_kv, int seq_q, int seq_kv, int window_left,
                                       int window_right) {
  const int query = static_cast<int>(blockIdx.x), head = static_cast<int>(blockIdx.y),
            batch = static_cast<int>(blockIdx.z);
  const auto sequence = attention::Sequence::of(batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv);
  if (query >= sequence.seq_q) return;
  const attention::reference::Row row{
      {sequence.seq_q, sequence.seq_kv, window_left, window_right}, query, head, batch};
  const long long columns = ((sequence.queries_before() + query) * heads_q + head) * config::head_dim;
  const int head_kv = head / (heads_q / heads_kv);
  attention::reference::attend<low>(
      o + columns, lse + sequence.lse_offset(batches, head, heads_q, cu_seq_q) + query, q + columns, k, v,
      row, [&](int key) { return ((sequence.keys_before() + key) * heads_kv + head_kv) * config::head_dim; });
}

}  // namespace

extern "C" __global__ void __launch_bounds__(attention::reference::kThreads)
    attention_standard_reference_exact(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                       const int* cu_seq_q, const int* cu_seq_kv, int batches, int heads_q,
                                       int heads_kv, int seq_q, int seq_kv, int window_left,
                                       int window_right) {
  attend<false>(o, lse, q, k, v, cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv, window_left,
                window_right);
}

extern "C" __global__ void __launch_bounds__(attention::reference::kThreads)
    attention_standard_reference_low(float* o, float* lse, const Half* q, const Half* k, const Half* v,
                                     const int* cu_seq_q, const int* cu_seq_kv, int batches, int heads_q,
                                     int heads_kv, int seq_q, int seq_kv, int window_left, int window_right) {
  attend<true>(o, lse, q, k, v, cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv, window_left,
               window_right);
}
