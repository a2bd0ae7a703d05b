// Tensor maps as kernels take them.
#pragma once

#include <array>
#include <cstddef>

#include "base/result.h"
#include "gpu/driver.h"
#include "kernels/tensor_map.h"

namespace weir {

// CUtensorMap.
struct alignas(64) EncodedTensorMap {
  std::array<std::byte, 128> bytes{};
};

// The map of a tensor at `address`. Zeros for a map without dimensions. ErrorKind::failed with what the
// driver says.
Result<EncodedTensorMap> encode(const Driver& driver, const TensorMap& map, cuda::DevicePointer address);

}  // namespace weir
