// What a consumer warpgroup does for 64 keys of heads of 256, on Hopper: half of the queries of each tile,
// and half of the columns of dK and dV.
//
// Two warpgroups have the same keys. Each recomputes the weights of its queries, and what becomes of them
// goes through shared memory, so that both have all 64 queries for the products that give the gradients.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/warpgroup_keys.h"

namespace attention::backward {

class WarpgroupColumns {
 public:
  static constexpr int kColumns = config::head_dim / 2;
  static constexpr int kQueries = config::tile_q / 2;

  __device__ __forceinline__ WarpgroupColumns(const SharedTiles<false>& shared, unsigned char* memory,
                                              int consumer, int first_key, const Visibility& sees)
      : shared_(shared), memory_(memory), consumer_(consumer), first_key_(first_key), sees_(sees) {
#pragma unroll
    for (int i = 0; i < kColumns / 2; ++i) dk[i] = dv[i] = 0.0f;
  }

  /// The next query tile of the rings.
  __device__ __forceinline__ void process(const QueryTileAtHand& tile, float*) {
    const unsigned queries = shared_.queries + at_.stage * QueryTile::bytes;
    const unsigned output_gradients = shared_.output_gradients + at_.stage * QueryTile::bytes;
    score(shared_.query_ring(), products_, shared_.keys, queries);
    score(shared_.output_gradient_ring(), gradients_, shared_.values, output_gradients);
    shared_.statistics_ring().wait(at_);
    ptx::wgmma_wait_group<1>();
    hopper::pin(products_);
    weigh(tile);
    publish(weights(), products_);
    ptx::wgmma_wait_group<0>();
    hopper::pin(gradients_);
    score_gradients();
    publish(weights() + GradientTile::bytes, gradients_);
    __syncwarp();
    shared_.statistics_ring().release(at_.stage);
    ptx::fence_proxy_async_shared();
    // Nobody still reads what is overwritten at the next step but one: who has come here has completed the
    // products of the step before.
    hopper::meet_consumers<kConsumers, true>(buffer_);

    const unsigned panel = consumer_ * (kColumns / hopper::kPanelColumns) * QueryTile::panel_bytes;
    ptx::wgmma_fence();
    hopper::multiply_add_columns<config::dtype, GradientTile, QueryTile, kColumns>(dv, weights(),
                                                                                   output_gradients + panel);
    ptx::wgmma_commit_group();
    hopper::multiply_add_columns<config::dtype, GradientTile, QueryTile, kColumns>(
        dk, weights() + GradientTile::bytes, queries + panel);
    ptx::wgmma_commit_group();
    ptx::wgmma_wait_group<1>();
    hopper::pin(dv);
    release(shared_.output_gradient_ring());
    ptx::wgmma_wait_group<0>();
    hopper::pin(dk);
    release(shared_.query_ring());
    at_.advance();
    buffer_ ^= 1;
  }

  /// Before the block ends: its shared memory is read until then.
  __device__ __forceinline__ void finish() const {
    if (threadIdx.x % 32 == 0) ptx::cp_async_bulk_wait_group<0>();
  }

  hopper::Sums<kColumns> dk, dv;

 private:
  /// 64 keys, or values, times this warpgroup's queries, or gradients of their outputs.
  __device__ __forceinline__ void score(const Ring& ring, hopper::Sums<kQueries>& sums, unsigned keys,
                                        unsigned queries) const {
    ring.wait(at_);
    ptx::wgmma_fence();
    hopper::multiply_transposed_rows<config::dtype, KeyTile, QueryTile, kQueries>(sums, ptx::opaque(keys),
                                                                                  queries, first_query());
    ptx::wgmma_commit_group();
  }

  /// Products become weights.
  __device__ __forceinline__ void weigh(const QueryTileAtHand& tile) {
    const float2* log2_sums = pairs(shared_.log2_sums(at_.stage));
#pragma unroll
    for (int i = 0; i < kQueries / 2; ++i) {
      const float2 two = log2_sums[4 * (i / 4)];
      products_[i] = ptx::ex2_approx_ftz(products_[i] * kScaleLog2 - (i % 2 == 0 ? two.x : two.y));
    }
    if (!tile.whole) hide(tile);
  }

  /// Invisible pairs weigh nothing.
  __device__ __forceinline__ void hide(const QueryTileAtHand& tile) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int key = first_key_ + hopper::warp_in_warpgroup() * 16 + lane / 4;
    const Band band = Band::of(sees_);
    const int first_lead = lead(sees_, tile.first_query + first_query() + lane % 4 * 2, key);
#pragma unroll
    for (int i = 0; i < kQueries / 2; ++i) {
      const int half = i / 2 % 2, column = i / 4 * 8 + i % 2;
      if (key + 8 * half >= sees_.seq_kv || !band.contains(first_lead + 8 * half - column)) {
        products_[i] = 0.0f;
      }
    }
  }

  /// Gradients of weights become gradients of scores: dS = P * (dP - delta).
  __device__ __forceinline__ void score_gradients() {
    const float2* deltas = pairs(shared_.deltas(at_.stage));
#pragma unroll
    for (int i = 0; i < kQueries / 2; ++i) {
      const float2 two = deltas[4 * (i / 4)];
      gradients_[i] = products_[i] * (gradients_[i] - (i % 2 == 0 ? two.x : two.y));
    }
  }

  /// The step's weights of all keys and queries; its score gradients follow.
  __device__ __forceinline__ unsigned weights() const {
    return shared_.score_gradients + buffer_ * 2 * GradientTile::bytes;
  }
  __device__ __forceinline__ void publish(unsigned tile, const hopper::Sums<kQueries>& sums) const {
    hopper::Weights<kQueries> rounded;
    hopper::round_weights<config::dtype>(rounded, sums);
    hopper::write_weights(tile, GradientTile::panel_bytes, rounded, first_query());
  }

  /// This warpgroup's, of a tile.
  __device__ __forceinline__ int first_query() const {
    return consumer_ * kQueries;
  }

  /// Statistics of this thread's pairs of queries, every fourth one.
  __device__ __forceinline__ const float2* pairs(unsigned statistics) const {
    return reinterpret_cast<const float2*>(memory_ + (statistics - shared_.keys)) + first_query() / 2 +
           threadIdx.x % 4;
  }

  __device__ __forceinline__ void release(const Ring& ring) const {
    if (hopper::warp_in_warpgroup() == 0) ring.release(at_.stage);
  }

  SharedTiles<false> shared_;
  unsigned char* memory_;
  int consumer_, first_key_;
  Visibility sees_;
  Ring::Position at_;
  int buffer_ = 0;
  hopper::Sums<kQueries> products_, gradients_;
};

}  // namespace attention::backward
