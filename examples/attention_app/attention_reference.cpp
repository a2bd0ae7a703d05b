#include "attention_reference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

AttentionRow attention_row(const AttentionShape& shape, const std::vector<std::uint16_t>& q,
                           const std::vector<std::uint16_t>& k, const std::vector<std::uint16_t>& v,
                           std::int64_t sequence, std::int64_t head, std::int64_t query) {
  const std::int64_t head_kv = head / (shape.heads_q / shape.heads_kv);
  const auto query_row =
      static_cast<std::size_t>(((sequence * shape.seq_q + query) * shape.heads_q + head) * shape.head_dim);
  const auto key_row = [&](std::int64_t key) {
    return static_cast<std::size_t>(((sequence * shape.seq_kv + key) * shape.heads_kv + head_kv) *
                                    shape.head_dim);
  };
  const std::int64_t seen =
      shape.causal ? std::clamp<std::int64_t>(query + 1 + shape.seq_kv - shape.seq_q, 0, shape.seq_kv)
                   : shape.seq_kv;
  const auto width = static_cast<std::size_t>(shape.head_dim);

  std::vector<double> scores(static_cast<std::size_t>(seen));
  double largest = -std::numeric_limits<double>::infinity();
  for (std::int64_t key = 0; key < seen; ++key) {
    double score = 0;
    for (std::size_t i = 0; i < width; ++i)
      score += double{from_bf16(q[query_row + i])} * from_bf16(k[key_row(key) + i]);
    scores[static_cast<std::size_t>(key)] = score / std::sqrt(static_cast<double>(shape.head_dim));
    largest = std::max(largest, scores[static_cast<std::size_t>(key)]);
  }
  AttentionRow row{std::vector<double>(width), -std::numeric_limits<double>::infinity()};
  if (seen == 0) return row;
  double sum = 0;
  for (std::int64_t key = 0; key < seen; ++key) {
    const double weight = std::exp(scores[static_cast<std::size_t>(key)] - largest);
    sum += weight;
    for (std::size_t i = 0; i < width; ++i) row.o[i] += weight * from_bf16(v[key_row(key) + i]);
  }
  for (double& value : row.o) value /= sum;
  row.lse = largest + std::log(sum);
  return row;
}
