// C[m, n] = A[m, k] * transpose(B[n, k]) for Hopper: the copy engine fills a ring of stages with tiles of A
// and B, wgmma multiplies from there, and the copy engine takes C away.
//
// The blocks of a cluster compute neighbouring tiles and share the loads of the rows of A or of B that they
// have in common. Consumer warpgroups either divide a tile's rows among them or, in ping-pong, compute tiles
// of their own in turn, so that one stores its tile while another multiplies. Or the blocks of a cluster
// divide the depth of one tile, and add up their sums through each other's shared memory.
#include <weir/config.h>

#include "device/block_order.h"
#include "device/choose.h"
#include "device/hopper/cluster_sum.h"
#include "device/hopper/panel_store.h"
#include "device/hopper/turns.h"
#include "device/ptx/cp_async.h"

namespace {

using device::Half;
using device::TileIndex;
using ptx::TensorMap;

constexpr int kClusterBlocks = config::cluster_m * config::cluster_n;
constexpr int kLaunchBlocks = kClusterBlocks * config::splits;       // of a cluster as the hardware knows it
constexpr int kSharers = config::ping_pong ? 1 : config::consumers;  // warpgroups that divide a tile
constexpr int kRows = config::tile_m / kSharers;                     // of a tile for a warpgroup
constexpr int kSlabs = kRows / hopper::kProductRows;
constexpr bool kStoresPanels = config::store_buffers > 0;

using Registers = hopper::RegisterSplit<config::consumers>;
using ATile = hopper::PanelTile<config::tile_m, config::tile_k>;
using BTile = hopper::PanelTile<config::tile_n, config::tile_k>;
using Ring = hopper::Pipeline<config::stages, kClusterBlocks>;
using StorePanel = device::Choose<config::tile_n % hopper::kPanelColumns == 0, hopper::OutputPanel,
                                  hopper::NarrowOutputPanel>::Type;
using Store = hopper::PanelStore<config::dtype, kStoresPanels ? config::store_buffers : 1, StorePanel>;
using SlabSums = hopper::Sums<config::tile_n>;
constexpr int kStageBytes = ATile::bytes + BTile::bytes;
constexpr int kStoreBytes = kStoresPanels ? config::consumers * Store::bytes : 0;

static_assert(config::tile_k == hopper::kPanelColumns, "a stage is one panel of A and one of B");
static_assert(kRows % hopper::kProductRows == 0, "a warpgroup multiplies 64 rows at a time");
static_assert(!config::ping_pong || config::consumers == 2, "two warpgroups alternate");
static_assert(config::splits == 1 || (kClusterBlocks == 1 && !config::persistent && !kStoresPanels),
              "blocks that divide the depth have one tile, and their cluster to themselves");

/// The steps along the depth that this block multiplies.
struct Steps {
  int first, count;

  static __device__ __forceinline__ Steps of(int k) {
    const int all = device::ceil_div(k, config::tile_k);
    if constexpr (config::splits == 1) return {0, all};
    const int part = static_cast<int>(blockIdx.x) % config::splits;
    const int first = part * all / config::splits;
    return {first, (part + 1) * all / config::splits - first};
  }
};

/// The tiles of C that this block computes, one after another. The blocks of a cluster take the tiles of one
/// cluster_m x cluster_n rectangle.
struct Work {
  int rectangle_rows, rectangle_columns, rectangle, stride, block_row, block_column;

  __device__ __forceinline__ Work(int m, int n)
      : rectangle_rows(device::ceil_div(device::ceil_div(m, config::tile_m), config::cluster_m)),
        rectangle_columns(device::ceil_div(device::ceil_div(n, config::tile_n), config::cluster_n)),
        rectangle(static_cast<int>(blockIdx.x) / kLaunchBlocks),
        stride(static_cast<int>(gridDim.x) / kLaunchBlocks),
        block_row(static_cast<int>(blockIdx.x) % kClusterBlocks % config::cluster_m),
        block_column(static_cast<int>(blockIdx.x) % kClusterBlocks / config::cluster_m) {}

  __device__ __forceinline__ bool exists() const { return rectangle < rectangle_rows * rectangle_columns; }
  __device__ __forceinline__ bool next_exists() const {
    return rectangle + stride < rectangle_rows * rectangle_columns;
  }
  __device__ __forceinline__ void advance() { rectangle += stride; }
  __device__ __forceinline__ TileIndex tile() const {
    const TileIndex at = device::grouped_order(rectangle, rectangle_rows, rectangle_columns, config::group_m);
    return {at.row * config::cluster_m + block_row, at.column * config::cluster_n + block_column};
  }
};

/// Loads this block's share of `rows` rows of a matrix, which `sharers` blocks of the cluster need: number
/// `share` of the parts, for all blocks in `receivers`.
template <int rows, int sharers>
__device__ __forceinline__ void load_share(unsigned tile, const TensorMap& map, unsigned barrier, int column,
                                           int row, int share, unsigned receivers) {
  constexpr int kShareRows = rows / sharers;
  const unsigned destination = tile + share * kShareRows * 128;
  if constexpr (sharers > 1) {
    ptx::cp_async_bulk_tensor_2d_multicast(destination, map, barrier, column, row + share * kShareRows,
                                           static_cast<unsigned short>(receivers));
  } else {
    ptx::cp_async_bulk_tensor_2d(destination, map, barrier, column, row);
  }
}

/// One thread: keeps the ring filled, through all tiles.
__device__ __forceinline__ void produce(const TensorMap& a, const TensorMap& b, const Ring& ring,
                                        unsigned stages, Work work, Steps steps) {
  // Blocks of a cluster are numbered down the rectangle first: a row of tiles has every cluster_m-th block.
  constexpr unsigned kRowOfBlocks = config::cluster_n == 1 ? 1u : 1u | 1u << config::cluster_m;
  constexpr unsigned kColumnOfBlocks = (1u << config::cluster_m) - 1;
  const unsigned a_receivers = kRowOfBlocks << work.block_row;
  const unsigned b_receivers = kColumnOfBlocks << (work.block_column * config::cluster_m);
  Ring::Position position;
  for (; work.exists(); work.advance()) {
    const TileIndex tile = work.tile();
    for (int step = steps.first; step < steps.first + steps.count; ++step, position.advance()) {
      ring.acquire(position, kStageBytes);
      const unsigned stage = stages + position.stage * kStageBytes;
      const unsigned barrier = ring.full(position.stage);
      load_share<config::tile_m, config::cluster_n>(stage, a, barrier, step * config::tile_k,
                                                    tile.row * config::tile_m, work.block_column,
                                                    a_receivers);
      load_share<config::tile_n, config::cluster_m>(stage + ATile::bytes, b, barrier, step * config::tile_k,
                                                    tile.column * config::tile_n, work.block_row,
                                                    b_receivers);
    }
  }
}

/// sums = this warpgroup's rows of the next tile. A stage is given back once the products after it are on
/// their way.
__device__ __forceinline__ void multiply(SlabSums (&sums)[kSlabs], const Ring& ring, Ring::Position& position,
                                         unsigned stages, int warpgroup_row, int steps) {
  const bool releases = hopper::warp_in_warpgroup() == 0;
  int previous = 0;
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    ring.wait(position);
    const unsigned stage = stages + position.stage * kStageBytes;
    ptx::wgmma_fence();
#pragma unroll
    for (int slab = 0; slab < kSlabs; ++slab) {
      hopper::multiply_transposed<config::dtype, ATile, BTile>(
          sums[slab], stage, warpgroup_row + slab * hopper::kProductRows, stage + ATile::bytes, step > 0);
    }
    ptx::wgmma_commit_group();
    ptx::wgmma_wait_group<1>();
    if (step > 0 && releases) ring.release(previous);
    previous = position.stage;
    position.advance();
  }
  ptx::wgmma_wait_group<0>();
  if (releases) ring.release(previous);
#pragma unroll
  for (int slab = 0; slab < kSlabs; ++slab) hopper::pin(sums[slab]);
}

/// Adds up what the cluster's blocks have for this warpgroup's rows of their tile; each stores some of its
/// columns.
__device__ __forceinline__ void add_and_store(Half* c, int m, int n, const SlabSums (&sums)[kSlabs], int row,
                                              int column, unsigned char* memory) {
  using Sum = hopper::ClusterSum<config::splits, config::tile_n / 2>;
  constexpr int kThreads = config::consumers * hopper::kWarpgroupThreads;
  constexpr int kInbox = kThreads * Sum::inbox_bytes;  // of a slab
  static_assert(kSlabs * kInbox <= config::stages * kStageBytes, "the stages have room for what others send");
  const int thread = static_cast<int>(threadIdx.x) - hopper::kWarpgroupThreads;
  hopper::sync_cluster<config::splits>();
#pragma unroll
  for (int slab = 0; slab < kSlabs; ++slab) {
    Sum::send(ptx::shared_address(memory) + slab * kInbox, thread, kThreads, sums[slab]);
  }
  hopper::sync_cluster<config::splits>();
#pragma unroll
  for (int slab = 0; slab < kSlabs; ++slab) {
    Sum::receive(reinterpret_cast<const float4*>(memory + slab * kInbox), thread, kThreads, sums[slab],
                 [&](int part, const auto& totals) {
                   hopper::store_sums<config::dtype>(c, totals, m, n, row + slab * hopper::kProductRows,
                                                     column + part * config::tile_n / config::splits);
                 });
  }
}

/// A consumer warpgroup: multiplies and stores its rows of every tile, or every second tile.
__device__ __forceinline__ void consume(const TensorMap& c_map, Half* c, int m, int n, const Ring& ring,
                                        unsigned char* memory, int consumer, Work work, int steps) {
  using Turns = hopper::Turns<config::ping_pong ? config::consumers : 2>;
  const int warpgroup_row = config::ping_pong ? 0 : consumer * kRows;
  const unsigned stages = ptx::shared_address(memory);
  Store panels(stages + config::stages * kStageBytes + consumer * Store::bytes, consumer);
  Ring::Position position;
  for (int turn = 0; work.exists(); work.advance(), ++turn) {
    if (config::ping_pong && turn % config::consumers != consumer) {
      position.advance(steps);
      continue;
    }
    const TileIndex tile =
        work.tile();  // its divisions run before the products, which hide nothing after them
    SlabSums sums[kSlabs];
    if (config::ping_pong) Turns::begin(turn);
    multiply(sums, ring, position, stages, warpgroup_row, steps);
    if (config::ping_pong) Turns::end(turn, work.next_exists());

    const int row = tile.row * config::tile_m + warpgroup_row;
    const int column = tile.column * config::tile_n;
    if constexpr (config::splits > 1) {
      add_and_store(c, m, n, sums, row, column, memory);
      continue;
    }
#pragma unroll
    for (int slab = 0; slab < kSlabs; ++slab) {
      const int slab_row = row + slab * hopper::kProductRows;
      if constexpr (kStoresPanels) {
        panels.store(sums[slab], [&](unsigned panel, int panel_column) {
          ptx::cp_async_bulk_tensor_2d_store(c_map, panel, column + panel_column, slab_row);
        });
      } else {
        hopper::store_sums<config::dtype>(c, sums[slab], m, n, slab_row, column);
      }
    }
  }
  if constexpr (kStoresPanels) panels.finish();
}

}  // namespace

extern "C" __global__ void __launch_bounds__(Registers::threads, 1)
    gemm_wgmma(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b,
               const __grid_constant__ TensorMap c_map, Half* c, int m, int n, int k) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const unsigned stages = ptx::shared_address(shared);
  const Ring ring(stages + config::stages * kStageBytes + kStoreBytes);
  const int warpgroup = hopper::warpgroup_index();
  const Steps steps = Steps::of(k);
  if (threadIdx.x == 0) {
    ptx::prefetch_tensormap(a);
    ptx::prefetch_tensormap(b);
    ring.initialise(kSharers);
  }
  hopper::finish_initialisation<kClusterBlocks>(threadIdx.x == 0);

  if (warpgroup == 0) {
    Registers::become_producer();
    if (threadIdx.x == 0) produce(a, b, ring, stages, Work(m, n), steps);
    hopper::sync_cluster<kLaunchBlocks>();
    hopper::sync_cluster<config::splits>();
  } else {
    Registers::become_consumer();
    consume(c_map, c, m, n, ring, shared, warpgroup - 1, Work(m, n), steps.count);
    hopper::sync_cluster<kClusterBlocks>();
  }
}
