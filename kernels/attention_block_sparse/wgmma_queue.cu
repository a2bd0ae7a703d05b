// O = softmax(Q · transpose(K) / sqrt(head_dim)) · V where a mask keeps only some blocks of the scores, in
// one pass over the keys that are kept, for Hopper, with query tiles from a queue.
#include <weir/config.h>

#include "device/attention/queued_pass.h"
#include "device/sparse/queued_keys.h"

extern "C" __global__ void __launch_bounds__(attention::kPassThreads, config::blocks_per_sm)
    attention_block_sparse_wgmma_queue(const __grid_constant__ ptx::TensorMap q,
                                       const __grid_constant__ ptx::TensorMap k,
                                       const __grid_constant__ ptx::TensorMap v,
                                       const __grid_constant__ ptx::TensorMap o_map, device::Half* o,
                                       float* lse, int batches, int heads_q, int heads_kv, int seq_q,
                                       int seq_kv, int mask_heads, const int* __restrict__ row_first,
                                       const int* __restrict__ row_blocks, const int* __restrict__ row_order,
                                       unsigned* next) {
  extern __shared__ __align__(1024) unsigned char memory[];
  const sparse::QueuedKeysOfRows plan{
      {{batches, heads_q, heads_kv, seq_q, seq_kv},
       {.first = row_first, .blocks = row_blocks, .order = row_order, .heads = mask_heads}}};
  attention::queued_pass(q, k, v, o_map, o, lse, plan, next, memory);
}
