// What a consumer warpgroup does for its 64 keys, on Hopper: recompute the weights of a query tile, and add
// to the gradients.
#pragma once

#include <weir/config.h>

#include "device/attention/backward/pair.h"
#include "device/attention/backward/scratch.h"
#include "device/attention/backward/warpgroup_tiles.h"
#include "device/hopper/panel_store.h"
#include "device/hopper/row_softmax.h"

namespace attention::backward {

/// Part of a sequence's queries, of one head.
struct QueryTileAtHand {
  int first_query;
  long long first_sum_row;  // in the sums of dQ
  bool whole;               // every pair of the tile is visible
};

class WarpgroupKeys {
 public:
  __device__ __forceinline__ WarpgroupKeys(const SharedTiles& shared, unsigned char* memory, int consumer,
                                           int first_key, const Visibility& sees)
      : shared_(shared), memory_(memory), consumer_(consumer), first_key_(first_key), sees_(sees) {
#pragma unroll
    for (int i = 0; i < config::head_dim / 2; ++i) dk[i] = dv[i] = 0.0f;
  }

  /// The next query tile of the rings.
  __device__ __forceinline__ void process(const QueryTileAtHand& tile, float* dq_sums) {
    if (!config::dq_turns || buffer_ == consumer_) {
      process_one<true>(tile, dq_sums);
    } else {
      process_one<false>(tile, dq_sums);
    }
    at_.advance();
    buffer_ ^= 1;
  }

  /// Before the block ends: its shared memory is read until then.
  __device__ __forceinline__ void finish() const {
    if (threadIdx.x % 32 == 0) ptx::cp_async_bulk_wait_group<0>();
  }

  hopper::Sums<config::head_dim> dk, dv;

 private:
  /// `adds_up`: dQ, or columns of it, is this warpgroup's.
  template <bool adds_up>
  __device__ __forceinline__ void process_one(const QueryTileAtHand& tile, float* dq_sums) {
    const unsigned queries = shared_.queries + at_.stage * QueryTile::bytes;
    const unsigned output_gradients = shared_.output_gradients + at_.stage * QueryTile::bytes;
    score(shared_.query_ring(), products_, shared_.keys, queries);
    score(shared_.output_gradient_ring(), gradients_, shared_.values, output_gradients);
    shared_.statistics_ring().wait(at_);
    ptx::wgmma_wait_group<1>();
    hopper::pin(products_);
    weigh(tile);
    hopper::round_weights<config::dtype>(weights_, products_);
    ptx::wgmma_fence();
    hopper::multiply<config::dtype, QueryTile>(dv, weights_, output_gradients, true);
    ptx::wgmma_commit_group();

    ptx::wgmma_wait_group<1>();
    hopper::pin(gradients_);
    score_gradients();
    hopper::round_weights<config::dtype>(score_gradients_, gradients_);
    release_statistics();
    publish<adds_up>();
    float query_gradients[kQueryGradientColumns / 2];
    ptx::wgmma_fence();
    if constexpr (adds_up) {
      add_up_query_gradients(query_gradients);
      ptx::wgmma_commit_group();
    }
    hopper::multiply<config::dtype, QueryTile>(dk, score_gradients_, queries, true);
    ptx::wgmma_commit_group();

    ptx::wgmma_wait_group<1>();
    hopper::pin(dv);
    release(shared_.output_gradient_ring());
    if constexpr (adds_up) {
      hopper::pin(query_gradients);
      add_to_memory(query_gradients, tile, dq_sums);
    }
    ptx::wgmma_wait_group<0>();
    hopper::pin(dk);
    release(shared_.query_ring());
  }

  /// 64 keys, or values, times a tile of queries, or gradients of the output.
  __device__ __forceinline__ void score(const Ring& ring, hopper::Sums<config::tile_q>& sums, unsigned keys,
                                        unsigned queries) const {
    ring.wait(at_);
    ptx::wgmma_fence();
    hopper::multiply_transposed<config::dtype, KeyTile, QueryTile>(
        sums, ptx::opaque(keys), consumer_ * hopper::kProductRows, queries, false);
    ptx::wgmma_commit_group();
  }

  /// Products become weights.
  __device__ __forceinline__ void weigh(const QueryTileAtHand& tile) {
    const float2* log2_sums = pairs(shared_.log2_sums(at_.stage));
#pragma unroll
    for (int i = 0; i < config::tile_q / 8; ++i) {
      const float2 two = log2_sums[4 * i];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float* pair = &products_[4 * i + 2 * half];
        pair[0] = ptx::ex2_approx_ftz(pair[0] * kScaleLog2 - two.x);
        pair[1] = ptx::ex2_approx_ftz(pair[1] * kScaleLog2 - two.y);
      }
    }
    if (!tile.whole) hide(tile);
  }

  /// Invisible pairs weigh nothing.
  __device__ __forceinline__ void hide(const QueryTileAtHand& tile) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int key =
        first_key_ + consumer_ * hopper::kProductRows + hopper::warp_in_warpgroup() * 16 + lane / 4;
    const Band band = Band::of(sees_);
    const int first_lead = lead(sees_, tile.first_query + lane % 4 * 2, key);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const bool exists = key + 8 * half < sees_.seq_kv;
#pragma unroll
      for (int i = 0; i < config::tile_q / 4; ++i) {
        const int column = i / 2 * 8 + i % 2;
        if (!exists || !band.contains(first_lead + 8 * half - column)) {
          products_[i / 2 * 4 + 2 * half + i % 2] = 0.0f;
        }
      }
    }
  }

  /// Gradients of weights become gradients of scores: dS = P * (dP - delta).
  __device__ __forceinline__ void score_gradients() {
    const float2* deltas = pairs(shared_.deltas(at_.stage));
#pragma unroll
    for (int i = 0; i < config::tile_q / 8; ++i) {
      const float2 two = deltas[4 * i];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int first = 4 * i + 2 * half;
        gradients_[first] = products_[first] * (gradients_[first] - two.x);
        gradients_[first + 1] = products_[first + 1] * (gradients_[first + 1] - two.y);
      }
    }
  }

  /// Hands this warpgroup's score gradients to those who add up dQ. With two buffers in turn, nobody still
  /// reads what is overwritten: who has met the others has completed the products of the step before the
  /// last, and who takes turns meets the other at every second step, and reads at the others.
  template <bool adds_up>
  __device__ __forceinline__ void publish() {
    hopper::write_weights(published() + consumer_ * hopper::kProductRows * 128, GradientTile::panel_bytes,
                          score_gradients_);
    ptx::fence_proxy_async_shared();
    hopper::meet_consumers<kConsumers, adds_up>(buffer_);
  }
  __device__ __forceinline__ unsigned published() const {
    return shared_.score_gradients + buffer_ * GradientTile::bytes;
  }

  __device__ __forceinline__ void add_up_query_gradients(float (&sums)[kQueryGradientColumns / 2]) const {
    hopper::multiply_across<config::dtype, GradientTile, KeyTile, kQueryGradientColumns>(
        sums, published(), shared_.keys + first_column() / hopper::kPanelColumns * KeyTile::panel_bytes);
  }

  /// A warp's fragments of dQ, which lie one after another in memory too, by the copy engine.
  __device__ __forceinline__ void add_to_memory(const float (&sums)[kQueryGradientColumns / 2],
                                                const QueryTileAtHand& tile, float* dq_sums) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = hopper::warp_in_warpgroup();
    const unsigned offset = shared_.sums - shared_.keys + (consumer_ * 4 + warp) * SharedTiles::kSumBytes;
    if (lane == 0) ptx::cp_async_bulk_wait_group_read<0>();
    __syncwarp();
    float4* fragments = reinterpret_cast<float4*>(memory_ + offset) + lane;
#pragma unroll
    for (int i = 0; i < kQueryGradientColumns / 8; ++i) {
      fragments[32 * i] = float4{sums[4 * i], sums[4 * i + 1], sums[4 * i + 2], sums[4 * i + 3]};
    }
    ptx::fence_proxy_async_shared();
    __syncwarp();
    if (lane == 0) {
      ptx::cp_reduce_async_bulk_add_f32(
          dq_sums + QuerySums::offset(tile.first_sum_row + warp * 16, first_column()), shared_.keys + offset,
          SharedTiles::kSumBytes);
      ptx::cp_async_bulk_commit_group();
    }
  }

  /// This warpgroup's first column of dQ.
  __device__ __forceinline__ int first_column() const {
    return config::dq_turns ? 0 : consumer_ * kQueryGradientColumns;
  }

  /// Statistics of this thread's pairs of queries, every fourth one.
  __device__ __forceinline__ const float2* pairs(unsigned statistics) const {
    return reinterpret_cast<const float2*>(memory_ + (statistics - shared_.keys)) + threadIdx.x % 4;
  }

  /// By each warp for itself: warps read them at different times.
  __device__ __forceinline__ void release_statistics() const {
    __syncwarp();
    shared_.statistics_ring().release(at_.stage);
  }
  __device__ __forceinline__ void release(const Ring& ring) const {
    if (hopper::warp_in_warpgroup() == 0) ring.release(at_.stage);
  }

  SharedTiles shared_;
  unsigned char* memory_;
  int consumer_, first_key_;
  Visibility sees_;
  Ring::Position at_;
  int buffer_ = 0;
  hopper::Sums<config::tile_q> products_, gradients_;
  hopper::Weights<config::tile_q> weights_, score_gradients_;
};

}  // namespace attention::backward
