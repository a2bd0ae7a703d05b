// Which blocks of an attention's scores are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

// The scores of each mask head in blocks of block_q queries by block_kv keys; the last ones may be smaller.
struct MaskShape {
  std::int64_t heads = 1;
  std::int64_t seq_q = 1, seq_kv = 1;
  std::int64_t block_q = 1, block_kv = 1;
  bool causal = false;  // query i sees keys j <= i + seq_kv - seq_q

  std::int64_t rows() const { return (seq_q + block_q - 1) / block_q; }
  std::int64_t columns() const { return (seq_kv + block_kv - 1) / block_kv; }

  // Pairs of a query and a key of the block that the causal rule leaves.
  std::int64_t visible_pairs(std::int64_t row, std::int64_t column) const;
  // Pairs of one head.
  std::int64_t visible_pairs() const;

  bool operator==(const MaskShape&) const = default;
};

class BlockMask {
 public:
  // Keeps nothing. Precondition: all of the shape's numbers are positive.
  explicit BlockMask(const MaskShape& shape);

  const MaskShape& shape() const { return shape_; }
  bool kept(std::int64_t head, std::int64_t row, std::int64_t column) const {
    return kept_[at(head, row, column)];
  }
  // A block in which no query sees a key is never kept.
  void keep(std::int64_t head, std::int64_t row, std::int64_t column);
  // What either keeps. Precondition: the same shape.
  BlockMask& operator|=(const BlockMask& other);

  std::int64_t kept_blocks(std::int64_t head, std::int64_t row) const;
  // Pairs that see each other, of all mask heads.
  std::int64_t visible_pairs() const;
  // Their share of what the causal rule leaves.
  double density() const;

  bool operator==(const BlockMask&) const = default;

 private:
  std::size_t at(std::int64_t head, std::int64_t row, std::int64_t column) const {
    return static_cast<std::size_t>((head * shape_.rows() + row) * shape_.columns() + column);
  }

  MaskShape shape_;
  std::vector<bool> kept_;
};

}  // namespace weir
