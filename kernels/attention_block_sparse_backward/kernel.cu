// The gradients of block-sparse attention by recomputation (FlashAttention-2) for mma.sync, in three
// launches: the rows' statistics; one block per key tile, which walks the kept blocks of its columns of the
// mask, holds the gradients of its keys and values and adds to dQ in global memory; and dQ from these sums.
// The order of the additions to dQ is not fixed.

#include <weir/config.h>

#include "device/sparse/plain_scores.h"
// which these headers need:
#include "device/attention/backward/key_pass.h"
#include "device/attention/backward/rows.h"
#include "device/sparse/key_plan.h"
#include "device/sparse/problem.h"

using attention::backward::Half;
using attention::backward::Problem;
using attention::backward::RowWork;
using sparse::problem_of;

extern "C" __global__ void __launch_bounds__(attention::backward::kRowThreads)
    block_sparse_backward_statistics(float* __restrict__ statistics, float* __restrict__ dq_sums,
                                     const Half* __restrict__ o, const Half* __restrict__ dout,
                                     const float* __restrict__ lse, int batches, int heads_q, int heads_kv,
                                     int seq_q, int seq_kv) {
  const Problem problem = problem_of(batches, heads_q, heads_kv, seq_q, seq_kv);
  const RowWork work = RowWork::of_block(static_cast<int>(blockIdx.x), problem);
  if (!work.exists()) return;
  attention::backward::write_statistics(statistics, o, dout, lse, work, problem);
  attention::backward::clear_sums(dq_sums, work, problem);
}

extern "C" __global__ void __launch_bounds__(attention::backward::kThreads,
                                             config::warps_per_sm / config::warps)
    block_sparse_backward_keys(Half* __restrict__ dk, Half* __restrict__ dv, float* __restrict__ dq_sums,
                               const float* __restrict__ statistics, const Half* __restrict__ q,
                               const Half* __restrict__ k, const Half* __restrict__ v,
                               const Half* __restrict__ dout, int batches, int heads_q, int heads_kv,
                               int seq_q, int seq_kv, int mask_heads, const int* __restrict__ column_first,
                               const int* __restrict__ column_blocks, const int* __restrict__ column_order) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem = problem_of(batches, heads_q, heads_kv, seq_q, seq_kv);
  attention::backward::key_pass<true>(
      {.dk = dk,
       .dv = dv,
       .dq_sums = dq_sums,
       .statistics = statistics,
       .q = q,
       .k = k,
       .v = v,
       .dout = dout},
      problem, shared, sparse::KeptKeyPlan{{column_first, column_blocks, column_order, mask_heads}});
}

extern "C" __global__ void __launch_bounds__(attention::backward::kRowThreads)
    block_sparse_backward_convert(Half* __restrict__ dq, const float* __restrict__ dq_sums, int batches,
                                  int heads_q, int heads_kv, int seq_q, int seq_kv) {
  const Problem problem = problem_of(batches, heads_q, heads_kv, seq_q, seq_kv);
  const RowWork work = RowWork::of_block(static_cast<int>(blockIdx.x), problem);
  if (!work.exists()) return;
  attention::backward::convert_sums(dq, dq_sums, work, problem);
}
