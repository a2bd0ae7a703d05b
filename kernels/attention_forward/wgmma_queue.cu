// O = softmax(Q · transpose(K) / sqrt(head_dim)) · V in one pass over K and V (FlashAttention-3), for Hopper,
// with query tiles from a queue.
#include <weir/config.h>

#include "device/attention/all_keys.h"
#include "device/attention/queued_pass.h"

extern "C" __global__ void __launch_bounds__(attention::kPassThreads, config::blocks_per_sm)
    attention_forward_wgmma_queue(const __grid_constant__ ptx::TensorMap q,
                                  const __grid_constant__ ptx::TensorMap k,
                                  const __grid_constant__ ptx::TensorMap v,
                                  const __grid_constant__ ptx::TensorMap o_map, device::Half* o, float* lse,
                                  int batches, int heads_q, int heads_kv, int seq_q, int seq_kv,
                                  unsigned* next) {
  extern __shared__ __align__(1024) unsigned char memory[];
  const attention::AllKeys plan{{batches, heads_q, heads_kv, seq_q, seq_kv}};
  attention::queued_pass(q, k, v, o_map, o, lse, plan, next, memory);
}
