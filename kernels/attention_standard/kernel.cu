// Attention layer by layer, the baseline that fused kernels are compared with: S = Q · transpose(K), P =
// softmax(S), O = P · V, with S and P in global memory. As an implementation by operators does, every launch
// works on whole matrices, whatever the mask hides.

#include <weir/config.h>

#include "device/standard/score_rows.h"

namespace {

using namespace standard;

/// What a query sees of one row, in powers of two.
struct RowScores {
  const Head& head;
  attention::Visibility visibility;
  int query, begin, end;

  __device__ __forceinline__ RowScores(const Head& head, int query)
      : head(head),
        visibility{head.sequence.seq_q, head.sequence.seq_kv, head.problem.window_left,
                   head.problem.window_right},
        query(query),
        begin(visibility.first_key(query)),
        end(visibility.end_key(query)) {}

  /// Products become scores times log2(e), -inf where the query doesn't see the key.
  __device__ __forceinline__ void apply(Octet& octet, int first_key) const {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int key = first_key + i;
      float& value = octet.values[i];
      if constexpr (attention::kModified) {
        value = attention::modified_score(value, query, key, head.index, head.batch());
      }
      value *= attention::kScaleLog2;
      const bool seen =
          key >= begin && key < end && attention::unmasked(query, key, head.index, head.batch());
      if (!seen) value = -device::infinity();
    }
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(WideTiling::threads)
    attention_standard_scores(Half* __restrict__ s, const Half* __restrict__ q, const Half* __restrict__ k,
                              const int* __restrict__ cu_seq_q, const int* __restrict__ cu_seq_kv,
                              int batches, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem{cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv};
  const Head head(problem, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y));
  multiply<WideTiling, Order::along_depth, Order::along_depth>(head.score_output(s), head.query_rows(q),
                                                               head.key_rows(k), seq_q, seq_kv, shared);
}

extern "C" __global__ void __launch_bounds__(kRowThreads)
    attention_standard_softmax(Half* __restrict__ p, float* __restrict__ lse, const Half* __restrict__ s,
                               const int* __restrict__ cu_seq_q, const int* __restrict__ cu_seq_kv,
                               int batches, int heads_q, int heads_kv, int seq_q, int seq_kv, int window_left,
                               int window_right) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem{cu_seq_q, cu_seq_kv, batches,     heads_q,     heads_kv,
                        seq_q,    seq_kv,    window_left, window_right};
  const Head head(problem, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y));
  const int query = static_cast<int>(blockIdx.x);
  if (query >= head.sequence.seq_q) return;
  float* const of_warps = after_held_rows(shared, problem, 1);
  const RowScores scores(head, query);
  const TwiceRead row(s + problem.score_row(head.batch(), head.index, query), shared);
  const int octets = (head.sequence.seq_kv + 7) / 8;

  float maximum = -device::infinity(), sum = 0.0f;
  for (int octet = static_cast<int>(threadIdx.x); octet < octets; octet += kRowThreads) {
    Octet values = row.first(octet);
    scores.apply(values, 8 * octet);
    float larger = maximum;
#pragma unroll
    for (int i = 0; i < 8; ++i) larger = fmaxf(larger, values.values[i]);
    if (larger == -device::infinity()) continue;
    sum *= ptx::ex2_approx_ftz(maximum - larger);
    maximum = larger;
#pragma unroll
    for (int i = 0; i < 8; ++i) sum += ptx::ex2_approx_ftz(values.values[i] - maximum);
  }
  const float row_maximum = maximum_over_block(maximum, of_warps);
  const float origin = row_maximum == -device::infinity() ? 0.0f : row_maximum;
  const float row_sum = sum_over_block(sum * ptx::ex2_approx_ftz(maximum - origin), of_warps);
  const float factor = row_sum == 0.0f ? 0.0f : 1.0f / row_sum;

  uint4* const out = reinterpret_cast<uint4*>(p + problem.score_row(head.batch(), head.index, query));
  for (int octet = static_cast<int>(threadIdx.x); octet < octets; octet += kRowThreads) {
    Octet values = row.again(octet);
    scores.apply(values, 8 * octet);
#pragma unroll
    for (int i = 0; i < 8; ++i) values.values[i] = ptx::ex2_approx_ftz(values.values[i] - origin) * factor;
    out[octet] = values.bits();
  }
  if (threadIdx.x == 0) {
    lse[head.sequence.lse_offset(batches, head.index, heads_q, cu_seq_q) + query] =
        row_sum == 0.0f ? -device::infinity() : (row_maximum + ptx::lg2_approx_ftz(row_sum)) * device::kLn2;
  }
}

extern "C" __global__ void __launch_bounds__(HeadTiling::threads)
    attention_standard_output(Half* __restrict__ o, const Half* __restrict__ p, const Half* __restrict__ v,
                              const int* __restrict__ cu_seq_q, const int* __restrict__ cu_seq_kv,
                              int batches, int heads_q, int heads_kv, int seq_q, int seq_kv) {
  extern __shared__ __align__(128) unsigned char shared[];
  const Problem problem{cu_seq_q, cu_seq_kv, batches, heads_q, heads_kv, seq_q, seq_kv};
  const Head head(problem, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y));
  multiply<HeadTiling, Order::along_depth, Order::across_depth>(
      head.query_output(o), head.score_rows(p), head.key_columns(v), seq_q, config::head_dim, shared);
}
