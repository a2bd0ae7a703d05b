// What a block mask says of one query and one key, word for word.
#pragma once

#include <weir/config.h>

namespace sparse {

struct MaskReference {
  const int* row_first;
  const int* row_blocks;
  int heads, seq_q, seq_kv;

  /// `head` of all sequences together; the query and the key may lie beyond the sequence.
  __device__ __forceinline__ bool sees(int head, int query, int key) const {
    if (query >= seq_q || key >= seq_kv) return false;
    if (config::causal && key > query + seq_kv - seq_q) return false;
    const int rows = (seq_q + config::block_q - 1) / config::block_q;
    const int row = (heads == 1 ? 0 : head % heads) * rows + query / config::block_q;
    int from = row_first[row], to = row_first[row + 1];
    while (from < to) {  // the list ascends
      const int middle = (from + to) / 2;
      if (row_blocks[middle] < key / config::block_kv) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from < row_first[row + 1] && row_blocks[from] == key / config::block_kv;
  }
};

}  // namespace sparse
