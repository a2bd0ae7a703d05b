// The gradients of attention written plainly (device/attention/backward/reference.h), with everything that a
// problem can ask for.

#include <weir/config.h>

#include "device/attention/backward/reference.h"

namespace {

using namespace attention::backward::reference;

struct PackedProblem {
  int batches, heads_q, heads_kv, longest_q, longest_kv, window_left, window_right;
  const int* cu_seq_q;
  const int* cu_seq_kv;
};

/// One sequence of the batch.
struct Sequence {
  int batch, seq_q, seq_kv;
  long long queries_before, keys_before;  // in the tensors

  __device__ Sequence(const PackedProblem& problem, int batch) : batch(batch) {
    if (config::packed) {
      queries_before = problem.cu_seq_q[batch], seq_q = problem.cu_seq_q[batch + 1] - problem.cu_seq_q[batch];
      keys_before = problem.cu_seq_kv[batch];
      seq_kv = problem.cu_seq_kv[batch + 1] - problem.cu_seq_kv[batch];
    } else {
      queries_before = static_cast<long long>(batch) * problem.longest_q, seq_q = problem.longest_q;
      keys_before = static_cast<long long>(batch) * problem.longest_kv, seq_kv = problem.longest_kv;
    }
  }
};

/// One query head of one sequence, with the keys that it sees.
struct Head {
  using Problem = PackedProblem;
  Problem problem;
  Sequence sequence;
  int head;
  long long q_stride, kv_stride, q_offset, kv_offset, lse_offset;

  __device__ Head(const Problem& problem, int batch, int head)
      : problem(problem), sequence(problem, batch), head(head) {
    q_stride = static_cast<long long>(problem.heads_q) * config::head_dim;
    kv_stride = static_cast<long long>(problem.heads_kv) * config::head_dim;
    q_offset = sequence.queries_before * q_stride + head * config::head_dim;
    kv_offset =
        sequence.keys_before * kv_stride + head / (problem.heads_q / problem.heads_kv) * config::head_dim;
    lse_offset = config::packed ? static_cast<long long>(head) * problem.cu_seq_q[problem.batches] +
                                      sequence.queries_before
                                : (static_cast<long long>(batch) * problem.heads_q + head) * sequence.seq_q;
  }

  __device__ Matrix of_queries(const Half* tensor) const {
    return {tensor + q_offset, q_stride, sequence.seq_q};
  }
  __device__ Matrix of_keys(const Half* tensor) const {
    return {tensor + kv_offset, kv_stride, sequence.seq_kv};
  }

  /// Word for word what the parameters of the problem mean.
  __device__ __forceinline__ bool sees(int query, int key) const {
    const int diagonal = query + sequence.seq_kv - sequence.seq_q;
    bool seen = query < sequence.seq_q && key < sequence.seq_kv;
    if (config::causal) seen = seen && key <= diagonal;
    if (config::windowed && problem.window_left >= 0) seen = seen && key >= diagonal - problem.window_left;
    if (config::windowed && problem.window_right >= 0) seen = seen && key <= diagonal + problem.window_right;
    if constexpr (!config::mask_is_default) seen = seen && config::mask(query, key, head, sequence.batch);
    return seen;
  }

  /// The score and its derivative with respect to the scaled product.
  __device__ __forceinline__ float score(float product, int query, int key, float& derivative) const {
    constexpr float kSoftcap = config::softcap;
    derivative = 1.0f;
    if constexpr (kSoftcap > 0.0f) {
      const float relative = tanhf(product / kSoftcap);
      product = kSoftcap * relative;
      derivative = 1.0f - relative * relative;
    }
    if constexpr (!config::score_is_default) {
      derivative *= config::score_derivative(product, query, key, head, sequence.batch);
      product = config::score(product, query, key, head, sequence.batch);
    }
    return product;
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(256)
    attention_backward_prepare(Half* o, float* lse, const Half* q, const Half* k, const Half* v, int batches,
                               int heads_q, int heads_kv, int longest_q, int longest_kv, int window_left,
                               int window_right, const int* cu_seq_q, const int* cu_seq_kv) {
  attention_forward<Head>(
      o, lse, q, k, v,
      {batches, heads_q, heads_kv, longest_q, longest_kv, window_left, window_right, cu_seq_q, cu_seq_kv});
}

extern "C" __global__ void __launch_bounds__(256)
    attention_backward_reference_exact(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                       const Half* v, const Half* o, const float* lse, const Half* dout,
                                       int batches, int heads_q, int heads_kv, int longest_q, int longest_kv,
                                       int window_left, int window_right, const int* cu_seq_q,
                                       const int* cu_seq_kv) {
  attention_backward<false, Head>(
      dq, dk, dv, {q, k, v, o, lse, dout},
      {batches, heads_q, heads_kv, longest_q, longest_kv, window_left, window_right, cu_seq_q, cu_seq_kv});
}

extern "C" __global__ void __launch_bounds__(256)
    attention_backward_reference_low(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                     const Half* v, const Half* o, const float* lse, const Half* dout,
                                     int batches, int heads_q, int heads_kv, int longest_q, int longest_kv,
                                     int window_left, int window_right, const int* cu_seq_q,
                                     const int* cu_seq_kv) {
  attention_backward<true, Head>(
      dq, dk, dv, {q, k, v, o, lse, dout},
      {batches, heads_q, heads_kv, longest_q, longest_kv, window_left, window_right, cu_seq_q, cu_seq_kv});
}
