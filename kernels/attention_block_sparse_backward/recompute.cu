// The gradients of block-sparse attention by recomputation for mma.sync, dQ in a pass of its own: the rows'
// statistics; one block per key tile for dK and dV, along the columns of the mask; and one block per query
// tile for dQ, along its rows, which computes the weights once more. Seven products instead of five, nothing
// is added in global memory, and the result is bitwise the same in every run.

#include <weir/config.h>

#include "device/sparse/plain_scores.h"
// which these headers need:
#include "device/attention/backward/key_pass.h"
#include "device/attention/backward/query_pass.h"
#include "device/attention/backward/rows.h"
#include "device/sparse/problem.h"
#include "device/sparse/query_plan.h"

using attention::backward::Half;
using attention::backward::Problem;
using attention::backward::RowWork;
using sparse::problem_of;

extern "C" __global__ void __launch_bounds__(attention::backward::kRowThreads)
    block_sparse_backward_statistics(float* __restrict__ statistics, float*, const Half* __restrict__ o,
                                     const Half* __restrict__ dout, const float* __restrict__ lse,
                                     int batches, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  const Problem problem = problem_of(batches, heads_q, heads_kv, seq_q, seq_kv);
  const RowWork work = RowWork::of_block(static_cast<int>(blockIdx.x), problem);
  if (work.exists()) attention::backward::write_statistics(statistics, o, dout, lse, work, problem);
}

extern "C" __global__ void __launch_bounds__(attention::backward::kThreads,
                                             config::warps_per_sm / config::warps)
    block_sparse_backward_keys(Half* __restrict__ dk, Half* __restrict__ dv, float*,
                               const float* __restrict__ statistics, const Half* __restrict__ q,
                               const Half* __restrict__ k, const Half* __restrict__ v,
                               const Half* __restrict__ dout, int batches, int heads_q, int heads_kv,
                               int seq_q, int seq_kv, int mask_heads, const int* __restrict__ column_first,
                               const int* __restrict__ column_blocks, const int* __restrict__ column_order) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem = problem_of(batches, heads_q, heads_kv, seq_q, seq_kv);
  attention::backward::key_pass<false>(
      {.dk = dk,
       .dv = dv,
       .dq_sums = nullptr,
       .statistics = statistics,
       .q = q,
       .k = k,
       .v = v,
       .dout = dout},
      problem, shared, sparse::KeptKeyPlan{{column_first, column_blocks, column_order, mask_heads}});
}

extern "C" __global__ void __launch_bounds__(attention::backward::kQueryPassThreads,
                                             attention::backward::kQueryPassWarpsPerSm / config::dq_warps)
    block_sparse_backward_queries(Half* __restrict__ dq, const float* __restrict__ statistics,
                                  const Half* __restrict__ q, const Half* __restrict__ k,
                                  const Half* __restrict__ v, const Half* __restrict__ dout, int batches,
                                  int heads_q, int heads_kv, int seq_q, int seq_kv, int mask_heads,
                                  const int* __restrict__ row_first, const int* __restrict__ row_blocks,
                                  const int* __restrict__ row_order) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem = problem_of(batches, heads_q, heads_kv, seq_q, seq_kv);
  attention::backward::query_pass({.dq = dq, .statistics = statistics, .q = q, .k = k, .v = v, .dout = dout},
                                  problem, shared,
                                  sparse::KeptQueryPlan{{row_first, row_blocks, row_order, mask_heads}});
}
