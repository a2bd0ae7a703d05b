// What a consumer warpgroup does with its 64 query rows, on Hopper.
#pragma once

#include <weir/config.h>

#include "device/attention/query_tiles.h"
#include "device/hopper/pipeline.h"
#include "device/hopper/row_softmax.h"
#include "device/hopper/turns.h"

namespace attention {

constexpr int kConsumers = config::tile_q / hopper::kProductRows;
static_assert(config::tile_q % hopper::kProductRows == 0, "a consumer warpgroup owns 64 query rows");
static_assert(!config::ping_pong || config::overlap, "a turn is a pair of products, of two key tiles");

using QueryTile = hopper::PanelTile<hopper::kProductRows, config::head_dim>;  // of one consumer
using KeyTile = hopper::PanelTile<config::tile_kv, config::head_dim>;
using QueryRing = hopper::Pipeline<config::query_stages>;
using KeyRing = hopper::Pipeline<config::stages>;
using Turns = hopper::Turns<config::ping_pong ? kConsumers : 2>;

/// Exponentials are powers of two: log2(e) / sqrt(head_dim), or log2(e) where the plan's scores are scaled.
template <class Plan>
__device__ constexpr float scale_log2() {
  if (Plan::kModifiesScores) return hopper::kLog2E;
  constexpr float kRoot = config::head_dim == 64    ? 8.0f
                          : config::head_dim == 96  ? 9.797958971132712f
                          : config::head_dim == 128 ? 11.313708498984761f
                                                    : 16.0f;
  return hopper::kLog2E / kRoot;
}

/// Where a block keeps its tiles and barriers. All are shared addresses. Every consumer has its own rows of Q
/// and its own barriers for them, so that its next rows arrive while others are still busy with theirs.
struct SharedTiles {
  static constexpr int bytes = kConsumers * config::query_stages * QueryTile::bytes +
                               2 * config::stages * KeyTile::bytes + 2 * KeyRing::bytes +
                               kConsumers * QueryRing::bytes;
  unsigned queries, keys, values, barriers;

  __device__ __forceinline__ explicit SharedTiles(unsigned shared)
      : queries(shared),
        keys(queries + kConsumers * config::query_stages * QueryTile::bytes),
        values(keys + config::stages * KeyTile::bytes),
        barriers(values + config::stages * KeyTile::bytes) {}
  __device__ __forceinline__ KeyRing key_ring() const { return KeyRing(barriers); }
  __device__ __forceinline__ KeyRing value_ring() const { return KeyRing(barriers + KeyRing::bytes); }
  __device__ __forceinline__ QueryRing query_ring(int consumer) const {
    return QueryRing(barriers + 2 * KeyRing::bytes + consumer * QueryRing::bytes);
  }
  __device__ __forceinline__ unsigned query_tile(int consumer, int stage) const {
    return queries + (consumer * config::query_stages + stage) * QueryTile::bytes;
  }
};

/// Scores of one key tile, weights of one, and the output so far, in registers.
class WarpgroupRows {
 public:
  __device__ __forceinline__ WarpgroupRows(const SharedTiles& shared, int consumer)
      : shared_(shared), consumer_(consumer), turn_(consumer) {}

  /// output = softmax(Q · transpose(K)) · V, not yet normalised, for a query tile that sees some keys, as the
  /// plan says (warpgroup_pass.h).
  /// `meanwhile()` is called once, while a product is running. If the output is stored through them, the rows
  /// of Q stay until `leave_queries`.
  template <class Work, class Plan, class Meanwhile>
  __device__ __forceinline__ void attend(const Work& work, const Plan& plan, Meanwhile meanwhile) {
    softmax.reset();
    first_row_ = work.first_row + consumer_ * hopper::kProductRows + hopper::warp_in_warpgroup() * 16 +
                 static_cast<int>(threadIdx.x) % 32 / 4;
    const auto ends = plan.ends(work, first_row_);
    shared_.query_ring(consumer_).wait(queries_);
    const int masked = work.tiles - work.unmasked;
    if constexpr (config::overlap) {
      begin_turn();
      score();
      end_turn();
      meanwhile();
      ptx::wgmma_wait_group<0>();
      hopper::pin(scores_);
      release(shared_.key_ring(), keys_);
      modify(work, plan, 0);
      mask(work.tiles - 1, ends);
      float unused[2];
      softmax.template weigh<true>(scores_, unused, scale_log2<Plan>());
      hopper::round_weights<config::dtype>(weights_, scores_);
      int step = 1;
#pragma unroll 1
      for (; step < masked; ++step) overlapped_step<true>(work, plan, ends, step);
#pragma unroll 1
      for (; step < work.tiles; ++step) overlapped_step<false>(work, plan, ends, step);
      if (!config::store_through_queries) leave_queries(true);
      multiply_values(work.tiles > 1);
      ptx::wgmma_wait_group<0>();
      hopper::pin(output);
      release(shared_.value_ring(), values_);
    } else {
      meanwhile();
      int step = 0;
#pragma unroll 1
      for (; step < masked; ++step) plain_step<true>(work, plan, ends, step);
#pragma unroll 1
      for (; step < work.tiles; ++step) plain_step<false>(work, plan, ends, step);
      if (!config::store_through_queries) leave_queries(true);
    }
    softmax.finish();
  }

  /// This warpgroup's rows of Q in shared memory, which nobody else reads.
  __device__ __forceinline__ unsigned queries() const {
    return shared_.query_tile(consumer_, queries_.stage);
  }
  /// To the next query tile's. They are given back now, or by `release_stored_queries`.
  __device__ __forceinline__ void leave_queries(bool now) {
    if (now) release_stage(queries_.stage);
    queries_.advance();
  }
  /// Those of the query tile before.
  __device__ __forceinline__ void release_stored_queries() {
    release_stage((queries_.stage + config::query_stages - 1) % config::query_stages);
  }

  /// After the last query tile: nobody is left to take the next turn.
  __device__ __forceinline__ void finish_turns() const {
    if (config::ping_pong && consumer_ == 0) Turns::begin(turn_);
  }

  /// This thread's first row in the problem; the other is 8 further.
  __device__ __forceinline__ int first_row() const {
    return first_row_;
  }

  float output[config::head_dim / 2];
  hopper::RowSoftmax softmax;

 protected:
  /// One key tile after another.
  template <bool masked, class Work, class Plan, class Ends>
  __device__ __forceinline__ void plain_step(const Work& work, const Plan& plan, const Ends& ends, int step) {
    score();
    ptx::wgmma_wait_group<0>();
    hopper::pin(scores_);
    release(shared_.key_ring(), keys_);
    modify(work, plan, step);
    if (masked) mask(work.tiles - 1 - step, ends);
    float factor[2];
    const bool rescales =
        softmax.template weigh < masked || Plan::kModifiesScores > (scores_, factor, scale_log2<Plan>());
    hopper::round_weights<config::dtype>(weights_, scores_);
    if (rescales && step > 0) rescale(factor);
    multiply_values(step > 0);
    ptx::wgmma_wait_group<0>();
    hopper::pin(output);
    release(shared_.value_ring(), values_);
  }

  /// The softmax of one tile runs while the tensor cores multiply the weights of the tile before.
  template <bool masked, class Work, class Plan, class Ends>
  __device__ __forceinline__ void overlapped_step(const Work& work, const Plan& plan, const Ends& ends,
                                                  int step) {
    begin_turn();
    score();
    multiply_values(step > 1);
    end_turn();
    ptx::wgmma_wait_group<1>();
    hopper::pin(scores_);
    release(shared_.key_ring(), keys_);
    modify(work, plan, step);
    if (masked) mask(work.tiles - 1 - step, ends);
    float factor[2];
    const bool rescales =
        softmax.template weigh < masked || Plan::kModifiesScores > (scores_, factor, scale_log2<Plan>());
    ptx::execute_before(softmax.sum[0] + softmax.sum[1], shared_.queries);
    ptx::wgmma_wait_group<0>();
    hopper::pin(output);
    release(shared_.value_ring(), values_);
    hopper::round_weights<config::dtype>(weights_, scores_);
    if (rescales) rescale(factor);
  }

  __device__ __forceinline__ void begin_turn() {
    if (config::ping_pong) Turns::begin(turn_);
  }
  __device__ __forceinline__ void end_turn() {
    if (config::ping_pong) Turns::end(turn_, true);
    turn_ += kConsumers;
  }

  /// scores = Q · transpose(K).
  __device__ __forceinline__ void score() {
    shared_.key_ring().wait(keys_);
    ptx::wgmma_fence();
    hopper::multiply_transposed<config::dtype, QueryTile, KeyTile>(
        scores_, queries_in_product(), 0, shared_.keys + keys_.stage * KeyTile::bytes, false);
    ptx::wgmma_commit_group();
  }

  /// With heads of 256, ptxas keeps the descriptors of Q's 16 steps in registers that the output needs,
  /// unless it has to work them out again.
  __device__ __forceinline__ unsigned queries_in_product() const {
    if constexpr (config::head_dim < 256) return queries();
    return ptx::opaque(queries());
  }

  /// output (+)= weights · V.
  __device__ __forceinline__ void multiply_values(bool accumulate) {
    multiply_values_at(shared_.values + values_.stage * KeyTile::bytes, accumulate);
  }
  /// The same, of the tile of V that begins at the shared address `values`.
  __device__ __forceinline__ void multiply_values_at(unsigned values, bool accumulate) {
    shared_.value_ring().wait(values_);
    ptx::wgmma_fence();
    hopper::multiply<config::dtype, KeyTile>(output, weights_, values, accumulate);
    ptx::wgmma_commit_group();
  }

  __device__ __forceinline__ void release_stage(int query_stage) {
    if (hopper::warp_in_warpgroup() == 0) shared_.query_ring(consumer_).release(query_stage);
  }
  __device__ __forceinline__ void release(const KeyRing& ring, KeyRing::Position& position) {
    if (hopper::warp_in_warpgroup() == 0) ring.release(position.stage);
    position.advance();
  }

  /// What the plan makes of the products of the step's key tile.
  template <class Work, class Plan>
  __device__ __forceinline__ void modify(const Work& work, const Plan& plan, int step) {
    if constexpr (Plan::kModifiesScores) {
      plan.modify(scores_, work, first_row_, (work.tiles - 1 - step) * config::tile_kv);
    }
  }

  /// Scores of keys that a row doesn't see become -inf.
  template <class Ends>
  __device__ __forceinline__ void mask(int tile, const Ends& ends) {
    const int first_place = tile * config::tile_kv + static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int visible = ends(half) - first_place;  // columns from this thread's first one
#pragma unroll
      for (int i = 0; i < config::tile_kv / 8; ++i) {
        if (8 * i >= visible) scores_[4 * i + 2 * half] = -hopper::infinity();
        if (8 * i + 1 >= visible) scores_[4 * i + 2 * half + 1] = -hopper::infinity();
      }
    }
  }

  __device__ __forceinline__ void rescale(const float (&factor)[2]) {
#pragma unroll
    for (int i = 0; i < config::head_dim / 2; ++i) output[i] *= factor[i / 2 % 2];
  }

  SharedTiles shared_;
  int consumer_, turn_;
  int first_row_ = 0;
  QueryRing::Position queries_;
  KeyRing::Position keys_, values_;
  float scores_[config::tile_kv / 2];
  hopper::Weights<config::tile_kv> weights_;
};

}  // namespace attention
