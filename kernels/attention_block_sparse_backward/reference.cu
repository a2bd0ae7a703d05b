// The gradients of dense attention written plainly (device/attention/backward/reference.h): every query meets
// every key, and asks the list of its row of mask blocks whether it sees it.

#include <weir/config.h>

#include "device/attention/backward/reference.h"
#include "device/sparse/mask_reference.h"

namespace {

using namespace attention::backward::reference;

struct MaskedProblem {
  int heads_q, heads_kv, longest_q, longest_kv;
  sparse::MaskReference mask;
};

/// One query head of one sequence, with the keys that it sees.
struct Head {
  using Problem = MaskedProblem;
  struct Sequence {
    int seq_q, seq_kv;
  };

  Sequence sequence;
  sparse::MaskReference mask;
  int head;  // of all sequences together
  long long q_stride, kv_stride, q_offset, kv_offset, lse_offset;

  __device__ Head(const Problem& problem, int batch, int head_q)
      : sequence{problem.longest_q, problem.longest_kv},
        mask(problem.mask),
        head(batch * problem.heads_q + head_q) {
    q_stride = static_cast<long long>(problem.heads_q) * config::head_dim;
    kv_stride = static_cast<long long>(problem.heads_kv) * config::head_dim;
    q_offset = static_cast<long long>(batch) * sequence.seq_q * q_stride + head_q * config::head_dim;
    kv_offset = static_cast<long long>(batch) * sequence.seq_kv * kv_stride +
                head_q / (problem.heads_q / problem.heads_kv) * config::head_dim;
    lse_offset = static_cast<long long>(head) * sequence.seq_q;
  }

  __device__ Matrix of_queries(const Half* tensor) const {
    return {tensor + q_offset, q_stride, sequence.seq_q};
  }
  __device__ Matrix of_keys(const Half* tensor) const {
    return {tensor + kv_offset, kv_stride, sequence.seq_kv};
  }
  __device__ __forceinline__ bool sees(int query, int key) const { return mask.sees(head, query, key); }
  __device__ __forceinline__ float score(float product, int, int, float& derivative) const {
    derivative = 1.0f;
    return product;
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    block_sparse_backward_prepare(Half* o, float* lse, const Half* q, const Half* k, const Half* v, int,
                                  int heads_q, int heads_kv, int seq_q, int seq_kv, int mask_heads,
                                  const int* row_first, const int* row_blocks) {
  attention_forward<Head>(
      o, lse, q, k, v,
      {heads_q, heads_kv, seq_q, seq_kv, {row_first, row_blocks, mask_heads, seq_q, seq_kv}});
}

extern "C" __global__ void __launch_bounds__(256)
    block_sparse_backward_reference_exact(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                          const Half* v, const Half* o, const float* lse, const Half* dout,
                                          int, int heads_q, int heads_kv, int seq_q, int seq_kv,
                                          int mask_heads, const int* row_first, const int* row_blocks) {
  attention_backward<false, Head>(
      dq, dk, dv, {q, k, v, o, lse, dout},
      {heads_q, heads_kv, seq_q, seq_kv, {row_first, row_blocks, mask_heads, seq_q, seq_kv}});
}

extern "C" __global__ void __launch_bounds__(256)
    block_sparse_backward_reference_low(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                        const Half* v, const Half* o, const float* lse, const Half* dout, int,
                                        int heads_q, int heads_kv, int seq_q, int seq_kv, int mask_heads,
                                        const int* row_first, const int* row_blocks) {
  attention_backward<true, Head>(
      dq, dk, dv, {q, k, v, o, lse, dout},
      {heads_q, heads_kv, seq_q, seq_kv, {row_first, row_blocks, mask_heads, seq_q, seq_kv}});
}
