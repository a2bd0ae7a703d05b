// Attention of single rows in double precision, for checking.
#pragma once

#include <cstdint>
#include <vector>

struct AttentionShape {
  std::int64_t batch = 1, heads_q = 1, heads_kv = 1, seq_q = 1, seq_kv = 1, head_dim = 64;
  bool causal = false;  // query i sees keys j <= i + seq_kv - seq_q
};

// One row of the output and its log-sum-exp; zeros and minus infinity where the row sees no key.
struct AttentionRow {
  std::vector<double> o;
  double lse = 0;
};

// q: [batch, seq_q, heads_q, head_dim]; k, v: [batch, seq_kv, heads_kv, head_dim], bf16. Scores are scaled by
// 1 / sqrt(head_dim).
AttentionRow attention_row(const AttentionShape& shape, const std::vector<std::uint16_t>& q,
                           const std::vector<std::uint16_t>& k, const std::vector<std::uint16_t>& v,
                           std::int64_t sequence, std::int64_t head, std::int64_t query);

std::uint16_t to_bf16(float value);  // to nearest, ties to even
float from_bf16(std::uint16_t bits);
