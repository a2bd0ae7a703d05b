// The order in which the blocks of a grid take the tiles of a matrix.
#pragma once

namespace device {

struct TileIndex {
  int row;
  int column;
};

__device__ __forceinline__ int ceil_div(int dividend, int divisor) {
  return (dividend - 1) / divisor + 1;
}

/// Bands of `group_rows` rows of tiles, each walked column by column from the top down, so that the tiles in
/// flight at one time share both rows and columns. The last band may be lower.
__device__ __forceinline__ TileIndex grouped_order(int block, int tile_rows, int tile_columns,
                                                   int group_rows) {
  const int tiles_per_group = group_rows * tile_columns;
  const int first_row = block / tiles_per_group * group_rows;
  const int rows = min(tile_rows - first_row, group_rows);
  const int within_group = block % tiles_per_group;
  return {first_row + within_group % rows, within_group / rows};
}

}  // namespace device
