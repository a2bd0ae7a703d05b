#include "kernels/tensor_map.h"

#include <algorithm>
#include <utility>

#include "kernels/candidate.h"

namespace weir {
namespace {

constexpr std::size_t kMaxDimensions = 5;
constexpr std::int64_t kMaxShape = std::int64_t{1} << 32;
constexpr std::int64_t kMaxStrideBytes = std::int64_t{1} << 40;
constexpr std::int64_t kMaxBox = 256;
constexpr std::int64_t kGranule = 16;  // bytes: addresses, strides and rows of a box are multiples

std::string count(std::int64_t value, const char* unit) {
  return std::to_string(value) + " " + unit;
}

std::string refusal_of_dimension(const TensorMap& map, std::size_t i) {
  if (map.shape[i] < 1 || map.shape[i] > kMaxShape) {
    return "has a dimension of " + count(map.shape[i], "elements") + "; 1 to 2^32 are possible";
  }
  if (map.box[i] < 1 || map.box[i] > kMaxBox) {
    return "has a box of " + count(map.box[i], "elements") + " in a dimension; 1 to 256 are possible";
  }
  const bool innermost = i + 1 == map.shape.size();
  if (innermost && map.strides_bytes[i] != bytes_of(map.element)) {
    return "has gaps in its last dimension; its elements must follow one another";
  }
  if (!innermost && (map.strides_bytes[i] % kGranule != 0 || map.strides_bytes[i] >= kMaxStrideBytes)) {
    return "has a stride of " + count(map.strides_bytes[i], "bytes") +
           "; it must be a multiple of 16 below 2^40";
  }
  return "";
}

}  // namespace

TensorMap tensor_map(const TensorLayout& tensor, std::vector<std::int64_t> box, std::int64_t swizzle_bytes) {
  TensorMap map{.element = tensor.element,
                .shape = tensor.shape,
                .strides_bytes = tensor.strides_elements,
                .box = std::move(box),
                .swizzle_bytes = swizzle_bytes};
  for (std::int64_t& stride : map.strides_bytes) stride *= bytes_of(tensor.element);
  return map;
}

std::string refusal_of(const TensorMap& map, std::int64_t alignment_bytes) {
  if (map.shape.empty() || map.shape.size() > kMaxDimensions) {
    return "has " + std::to_string(map.shape.size()) + " dimensions; 1 to 5 are possible";
  }
  if (alignment_bytes % kGranule != 0) {
    return "is of a tensor aligned to " + count(alignment_bytes, "bytes") + "; 16 are needed";
  }
  for (std::size_t i = 0; i < map.shape.size(); ++i) {
    if (std::string reason = refusal_of_dimension(map, i); !reason.empty()) return reason;
  }
  constexpr std::int64_t kSwizzles[] = {0, 32, 64, 128};
  if (std::find(std::begin(kSwizzles), std::end(kSwizzles), map.swizzle_bytes) == std::end(kSwizzles)) {
    return "has a swizzle of " + count(map.swizzle_bytes, "bytes") + "; 0, 32, 64 and 128 are possible";
  }
  const std::int64_t row = map.box.back() * bytes_of(map.element);
  if (row % kGranule != 0)
    return "has a box with rows of " + count(row, "bytes") + "; they must be a multiple of 16";
  if (map.swizzle_bytes > 0 && row > map.swizzle_bytes) {
    return "has a box with rows of " + count(row, "bytes") + ", longer than its swizzle of " +
           count(map.swizzle_bytes, "bytes");
  }
  return "";
}

}  // namespace weir
