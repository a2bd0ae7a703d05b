#include "simulator/line_trace.h"

#include <array>

namespace weir {
namespace {

constexpr std::int64_t kPage = 2 << 20;  // tensors begin at pages of their own

}  // namespace

LineTrace::LineTrace(const Candidate& candidate, const LineCacheParameters& parameters) : cache_(parameters) {
  std::int64_t address = kPage;
  for (const TensorLayout& layout : candidate.tensors) {
    Tensor tensor{
        .address = address, .bytes = extent_bytes(layout), .element_bytes = bytes_of(layout.element)};
    for (std::size_t d = 0; d < layout.shape.size(); ++d) {
      tensor.strides.push_back(layout.strides_elements[d] * tensor.element_bytes);
      if (layout.strides_elements[d] == 1 && (tensor.contiguous < 0 || layout.shape[d] > 1))
        tensor.contiguous = static_cast<int>(d);
    }
    address += (tensor.bytes + kPage - 1) / kPage * kPage;
    tensors_.push_back(std::move(tensor));
  }
}

void LineTrace::access(const Action& action, const Box& box, int side) {
  if (box.empty) return;
  const auto number = static_cast<std::size_t>(action.tensor);
  const Tensor& tensor = tensors_[number];
  const int rank = static_cast<int>(tensor.strides.size());
  std::array<std::int64_t, kMaxRank> at{};
  std::int64_t begin = tensor.address, run = tensor.element_bytes;
  for (int d = 0; d < rank; ++d) {
    begin += (at[d] = box.low[d]) * tensor.strides[d];
    if (d == tensor.contiguous) run *= box.high[d] - box.low[d];
  }
  for (;;) {
    switch (action.access) {
      case AccessKind::load:
        cache_.read(begin, begin + run, side, number);
        break;
      case AccessKind::store:
        cache_.write(begin, begin + run, side, number);
        break;
      case AccessKind::reduce:
        cache_.reduce(begin, begin + run, side, number);
        break;
    }
    int d = rank - 1;
    for (; d >= 0; --d) {
      if (d == tensor.contiguous) continue;
      begin += tensor.strides[d];
      if (++at[d] < box.high[d]) break;
      begin -= (at[d] - box.low[d]) * tensor.strides[d];
      at[d] = box.low[d];
    }
    if (d < 0) return;
  }
}

void LineTrace::warm() {
  for (std::size_t number = 0; number < tensors_.size(); ++number) {
    const Tensor& tensor = tensors_[number];
    for (std::int64_t at = 0; at < tensor.bytes; at += kPage) {
      cache_.read(tensor.address + at, tensor.address + std::min(tensor.bytes, at + kPage),
                  static_cast<int>(at / kPage % 2), number);
    }
  }
}

}  // namespace weir
