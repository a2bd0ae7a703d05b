// C = A · transpose(B) for one tile of C: operands in either order and in segments, tensor cores (mma.sync)
// fed by a ring of shared-memory stages that cp.async fills ahead of use.
#pragma once

#include "device/product/operand.h"

namespace product {

/// What is tuned of a product.
template <int tile_m_, int tile_n_, int tile_k_, int stages_, int warps_>
struct Tiling {
  static constexpr int tile_m = tile_m_, tile_n = tile_n_, tile_k = tile_k_, stages = stages_, warps = warps_;
  static constexpr int threads = warps * device::kWarpSize;
  static constexpr int warps_m = 2, warps_n = warps / 2;
  static constexpr int warp_rows = tile_m / warps_m, warp_columns = tile_n / warps_n;
  static constexpr int stage_bytes = (tile_m + tile_n) * tile_k * static_cast<int>(sizeof(Half));
  static_assert(warp_rows % 16 == 0 && warp_columns % 16 == 0, "a warp computes whole blocks of 16 x 16");
  static_assert(tile_k % 32 == 0, "the two fragment buffers alternate within a stage");
  static_assert(stages >= 2, "one stage is filled while another is used");
};

/// Where C goes: rows of `line_stride` elements, a multiple of 8, and so are the columns.
struct Output {
  Half* data;
  long long line_stride;
  int rows, columns;
};

/// Writes the part of a shared tile that lies inside the matrix, 16 bytes for each thread.
template <class Tile, int threads>
__device__ __forceinline__ void store(const Output& output, int first_row, int first_column,
                                      const unsigned char* tile) {
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x); i < Tile::rows * Tile::chunks; i += threads) {
    const int row = i / Tile::chunks;
    const int chunk = i % Tile::chunks;
    const int column = first_column + chunk * Tile::chunk_elements;
    if (first_row + row < output.rows && column < output.columns) {
      *reinterpret_cast<uint4*>(output.data + (first_row + row) * output.line_stride + column) =
          *reinterpret_cast<const uint4*>(tile + Tile::byte_offset(row, chunk));
    }
  }
}

/// Computes and writes the tile of C at (first_row, first_column), all threads of the block together.
/// `shared` holds max(stages, C) bytes.
template <Element element, class T, Order a_order, Order b_order>
__device__ __forceinline__ void multiply(const Output& c, const Matrix& a, const Matrix& b, int first_row,
                                         int first_column, unsigned char* shared) {
  using ATile = OperandTile<a_order, T::tile_m, T::tile_k>;
  using BTile = OperandTile<b_order, T::tile_n, T::tile_k>;
  using CTile = device::SharedTile<T::tile_m, T::tile_n>;
  constexpr int kDepthSteps = T::tile_k / device::kMmaDepth;
  constexpr int kLastStage = (T::stages - 1) * T::stage_bytes;
  const unsigned ring = ptx::shared_address(shared);
  const int warp = static_cast<int>(threadIdx.x) / device::kWarpSize;
  const int warp_row = warp / T::warps_n * T::warp_rows;
  const int warp_column = warp % T::warps_n * T::warp_columns;

  // Every step closes a group of copies, also past the end, so that counting groups counts steps.
  using AStream = OperandStream<a_order, T::tile_m, T::tile_k, T::threads>;
  const int steps = AStream::steps(a);
  AStream a_stream(a, first_row);
  OperandStream<b_order, T::tile_n, T::tile_k, T::threads> b_stream(b, first_column);
  const auto fill = [&](int step, int stage) {
    if (step < steps) {
      a_stream.copy_next(ring + stage);
      b_stream.copy_next(ring + stage + ATile::bytes);
    }
    ptx::cp_async_commit_group();
  };
#pragma unroll
  for (int step = 0; step < T::stages - 1; ++step) fill(step, step * T::stage_bytes);

  // Operands go from shared memory to registers one depth step ahead of the tensor cores.
  const Reader<Operand::a, a_order, ATile, T::warp_rows> a_reader(warp_row);
  const Reader<Operand::b, b_order, BTile, T::warp_columns> b_reader(warp_column);
  device::OperandFragment<Operand::a, T::warp_rows> a_fragments[2];
  device::OperandFragment<Operand::b, T::warp_columns> b_fragments[2];
  const auto read = [&](int depth_step, int stage) {
    a_reader.read(a_fragments[depth_step % 2], ring + stage, depth_step);
    b_reader.read(b_fragments[depth_step % 2], ring + stage + ATile::bytes, depth_step);
  };
  const auto wait = [] {
    ptx::cp_async_wait_group<T::stages - 2>();
    __syncthreads();
  };

  device::WarpAccumulator<element, T::warp_rows, T::warp_columns> sums;
  int used = 0, filled = kLastStage;
  wait();
  read(0, used);
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int depth_step = 0; depth_step < kDepthSteps; ++depth_step) {
      if (depth_step + 1 < kDepthSteps) {
        read(depth_step + 1, used);
      } else {
        // The barrier says both that the next stage is complete and that every warp has read all of this one.
        wait();
        filled = used;
        used = used == kLastStage ? 0 : used + T::stage_bytes;
        read(0, used);
      }
      if (depth_step == 0) fill(step + T::stages - 1, filled);
      sums.add_product(a_fragments[depth_step % 2], b_fragments[depth_step % 2]);
    }
  }

  // Through shared memory, so that rows of C are written in full sectors.
  ptx::cp_async_wait_group<0>();
  __syncthreads();
  sums.template write<CTile>(shared, warp_row, warp_column);
  __syncthreads();
  store<CTile, T::threads>(c, first_row, first_column, shared);
}

}  // namespace product
