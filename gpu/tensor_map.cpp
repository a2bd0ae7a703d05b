#include "gpu/tensor_map.h"

#include <algorithm>
#include <vector>

namespace weir {
namespace {

// CUtensorMapDataType. The copy engine moves fp8 as bytes.
int data_type(Element element) {
  switch (element) {
    case Element::u8:
    case Element::i8:
    case Element::fp8_e4m3:
    case Element::fp8_e5m2:
      return 0;
    case Element::i32:
      return 3;
    case Element::i64:
      return 5;
    case Element::f16:
      return 6;
    case Element::f32:
      return 7;
    case Element::f64:
      return 8;
    case Element::bf16:
      return 9;
  }
  return 0;
}

// CUtensorMapSwizzle.
int swizzle(std::int64_t bytes) {
  return bytes == 128 ? 3 : bytes == 64 ? 2 : bytes == 32 ? 1 : 0;
}

constexpr int kNotInterleaved = 0;
constexpr int kPromoteTo256Bytes = 3;  // L2 reads whole lines and their neighbours, which the next boxes need
constexpr int kFillWithZeros = 0;

template <class T>
std::vector<T> innermost_first(const std::vector<std::int64_t>& values) {
  return std::vector<T>(values.rbegin(), values.rend());
}

}  // namespace

Result<EncodedTensorMap> encode(const Driver& driver, const TensorMap& map, cuda::DevicePointer address) {
  EncodedTensorMap encoded;
  if (map.shape.empty()) return encoded;
  const auto shape = innermost_first<std::uint64_t>(map.shape);
  auto strides = innermost_first<std::uint64_t>(map.strides_bytes);
  strides.erase(strides.begin());  // the innermost dimension has none
  const auto box = innermost_first<std::uint32_t>(map.box);
  const std::vector<std::uint32_t> every_element(map.box.size(), 1);
  const Status status =
      check(driver,
            driver.tensor_map_encode_tiled(encoded.bytes.data(), data_type(map.element),
                                           static_cast<unsigned>(map.shape.size()), address, shape.data(),
                                           strides.data(), box.data(), every_element.data(), kNotInterleaved,
                                           swizzle(map.swizzle_bytes), kPromoteTo256Bytes, kFillWithZeros),
            "cuTensorMapEncodeTiled");
  if (!status) return status.error();
  return encoded;
}

}  // namespace weir
