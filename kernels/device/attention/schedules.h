// Orders in which copies, scores and weights can follow one another. A schedule begins with the block's Q
// copy in flight; its step s works on step s of the stream (a KeyStream), all threads of the block together.
#pragma once

#include <weir/config.h>

#include "device/attention/key_stream.h"
#include "device/attention/query_rows.h"
#include "device/choose.h"

namespace attention {

/// One buffer each: V of a tile arrives while the tile is scored, K of the next one during the product with
/// V.
struct SingleBuffered {
  static constexpr bool kLastIsSpecial = false;

  static __device__ __forceinline__ void begin(QueryRows&, const auto& stream) {
    stream.template copy_keys<true>(0, 0);
    ptx::cp_async_commit_group();
  }

  template <bool masked, bool last>
  static __device__ __forceinline__ void step(QueryRows& rows, const auto& stream, int step) {
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    stream.template copy_values<masked>(step, 0);
    ptx::cp_async_commit_group();
    if (step == 0) rows.hold_query();
    const bool seen = !masked || stream.seen_by(rows, step);
    if (seen) {
      rows.score_tile(0);
      rows.modify(stream.first_key(step));
      if (masked) stream.mask(rows, step);
    }
    ptx::cp_async_wait_group<0>();
    __syncthreads();
    stream.copy_keys(step, 1);
    ptx::cp_async_commit_group();
    if (!seen) return;
    rows.raise_base();
    rows.weigh_and_multiply<masked>(0);
  }
};

/// Group s of copies holds K and V of step s; stages - 1 groups run ahead of the arithmetic.
struct CopiesAhead {
  static constexpr bool kLastIsSpecial = false;
  static constexpr int kGroupsAhead = config::stages - 1;

  template <bool check = false>
  static __device__ __forceinline__ void copy_group(const auto& stream, int step, int ahead) {
    stream.template copy_keys<check>(step, ahead);
    stream.template copy_values<check>(step, ahead);
    ptx::cp_async_commit_group();
  }

  static __device__ __forceinline__ void begin(QueryRows&, const auto& stream) {
    copy_group<true>(stream, 0, 0);
#pragma unroll
    for (int group = 1; group < kGroupsAhead; ++group) copy_group(stream, 0, group);
  }

  template <bool masked, bool last>
  static __device__ __forceinline__ void step(QueryRows& rows, const auto& stream, int step) {
    ptx::cp_async_wait_group<kGroupsAhead - 1>();
    __syncthreads();
    copy_group(stream, step, kGroupsAhead);
    if (step == 0) rows.hold_query();
    if (masked && !stream.seen_by(rows, step)) return;
    rows.score_tile(stream.slot(step));
    rows.modify(stream.first_key(step));
    if (masked) stream.mask(rows, step);
    rows.raise_base();
    rows.weigh_and_multiply<masked>(stream.slot(step));
  }
};

static_assert(!config::overlap || (config::q_in_registers && config::stages >= 2),
              "the overlapped schedule needs Q in registers and the next K in shared memory");

/// A step multiplies its weights with V and scores the next tile, 16 keys at a time and in the registers that
/// the weights leave, so that tensor cores and exponentials overlap within a warp. Group s of copies holds V
/// of step s and K of step s + 1.
struct Overlapped {
  static constexpr bool kLastIsSpecial = true;  // there is no next tile to score
  static constexpr int kGroupsAhead = config::stages - 1;

  template <bool check = false>
  static __device__ __forceinline__ void copy_group(const auto& stream, int step, int ahead) {
    stream.template copy_values<check>(step, ahead);
    stream.copy_keys(step, ahead + 1);
    ptx::cp_async_commit_group();
  }

  static __device__ __forceinline__ void begin(QueryRows& rows, const auto& stream) {
    stream.template copy_keys<true>(0, 0);
    ptx::cp_async_commit_group();
    copy_group<true>(stream, 0, 0);
#pragma unroll
    for (int group = 1; group < kGroupsAhead; ++group) copy_group(stream, 0, group);
    ptx::cp_async_wait_group<kGroupsAhead>();
    __syncthreads();
    rows.hold_query();
    rows.score_tile(stream.slot(0));
  }

  template <bool masked, bool last>
  static __device__ __forceinline__ void step(QueryRows& rows, const auto& stream, int step) {
    ptx::cp_async_wait_group<kGroupsAhead - 1>();
    __syncthreads();
    copy_group(stream, step, kGroupsAhead);
    rows.modify(stream.first_key(step));
    if (masked) stream.mask(rows, step);
    rows.raise_base();
    QueryFragment weights[2];
    rows.weigh<masked>(weights[0], 0);
#pragma unroll
    for (int key_step = 0; key_step < kKeySteps; ++key_step) {
      if (key_step + 1 < kKeySteps) rows.weigh<masked>(weights[(key_step + 1) % 2], key_step + 1);
      if (!last) rows.score_keys(stream.slot(step + 1), key_step);
      rows.multiply_values(weights[key_step % 2], stream.slot(step), key_step);
    }
  }
};

/// The one that the candidate's tunables ask for.
using Schedule = device::Choose<config::overlap, Overlapped,
                                device::Choose<config::stages == 1, SingleBuffered, CopiesAhead>::Type>::Type;

/// All steps of a block, where any tile may need a mask.
__device__ __forceinline__ void run_mixed(QueryRows& rows, auto& stream) {
  int step = 0;
  for (; !stream.steps.ended(step, Schedule::kLastIsSpecial ? 1 : 0); ++step) {
    if (stream.steps.is_whole(step)) {
      Schedule::step<false, false>(rows, stream, step);
    } else {
      Schedule::step<true, false>(rows, stream, step);
    }
    stream.steps.advance();
  }
  if (Schedule::kLastIsSpecial) Schedule::step<true, true>(rows, stream, step);
}

}  // namespace attention
