#include "masks/adaptive_mask.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace weir {
namespace {

// The masses of a row of blocks.
std::span<const float> row_of(const MaskShape& shape, std::span<const float> masses, std::int64_t head,
                              std::int64_t row) {
  return masses.subspan(static_cast<std::size_t>((head * shape.rows() + row) * shape.columns()),
                        static_cast<std::size_t>(shape.columns()));
}

double total_of(std::span<const float> masses) {
  return std::accumulate(masses.begin(), masses.end(), 0.0);
}

float dot(const float* left, const float* right, std::int64_t length) {
  return std::inner_product(left, left + length, right, 0.0f);
}

}  // namespace

std::vector<float> estimated_masses(const MaskShape& shape, const PooledRows& queries, const PooledRows& keys,
                                    std::int64_t head_dim) {
  const std::int64_t columns = shape.columns(), group = shape.heads / keys.heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  std::vector<float> masses(static_cast<std::size_t>(shape.heads * shape.rows() * columns));
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      const float* query = queries.values.data() + (head * shape.rows() + row) * head_dim;
      float* const row_masses = masses.data() + (head * shape.rows() + row) * columns;
      float maximum = -INFINITY;
      for (std::int64_t column = 0; column < columns; ++column) {
        const float* key = keys.values.data() + (head / group * columns + column) * head_dim;
        const std::int64_t pairs = shape.visible_pairs(row, column);
        row_masses[column] =
            pairs == 0 ? -INFINITY : scale * dot(query, key, head_dim) + std::log(static_cast<float>(pairs));
        maximum = std::max(maximum, row_masses[column]);
      }
      float sum = 0;
      for (std::int64_t column = 0; column < columns; ++column) {
        row_masses[column] = maximum == -INFINITY ? 0.0f : std::exp(row_masses[column] - maximum);
        sum += row_masses[column];
      }
      for (std::int64_t column = 0; column < columns && sum > 0; ++column) row_masses[column] /= sum;
    }
  }
  return masses;
}

BlockMask adaptive_mask(const MaskShape& shape, std::span<const float> masses, double share) {
  BlockMask mask(shape);
  std::vector<std::int64_t> order(static_cast<std::size_t>(shape.columns()));
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      const std::span<const float> of_row = row_of(shape, masses, head, row);
      std::iota(order.rbegin(), order.rend(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return of_row[static_cast<std::size_t>(a)] > of_row[static_cast<std::size_t>(b)];
      });
      const double wanted = share * total_of(of_row);
      double kept = 0;
      for (const std::int64_t column : order) {
        const float mass = of_row[static_cast<std::size_t>(column)];
        if (mass == 0 || (kept > 0 && kept >= wanted)) break;
        mask.keep(head, row, column);
        kept += mass;
      }
    }
  }
  return mask;
}

double kept_share(const BlockMask& mask, std::span<const float> masses) {
  const MaskShape& shape = mask.shape();
  double shares = 0;
  std::int64_t rows = 0;
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      const std::span<const float> of_row = row_of(shape, masses, head, row);
      const double total = total_of(of_row);
      if (total == 0) continue;
      double kept = 0;
      for (std::int64_t column = 0; column < shape.columns(); ++column) {
        if (mask.kept(head, row, column)) kept += of_row[static_cast<std::size_t>(column)];
      }
      shares += kept / total;
      ++rows;
    }
  }
  return rows == 0 ? 1.0 : shares / static_cast<double>(rows);
}

}  // namespace weir
