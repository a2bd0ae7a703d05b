// What the copy engine of Hopper and later (TMA) is told of a tensor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/element.h"

namespace weir {

struct TensorLayout;

// A tensor in global memory, and the box of it that one copy moves. Dimensions as in the definition,
// outermost first.
struct TensorMap {
  Element element = Element::f32;
  std::vector<std::int64_t> shape;          // elements
  std::vector<std::int64_t> strides_bytes;  // same length
  std::vector<std::int64_t> box;            // elements, same length
  std::int64_t swizzle_bytes = 0;           // of the box in shared memory: 0 (none), 32, 64 or 128

  bool operator==(const TensorMap&) const = default;
};

TensorMap tensor_map(const TensorLayout& tensor, std::vector<std::int64_t> box, std::int64_t swizzle_bytes);

// Why no copy engine takes the map (CUDA driver API, cuTensorMapEncodeTiled); completes "the tensor map of
// 'a' …". Empty if it does.
std::string refusal_of(const TensorMap& map, std::int64_t alignment_bytes);

}  // namespace weir
