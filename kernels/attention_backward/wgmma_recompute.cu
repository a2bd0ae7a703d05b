// The gradients of attention by recomputation for Hopper, dQ in a pass of its own: the rows' statistics; one
// block per key tile for dK and dV; and one block per query tile for dQ, which computes the weights once
// more. Nothing is added in global memory, and the result is bitwise the same in every run.
#include <weir/config.h>

#include "device/attention/backward/rows.h"
#include "device/attention/backward/warpgroup_key_pass.h"
#include "device/attention/backward/warpgroup_query_pass.h"

using namespace attention::backward;
using ptx::TensorMap;

extern "C" __global__ void __launch_bounds__(kRowThreads)
    attention_backward_statistics(float* __restrict__ statistics, float*, const Half* __restrict__ o,
                                  const Half* __restrict__ dout, const float* __restrict__ lse, int batches,
                                  int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                                  int window_right, const int* __restrict__ cu_seq_q,
                                  const int* __restrict__ cu_seq_kv) {
  const Problem problem{batches,     heads_q,      heads_kv, seq_q,    seq_kv,
                        window_left, window_right, cu_seq_q, cu_seq_kv};
  const RowWork work = RowWork::of_block(static_cast<int>(blockIdx.x), problem);
  write_statistics(statistics, o, dout, lse, work, problem);
}

extern "C" __global__ void __launch_bounds__(KeyPassRegisters::threads, 1)
    attention_backward_keys(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,
                            const __grid_constant__ TensorMap v, const __grid_constant__ TensorMap dout,
                            const __grid_constant__ TensorMap dk, const __grid_constant__ TensorMap dv,
                            float* __restrict__, const float* __restrict__ statistics, int batches,
                            int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(1024) unsigned char memory[];
  const Problem problem{batches, heads_q, heads_kv, seq_q, seq_kv, -1, -1, nullptr, nullptr};
  warpgroup_key_pass<false>({q, k, v, dout, dk, dv}, nullptr, statistics, problem, memory);
}

extern "C" __global__ void __launch_bounds__(QueryPassRegisters::threads, 1)
    attention_backward_queries(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,
                               const __grid_constant__ TensorMap v, const __grid_constant__ TensorMap dout,
                               const __grid_constant__ TensorMap dq, const float* __restrict__ statistics,
                               int batches, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(1024) unsigned char memory[];
  const Problem problem{batches, heads_q, heads_kv, seq_q, seq_kv, -1, -1, nullptr, nullptr};
  warpgroup_query_pass({q, k, v, dout, dq}, statistics, problem, memory);
}
