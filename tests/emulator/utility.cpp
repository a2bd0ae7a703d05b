#include "utility.h"

#include <algorithm>
#include <stdexcept>

#include "engine/launch.h"

namespace weir::emulator {
namespace {

constexpr unsigned kThreads = 256;  // kCompareThreads of utility.cu
constexpr std::size_t kMaximumRank = 8;

struct DeviceLayout {
  int rank;
  std::int64_t shape[kMaximumRank];
  std::int64_t strides[kMaximumRank];
};

std::int64_t elements_with_gaps(const TensorLayout& tensor) {
  return extent_bytes(tensor) / bytes_of(tensor.element);
}

}  // namespace

Result<Utility> Utility::load() {
  Result<EmulatedSource> source =
      EmulatedSource::load({.source = WEIR_SOURCE_DIR "/gpu/utility.cu",
                            .entries = {"weir_fill", "weir_widen", "weir_compare"},
                            .compute_capability = 90});
  if (!source) return source.error();
  Utility utility;
  utility.source_ = std::move(*source);
  return utility;
}

template <class... Values>
void Utility::run(const char* entry, Values... values) {
  void* arguments[] = {&values...};
  LaunchRequest request{.call = source_.entry(entry),
                        .arguments = arguments,
                        .threads = {kThreads, 1, 1},
                        .static_shared = source_.static_shared()};
  const LaunchReport report = emulator::run(request);
  if (!report.failure.empty()) throw std::logic_error(std::string(entry) + ": " + report.failure);
}

void Utility::fill(GuardedMemory& memory, const TensorLayout& tensor, std::uint64_t seed) {
  run("weir_fill", memory.data(), elements_with_gaps(tensor), static_cast<int>(tensor.element),
      static_cast<int>(tensor.fill), seed);
}

void Utility::widen(const GuardedMemory& memory, const TensorLayout& tensor, GuardedMemory& wide) {
  run("weir_widen", memory.data(), wide.data(), elements_with_gaps(tensor), static_cast<int>(tensor.element));
}

Comparison Utility::compare(const GuardedMemory& memory, Element element, const GuardedMemory& reference,
                            const TensorLayout& tensor) {
  DeviceLayout layout{};
  layout.rank = static_cast<int>(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), layout.shape);
  std::copy(tensor.strides_elements.begin(), tensor.strides_elements.end(), layout.strides);
  Comparison result;
  run("weir_compare", memory.data(), reference.data(), element_count(tensor), static_cast<int>(element),
      layout, &result);
  return result;
}

}  // namespace weir::emulator
