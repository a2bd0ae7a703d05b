// The probabilities that the forward pass keeps, and the gradients that follow from them, a block for each
// row of a result: `exact` keeps f32 throughout, `low` rounds where an implementation by operators in 16 bits
// does: dP, dS and the gradients.

#include <weir/config.h>

#include "device/attention/row_reference.h"
#include "device/attention/sequence.h"

namespace {

using namespace attention::reference;
using attention::Sequence;

/// Where rows begin.
struct Layout {
  Sequence sequence;
  int batch, heads_q, heads_kv, seq_q, seq_kv;

  __device__ __forceinline__ int group() const { return heads_q / heads_kv; }
  __device__ __forceinline__ long long query(int query, int head) const {
    return ((sequence.queries_before() + query) * heads_q + head) * config::head_dim;
  }
  __device__ __forceinline__ long long key(int key, int head_kv) const {
    return ((sequence.keys_before() + key) * heads_kv + head_kv) * config::head_dim;
  }
  __device__ __forceinline__ long long row(int query, int head) const {
    return (static_cast<long long>(batch) * heads_q + head) * seq_q + query;
  }
  __device__ __forceinline__ long long score(int query, int head, int key) const {
    return row(query, head) * ((seq_kv + 7) / 8 * 8) + key;
  }
};

struct Inputs {
  const Half* q;
  const Half* k;
  const Half* v;
  const Half* dout;
  const Half* p;
  const Half* s;
  const float* delta;
};

/// The derivative of the score with respect to the product of query and key.
__device__ __forceinline__ float slope(float product, int query, int key, int head, int batch) {
  const float scale = rsqrtf(static_cast<float>(config::head_dim));
  float slope = scale, value = product * scale;
  if constexpr (config::softcap > 0) {
    const float cap = static_cast<float>(config::softcap);
    const float capped = tanhf(value / cap);
    slope *= 1.0f - capped * capped;
    value = cap * capped;
  }
  if constexpr (!config::score_is_default) slope *= config::score_derivative(value, query, key, head, batch);
  return slope;
}

/// dS of one pair, given dP.
template <bool low>
__device__ __forceinline__ float score_gradient(const Inputs& in, const Layout& layout, float dp, int query,
                                                int head, int key) {
  const long long index = layout.score(query, head, key);
  const float weight = to_f32(in.p[index]);
  if (weight == 0.0f) return 0.0f;
  const float product = config::modified ? to_f32(in.s[index]) : 0.0f;
  const float gradient = weight * (rounded_if<low>(dp) - in.delta[layout.row(query, head)]);
  return rounded_if<low>(gradient * slope(product, query, key, head, layout.batch));
}

/// sums[j] += the sum over i of weights[i] · the thread's j-th column of row(i).
template <class RowOf>
__device__ __forceinline__ void add_rows(float (&sums)[kColumns], const float* weights, int count,
                                         const RowOf& row) {
  for (int i = 0; i < count; ++i) {
    const Half* values = row(i);
    for (int j = 0; j < kColumns; ++j) {
      const int column = static_cast<int>(threadIdx.x) + j * kThreads;
      if (column < config::head_dim) sums[j] += weights[i] * to_f32(values[column]);
    }
  }
}

template <bool low>
__device__ __forceinline__ void store_row(float* row, const float (&sums)[kColumns]) {
  for (int j = 0; j < kColumns; ++j) {
    const int column = static_cast<int>(threadIdx.x) + j * kThreads;
    if (column < config::head_dim) row[column] = rounded_if<low>(sums[j]);
  }
}

template <bool low>
__device__ __forceinline__ void query_gradient(float* dq, const Inputs& in, const Layout& layout, int query,
                                               int head) {
  __shared__ float gradient[config::head_dim];
  __shared__ float weights[kThreads];
  load_row(gradient, in.dout + layout.query(query, head));
  const int head_kv = head / layout.group();
  float sums[kColumns] = {};
  for (int first = 0; first < layout.sequence.seq_kv; first += kThreads) {
    const int key = first + static_cast<int>(threadIdx.x);
    const int count = min(kThreads, layout.sequence.seq_kv - first);
    float weight = 0.0f;
    if (key < layout.sequence.seq_kv) {
      const float dp = dot(gradient, in.v + layout.key(key, head_kv));
      weight = score_gradient<low>(in, layout, dp, query, head, key);
    }
    __syncthreads();
    weights[threadIdx.x] = weight;
    __syncthreads();
    add_rows(sums, weights, count, [&](int i) { return in.k + layout.key(first + i, head_kv); });
  }
  store_row<low>(dq + layout.query(query, head), sums);
}

template <bool low>
__device__ __forceinline__ void key_gradients(float* dk, float* dv, const Inputs& in, const Layout& layout,
                                              int key, int head_kv) {
  __shared__ float values[config::head_dim];
  __shared__ float weights[kThreads];
  __shared__ float gradients[kThreads];
  load_row(values, in.v + layout.key(key, head_kv));
  float dk_sums[kColumns] = {}, dv_sums[kColumns] = {};
  for (int head = head_kv * layout.group(); head < (head_kv + 1) * layout.group(); ++head) {
    for (int first = 0; first < layout.sequence.seq_q; first += kThreads) {
      const int query = first + static_cast<int>(threadIdx.x);
      const int count = min(kThreads, layout.sequence.seq_q - first);
      float weight = 0.0f, gradient = 0.0f;
      if (query < layout.sequence.seq_q) {
        const float dp = dot(values, in.dout + layout.query(query, head));
        weight = to_f32(in.p[layout.score(query, head, key)]);
        gradient = score_gradient<low>(in, layout, dp, query, head, key);
      }
      __syncthreads();
      weights[threadIdx.x] = weight;
      gradients[threadIdx.x] = gradient;
      __syncthreads();
      add_rows(dk_sums, gradients, count, [&](int i) { return in.q + layout.query(first + i, head); });
      add_rows(dv_sums, weights, count, [&](int i) { return in.dout + layout.query(first + i, head); });
    }
  }
  store_row<low>(dk + layout.key(key, head_kv), dk_sums);
  store_row<low>(dv + layout.key(key, head_kv), dv_sums);
}

/// Blocks up to seq_q take a query of each query head, the others a key of each key and value head.
template <bool low>
__device__ __forceinline__ void gradients(float* dq, float* dk, float* dv, const Inputs& in,
                                          const Layout& layout) {
  const int row = static_cast<int>(blockIdx.x), head = static_cast<int>(blockIdx.y);
  if (row < layout.seq_q) {
    if (row < layout.sequence.seq_q) query_gradient<low>(dq, in, layout, row, head);
  } else {
    const int key = row - layout.seq_q;
    if (key < layout.sequence.seq_kv && head < layout.heads_kv) {
      key_gradients<low>(dk, dv, in, layout, key, head);
    }
  }
}

}  // namespace

/// P and, where scores are modified, S as the forward pass rounds them, and rowsum(P ∘ dP) in f32.
extern "C" __global__ void __launch_bounds__(kThreads)
    attention_standard_backward_prepare(Half* p, Half* s, float* delta, const Half* q, const Half* k,
                                        const Half* v, const Half* dout, const int* cu_seq_q,
                                        const int* cu_seq_kv, int batches, int heads_q, int heads_kv,
                                        int seq_q, int seq_kv, int window_left, int window_right) {
  __shared__ float query_row[config::head_dim];
  __shared__ float gradient_row[config::head_dim];
  __shared__ float shared[kThreads];
  const int query = static_cast<int>(blockIdx.x), head = static_cast<int>(blockIdx.y),
            batch = static_cast<int>(blockIdx.z);
  const Layout layout{
      Sequence::of(batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv), batch, heads_q, heads_kv, seq_q, seq_kv};
  if (query >= layout.sequence.seq_q) return;
  const int head_kv = head / layout.group();
  const Row row{
      {layout.sequence.seq_q, layout.sequence.seq_kv, window_left, window_right}, query, head, batch};
  load_row(query_row, q + layout.query(query, head));
  load_row(gradient_row, dout + layout.query(query, head));
  const auto product = [&](int key) { return rounded(dot(query_row, k + layout.key(key, head_kv))); };
  const auto score = [&](int key) { return row.template score<false>(product(key), key); };
  const RowSum sum = sum_row(row, shared, score);

  float part = 0.0f;
  for (int key = static_cast<int>(threadIdx.x); key < layout.sequence.seq_kv; key += kThreads) {
    const Half weight = device::from_f32<config::dtype>(sum.weight(score(key)));
    p[layout.score(query, head, key)] = weight;
    if constexpr (config::modified) {
      s[layout.score(query, head, key)] = device::from_f32<config::dtype>(product(key));
    }
    part += to_f32(weight) * dot(gradient_row, v + layout.key(key, head_kv));
  }
  part = over_block(shared, part, [](float a, float b) { return a + b; });
  if (threadIdx.x == 0) delta[layout.row(query, head)] = part;
}

extern "C" __global__ void __launch_bounds__(kThreads)
    attention_standard_backward_reference_exact(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                                const Half* v, const Half* dout, const Half* p, const Half* s,
                                                const float* delta, const int* cu_seq_q, const int* cu_seq_kv,
                                                int batches, int heads_q, int heads_kv, int seq_q,
                                                int seq_kv) {
  const int batch = static_cast<int>(blockIdx.z);
  gradients<false>(
      dq, dk, dv, {q, k, v, dout, p, s, delta},
      {Sequence::of(batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv), batch, heads_q, heads_kv, seq_q, seq_kv});
}

extern "C" __global__ void __launch_bounds__(kThreads)
    attention_standard_backward_reference_low(float* dq, float* dk, float* dv, const Half* q, const Half* k,
                                              const Half* v, const Half* dout, const Half* p, const Half* s,
                                              const float* delta, const int* cu_seq_q, const int* cu_seq_kv,
                                              int batches, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  const int batch = static_cast<int>(blockIdx.z);
  gradients<true>(
      dq, dk, dv, {q, k, v, dout, p, s, delta},
      {Sequence::of(batch, seq_q, seq_kv, cu_seq_q, cu_seq_kv), batch, heads_q, heads_kv, seq_q, seq_kv});
}
