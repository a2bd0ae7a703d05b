// Dense attention written plainly (device/attention/tiled_reference.h): every query meets every key, and asks
// the list of its row of mask blocks whether it sees it.

#include <weir/config.h>

#include "device/attention/tiled_reference.h"
#include "device/sparse/mask_reference.h"

namespace {

using namespace attention::reference;

template <bool low>
__device__ __forceinline__ void attention_of(float* o, float* lse, const Half* q, const Half* k,
                                             const Half* v, int heads_q, int heads_kv, int seq_q, int seq_kv,
                                             const sparse::MaskReference& mask) {
  const int first_row = static_cast<int>(blockIdx.x) * kTileRows;
  const int head = static_cast<int>(blockIdx.y), batch = static_cast<int>(blockIdx.z);
  const int all_head = batch * heads_q + head;
  const long long q_stride = static_cast<long long>(heads_q) * config::head_dim;
  const long long kv_stride = static_cast<long long>(heads_kv) * config::head_dim;
  const long long q_offset =
      (static_cast<long long>(batch) * seq_q + first_row) * q_stride + head * config::head_dim;
  const long long kv_offset =
      static_cast<long long>(batch) * seq_kv * kv_stride + head / (heads_q / heads_kv) * config::head_dim;
  attend<low>(
      Rows{.o = o + q_offset,
           .lse = lse + static_cast<long long>(all_head) * seq_q + first_row,
           .q = q + q_offset,
           .k = k + kv_offset,
           .v = v + kv_offset,
           .q_stride = q_stride,
           .kv_stride = kv_stride,
           .first = first_row,
           .count = seq_q - first_row,
           .seq_kv = seq_kv,
           .end_key = seq_kv},
      [&](float score, int query, int key) { return mask.sees(all_head, query, key) ? score : -infinity(); });
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    block_sparse_reference_exact(float* o, float* lse, const Half* q, const Half* k, const Half* v, int,
                                 int heads_q, int heads_kv, int seq_q, int seq_kv, int mask_heads,
                                 const int* row_first, const int* row_blocks) {
  attention_of<false>(o, lse, q, k, v, heads_q, heads_kv, seq_q, seq_kv,
                      {row_first, row_blocks, mask_heads, seq_q, seq_kv});
}

extern "C" __global__ void __launch_bounds__(256)
    block_sparse_reference_low(float* o, float* lse, const Half* q, const Half* k, const Half* v, int,
                               int heads_q, int heads_kv, int seq_q, int seq_kv, int mask_heads,
                               const int* row_first, const int* row_blocks) {
  attention_of<true>(o, lse, q, k, v, heads_q, heads_kv, seq_q, seq_kv,
                     {row_first, row_blocks, mask_heads, seq_q, seq_kv});
}
