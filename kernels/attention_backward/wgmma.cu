// The gradients of attention by recomputation (FlashAttention-3) for Hopper, in three launches: the rows'
// statistics; one block per key tile, which holds the gradients of its keys and values and adds to dQ in
// global memory; and dQ from these sums. The order of the additions to dQ is not fixed.
#include <weir/config.h>

#include "device/attention/backward/rows.h"
#include "device/attention/backward/warpgroup_key_pass.h"

using namespace attention::backward;
using ptx::TensorMap;

extern "C" __global__ void __launch_bounds__(kRowThreads)
    attention_backward_statistics(float* __restrict__ statistics, float* __restrict__ dq_sums,
                                  const Half* __restrict__ o, const Half* __restrict__ dout,
                                  const float* __restrict__ lse, int batches, int heads_q, int heads_kv,
                                  int seq_q, int seq_kv, int window_left, int window_right,
                                  const int* __restrict__ cu_seq_q, const int* __restrict__ cu_seq_kv) {
  const Problem problem{batches,     heads_q,      heads_kv, seq_q,    seq_kv,
                        window_left, window_right, cu_seq_q, cu_seq_kv};
  const RowWork work = RowWork::of_block(static_cast<int>(blockIdx.x), problem);
  write_statistics(statistics, o, dout, lse, work, problem);
  clear_sums(dq_sums, work, problem);
}

extern "C" __global__ void __launch_bounds__(KeyPassRegisters::threads, 1)
    attention_backward_keys(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,
                            const __grid_constant__ TensorMap v, const __grid_constant__ TensorMap dout,
                            const __grid_constant__ TensorMap dk, const __grid_constant__ TensorMap dv,
                            float* __restrict__ dq_sums, const float* __restrict__ statistics, int batches,
                            int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(1024) unsigned char memory[];
  const Problem problem{batches, heads_q, heads_kv, seq_q, seq_kv, -1, -1, nullptr, nullptr};
  warpgroup_key_pass<true>({q, k, v, dout, dk, dv}, dq_sums, statistics, problem, memory);
}

extern "C" __global__ void __launch_bounds__(kRowThreads)
    attention_backward_convert(Half* __restrict__ dq, const float* __restrict__ dq_sums, int batches,
                               int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                               int window_right, const int* __restrict__ cu_seq_q,
                               const int* __restrict__ cu_seq_kv) {
  const Problem problem{batches,     heads_q,      heads_kv, seq_q,    seq_kv,
                        window_left, window_right, cu_seq_q, cu_seq_kv};
  convert_sums(dq, dq_sums, RowWork::of_block(static_cast<int>(blockIdx.x), problem), problem);
}
