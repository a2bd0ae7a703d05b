// Gradients of attention layer by layer, from the probabilities P that the forward pass has kept: dP = dO ·
// transpose(V), dV = transpose(P) · dO, dS = P ∘ (dP - rowsum(P ∘ dP)), dQ = dS · K, dK = transpose(dS) · Q,
// with P, dP and dS in global memory. The scale and what else becomes of a score is in dS.

#include <weir/config.h>

#include "device/standard/score_rows.h"

static_assert(config::softcap == 0 || config::modified,
              "a softcap's derivative needs the scores: modified=true");
static_assert(config::score_is_default || config::modified,
              "a formula's derivative needs the scores: modified=true");

namespace {

using namespace standard;

/// The products with one column for each of a head's; dK and dV sum over the heads of a group.
template <bool of_keys, Order a_order>
__device__ __forceinline__ void head_product(Half* result, const Half* scores, const Half* other,
                                             const Problem& problem) {
  extern __shared__ __align__(128) unsigned char shared[];
  const int first = static_cast<int>(blockIdx.y) * (of_keys ? problem.group() : 1);
  const Head head(problem, static_cast<int>(blockIdx.z), first);
  multiply<HeadTiling, a_order, Order::across_depth>(
      of_keys ? head.key_output(result) : head.query_output(result),
      of_keys ? head.score_columns(scores) : head.score_rows(scores),
      of_keys ? head.query_columns(other) : head.key_columns(other), of_keys ? problem.seq_kv : problem.seq_q,
      config::head_dim, shared);
}

}  // namespace

/// dV = transpose(P) · dO, and dK = transpose(dS) · Q.
extern "C" __global__ void __launch_bounds__(HeadTiling::threads)
    attention_standard_backward_keys(Half* __restrict__ result, const Half* __restrict__ scores,
                                     const Half* __restrict__ queries, const int* __restrict__ cu_seq_q,
                                     const int* __restrict__ cu_seq_kv, int batches, int heads_q,
                                     int heads_kv, int seq_q, int seq_kv) {
  head_product<true, Order::across_depth>(result, scores, queries,
                                          {cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv});
}

/// dQ = dS · K.
extern "C" __global__ void __launch_bounds__(HeadTiling::threads)
    attention_standard_backward_queries(Half* __restrict__ dq, const Half* __restrict__ ds,
                                        const Half* __restrict__ k, const int* __restrict__ cu_seq_q,
                                        const int* __restrict__ cu_seq_kv, int batches, int heads_q,
                                        int heads_kv, int seq_q, int seq_kv) {
  head_product<false, Order::along_depth>(dq, ds, k,
                                          {cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv});
}

/// dP = dO · transpose(V).
extern "C" __global__ void __launch_bounds__(WideTiling::threads)
    attention_standard_backward_probabilities(Half* __restrict__ dp, const Half* __restrict__ dout,
                                              const Half* __restrict__ v, const int* __restrict__ cu_seq_q,
                                              const int* __restrict__ cu_seq_kv, int batches, int heads_q,
                                              int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem{cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv};
  const Head head(problem, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y));
  multiply<WideTiling, Order::along_depth, Order::along_depth>(head.score_output(dp), head.query_rows(dout),
                                                               head.key_rows(v), seq_q, seq_kv, shared);
}

/// dS = P ∘ (dP - rowsum(P ∘ dP)), times the score's derivative.
extern "C" __global__ void __launch_bounds__(kRowThreads)
    attention_standard_backward_softmax(Half* __restrict__ ds, const Half* __restrict__ p,
                                        const Half* __restrict__ dp, const Half* __restrict__ s,
                                        const int* __restrict__ cu_seq_q, const int* __restrict__ cu_seq_kv,
                                        int batches, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem{cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv};
  const Head head(problem, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y));
  const int query = static_cast<int>(blockIdx.x);
  if (query >= head.sequence.seq_q) return;
  float* const of_warps = after_held_rows(shared, problem, 2);
  const long long offset = problem.score_row(head.batch(), head.index, query);
  const TwiceRead p_row(p + offset, shared);
  const TwiceRead dp_row(dp + offset, shared + problem.pitch() * sizeof(Half));
  const int octets = (head.sequence.seq_kv + 7) / 8;

  float sum = 0.0f;
  for (int octet = static_cast<int>(threadIdx.x); octet < octets; octet += kRowThreads) {
    const Octet weights = p_row.first(octet), gradients = dp_row.first(octet);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      if (8 * octet + i < head.sequence.seq_kv) sum += weights.values[i] * gradients.values[i];
    }
  }
  sum = sum_over_block(sum, of_warps);

  uint4* const out = reinterpret_cast<uint4*>(ds + offset);
  for (int octet = static_cast<int>(threadIdx.x); octet < octets; octet += kRowThreads) {
    const Octet weights = p_row.again(octet), gradients = dp_row.again(octet);
    Octet products{};
    if constexpr (config::modified) products = Octet::of(reinterpret_cast<const uint4*>(s + offset)[octet]);
    Octet result;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int key = 8 * octet + i;
      float slope = attention::kScale;
      if constexpr (config::modified) {
        slope = attention::score_slope(products.values[i], query, key, head.index, head.batch());
      }
      // A weight of 0 has no part in the gradient, whatever the slope of a score that isn't seen.
      const float weight = key < head.sequence.seq_kv ? weights.values[i] : 0.0f;
      result.values[i] = weight == 0.0f ? 0.0f : weight * (gradients.values[i] - sum) * slope;
    }
    out[octet] = result.bits();
  }
}
