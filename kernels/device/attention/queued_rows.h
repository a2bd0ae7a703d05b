// What a consumer warpgroup does with query tiles that follow one another: a tile's first scores are computed
// with the last product of the tile before, so that the tensor cores are busy while its weights are found and
// while the output of the tile before leaves.
#pragma once

#include <weir/config.h>

#include "device/attention/warpgroup_pass.h"

namespace attention {

template <class Plan>
class QueuedRows : public WarpgroupRows {
 public:
  using Work = typename Plan::Work;
  static_assert(!Plan::kModifiesScores, "scores are the products, scaled");
  static_assert(!config::overlap || (config::query_stages > 1 && config::store_through_queries),
                "a query tile's rows arrive while those of the tile before are needed, and its output leaves "
                "through them");

  __device__ __forceinline__ QueuedRows(const SharedTiles& shared, const Plan& plan, int consumer)
      : WarpgroupRows(shared, consumer), plan_(plan) {}

  /// The first query tile's last key tile. Every tile sees some keys.
  __device__ __forceinline__ void begin(const Work& work) {
    shared_.query_ring(consumer_).wait(queries_);
    begin_turn();
    score(queries());
    end_turn();
    softmax = enter<0>(work);
    first_row_ = row_of(work);
    hopper::round_weights<config::dtype>(weights_, scores_);
  }

  /// Its other key tiles.
  __device__ __forceinline__ void attend() {
    const int masked = work_.tiles - work_.unmasked;
    int step = 1;
#pragma unroll 1
    for (; step < masked; ++step) step_through<true>(step);
#pragma unroll 1
    for (; step < work_.tiles; ++step) step_through<false>(step);
  }

  /// Completes the output, and goes on to the last key tile of `next`. `store(work)` takes the rows' output
  /// and sums away, through `queries()`.
  template <class Store>
  __device__ __forceinline__ void change(const Work& next, Store store) {
    release_stored();
    QueryRing::Position following = queries_;
    following.advance();
    shared_.query_ring(consumer_).wait(following);
    begin_turn();
    score(shared_.query_tile(consumer_, following.stage));
    multiply_values(work_.tiles > 1);
    end_turn();
    softmax.finish();
    const Work done = work_;
    const hopper::RowSoftmax entered = enter<1>(next);
    ptx::execute_before(entered.sum[0] + entered.sum[1], shared_.queries);
    complete_values();
    hopper::round_weights<config::dtype>(weights_, scores_);
    store(done);
    leave_queries(false);
    storing_ = true;
    softmax = entered;
    first_row_ = row_of(next);
  }

  /// Completes the last query tile's output.
  template <class Store>
  __device__ __forceinline__ void finish(Store store) {
    multiply_values(work_.tiles > 1);
    complete_values();
    softmax.finish();
    store(work_);
  }

 private:
  __device__ __forceinline__ int row_of(const Work& work) const {
    return work.first_row + consumer_ * hopper::kProductRows + hopper::warp_in_warpgroup() * 16 +
           static_cast<int>(threadIdx.x) % 32 / 4;
  }

  /// scores = Q · transpose(K), with the rows of Q that begin at the shared address `queries`.
  __device__ __forceinline__ void score(unsigned queries) {
    const unsigned rows = hopper::uniform(queries);
    const unsigned keys = hopper::uniform(shared_.keys + keys_.stage * KeyTile::bytes);
    shared_.key_ring().wait(keys_);
    ptx::wgmma_fence();
    hopper::multiply_transposed<config::dtype, QueryTile, KeyTile>(scores_, rows, 0, keys, false);
    ptx::wgmma_commit_group();
  }
  __device__ __forceinline__ void multiply_values(bool accumulate) {
    multiply_values_at(hopper::uniform(shared_.values + values_.stage * KeyTile::bytes), accumulate);
  }

  /// The scores have arrived, after whose product `younger` ones were issued.
  template <int younger>
  __device__ __forceinline__ void complete_scores() {
    ptx::wgmma_wait_group<younger>();
    hopper::pin(scores_);
    release(shared_.key_ring(), keys_);
  }
  __device__ __forceinline__ void complete_values() {
    ptx::wgmma_wait_group<0>();
    hopper::pin(output);
    release(shared_.value_ring(), values_);
  }

  /// Weighs the scores of the last key tile of `work`, of which this is the softmax from then on.
  template <int younger>
  __device__ __forceinline__ hopper::RowSoftmax enter(const Work& work) {
    work_ = work;
    ends_ = plan_.ends(work, row_of(work));
    complete_scores<younger>();
    if (work.unmasked < work.tiles) mask(work.tiles - 1, ends_);
    hopper::RowSoftmax entered;
    entered.reset();
    float unused[2];
    entered.template weigh<true>(scores_, unused, scale_log2<Plan>());
    return entered;
  }

  /// As WarpgroupRows::overlapped_step; meanwhile the rows that the output before left through are given
  /// back.
  template <bool masked>
  __device__ __forceinline__ void step_through(int step) {
    begin_turn();
    score(queries());
    multiply_values(step > 1);
    end_turn();
    release_stored();
    complete_scores<1>();
    if (masked) mask(work_.tiles - 1 - step, ends_);
    float factor[2];
    const bool rescales = softmax.template weigh<masked>(scores_, factor, scale_log2<Plan>());
    ptx::execute_before(softmax.sum[0] + softmax.sum[1], shared_.queries);
    complete_values();
    hopper::round_weights<config::dtype>(weights_, scores_);
    if (rescales) rescale(factor);
  }

  __device__ __forceinline__ void release_stored() {
    if (!storing_) return;
    wait_for_stored_rows();
    release_stored_queries();
    storing_ = false;
  }

  const Plan& plan_;
  Work work_;
  typename Plan::Ends ends_;
  bool storing_ = false;
};

}  // namespace attention
