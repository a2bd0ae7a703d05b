// Attention written plainly (device/attention/tiled_reference.h), with everything that a problem can ask for.

#include <weir/config.h>

#include "device/attention/tiled_reference.h"

namespace {

using namespace attention::reference;

/// One sequence of the batch.
struct Sequence {
  int seq_q, seq_kv;
  long long queries_before, keys_before;  // in the tensors

  __device__ Sequence(int batch, int longest_q, int longest_kv, const int* cu_seq_q, const int* cu_seq_kv) {
    if (config::packed) {
      queries_before = cu_seq_q[batch], seq_q = cu_seq_q[batch + 1] - cu_seq_q[batch];
      keys_before = cu_seq_kv[batch], seq_kv = cu_seq_kv[batch + 1] - cu_seq_kv[batch];
    } else {
      queries_before = static_cast<long long>(batch) * longest_q, seq_q = longest_q;
      keys_before = static_cast<long long>(batch) * longest_kv, seq_kv = longest_kv;
    }
  }
};

/// Word for word what the parameters of the problem mean.
__device__ __forceinline__ bool sees(const Sequence& sequence, int query, int key, int window_left,
                                     int window_right, int head, int batch) {
  const int diagonal = query + sequence.seq_kv - sequence.seq_q;
  bool seen = key < sequence.seq_kv;
  if (config::causal) seen = seen && key <= diagonal;
  if (config::windowed && window_left >= 0) seen = seen && key >= diagonal - window_left;
  if (config::windowed && window_right >= 0) seen = seen && key <= diagonal + window_right;
  if constexpr (!config::mask_is_default) seen = seen && config::mask(query, key, head, batch);
  return seen;
}

__device__ __forceinline__ float modified(float score, int query, int key, int head, int batch) {
  constexpr float kSoftcap = config::softcap;
  if constexpr (kSoftcap > 0.0f) score = kSoftcap * tanhf(score / kSoftcap);
  if constexpr (!config::score_is_default) score = config::score(score, query, key, head, batch);
  return score;
}

template <bool low>
__device__ __forceinline__ void attention_of(float* o, float* lse, const Half* q, const Half* k,
                                             const Half* v, int batches, int heads_q, int heads_kv,
                                             int longest_q, int longest_kv, int window_left, int window_right,
                                             const int* cu_seq_q, const int* cu_seq_kv) {
  const int first_row = static_cast<int>(blockIdx.x) * kTileRows;
  const int head = static_cast<int>(blockIdx.y), batch = static_cast<int>(blockIdx.z);
  const int head_kv = head / (heads_q / heads_kv);
  const Sequence sequence(batch, longest_q, longest_kv, cu_seq_q, cu_seq_kv);
  const int seq_q = sequence.seq_q, seq_kv = sequence.seq_kv;
  if (first_row >= seq_q) return;
  const long long q_stride = static_cast<long long>(heads_q) * config::head_dim;
  const long long kv_stride = static_cast<long long>(heads_kv) * config::head_dim;
  const long long q_offset = (sequence.queries_before + first_row) * q_stride + head * config::head_dim;
  const long long kv_offset = sequence.keys_before * kv_stride + head_kv * config::head_dim;
  const long long lse_offset =
      config::packed ? static_cast<long long>(head) * cu_seq_q[batches] + sequence.queries_before
                     : (static_cast<long long>(batch) * heads_q + head) * seq_q;
  attend<low>(
      Rows{.o = o + q_offset,
           .lse = lse + lse_offset + first_row,
           .q = q + q_offset,
           .k = k + kv_offset,
           .v = v + kv_offset,
           .q_stride = q_stride,
           .kv_stride = kv_stride,
           .first = first_row,
           .count = seq_q - first_row,
           .seq_kv = seq_kv,
           .end_key = config::causal ? min(seq_kv, max(0, first_row + kTileRows + seq_kv - seq_q)) : seq_kv},
      [&](float score, int query, int key) {
        return sees(sequence, query, key, window_left, window_right, head, batch)
                   ? modified(score, query, key, head, batch)
                   : -infinity();
      });
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    attention_reference_exact(float* o, float* lse, const Half* q, const Half* k, const Half* v, int batches,
                              int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                              int window_right, const int* cu_seq_q, const int* cu_seq_kv) {
  attention_of<false>(o, lse, q, k, v, batches, heads_q, heads_kv, seq_q, seq_kv, window_left, window_right,
                      cu_seq_q, cu_seq_kv);
}

extern "C" __global__ void __launch_bounds__(256)
    attention_reference_low(float* o, float* lse, const Half* q, const Half* k, const Half* v, int batches,
                            int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                            int window_right, const int* cu_seq_q, const int* cu_seq_kv) {
  attention_of<true>(o, lse, q, k, v, batches, heads_q, heads_kv, seq_q, seq_kv, window_left, window_right,
                     cu_seq_q, cu_seq_kv);
}
