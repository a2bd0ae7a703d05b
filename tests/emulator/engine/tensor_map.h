// Tensor maps, as cuTensorMapEncodeTiled makes them.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "emulator/hopper.h"

namespace weir::emulator {

struct MapDimension {
  long long size;          // elements
  long long stride_bytes;  // ignored for the innermost
  int box;                 // elements
};

// Innermost dimension first.
inline CUtensorMap tensor_map(void* base, int element_bytes, int swizzle_bytes,
                              std::initializer_list<MapDimension> dimensions) {
  CUtensorMap map{};
  map.base = static_cast<unsigned char*>(base);
  map.element_bytes = static_cast<unsigned char>(element_bytes);
  map.swizzle_bytes = static_cast<unsigned char>(swizzle_bytes);
  for (const MapDimension& dimension : dimensions) {
    map.sizes[map.rank] = dimension.size;
    if (map.rank > 0) map.strides[map.rank - 1] = dimension.stride_bytes;
    map.box[map.rank++] = static_cast<unsigned short>(dimension.box);
  }
  return map;
}

}  // namespace weir::emulator
