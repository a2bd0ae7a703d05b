#include "gpu/verdict.h"

#include <cmath>
#include <cstdio>

namespace weir {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

double unit_roundoff(Element element) {
  switch (element) {
    case Element::bf16:
      return 0x1p-8;
    case Element::f16:
      return 0x1p-11;
    case Element::f32:
      return 0x1p-24;
    case Element::f64:
      return 0x1p-53;
    case Element::fp8_e4m3:
      return 0x1p-4;
    case Element::fp8_e5m2:
      return 0x1p-3;
    case Element::i32:
    case Element::i64:
    case Element::u8:
    case Element::i8:
      return 0;
  }
  return 0;
}

ReferenceError reference_error(const Comparison& low, std::int64_t elements) {
  const double count = static_cast<double>(elements);
  return {.rms_error = std::sqrt(low.squared_error / count),
          .rms_reference = std::sqrt(low.squared_reference / count),
          .largest_error = low.largest_error,
          .largest_reference = low.largest_reference};
}

std::string index_text(const TensorLayout& tensor, std::int64_t index) {
  std::string text;
  for (std::size_t d = tensor.shape.size(); d-- > 0;) {
    text = std::to_string(index % tensor.shape[d]) + (text.empty() ? "" : ", ") + text;
    index /= tensor.shape[d];
  }
  return "[" + text + "]";
}

std::string nondeterminism(const TensorLayout& tensor) {
  return "tensor " + tensor.name + ": two runs on the same inputs gave different bits";
}

Verification judge(const TensorLayout& tensor, const Comparison& result, const ReferenceError& low) {
  const double rounding = unit_roundoff(tensor.element);
  const std::int64_t elements = element_count(tensor);
  Verification verdict{.error = std::sqrt(result.squared_error / static_cast<double>(elements)),
                       .allowed_error = 2 * low.rms_error + rounding * low.rms_reference};
  const double allowed_single = 4 * (low.largest_error + rounding * low.largest_reference);
  const std::string name = "tensor " + tensor.name;
  if (result.special_mismatches > 0) {
    verdict.detail = name + ": " + std::to_string(result.special_mismatches) + " of " +
                     std::to_string(elements) + " elements are NaN or a wrong infinity, the first at " +
                     index_text(tensor, result.special_index) +
                     " (an element that the kernel never wrote is NaN here)";
  } else if (verdict.error > verdict.allowed_error) {
    verdict.detail = name + ": rms error " + number(verdict.error) + ", allowed " +
                     number(verdict.allowed_error) + "; the largest, " + number(result.largest_error) +
                     ", at " + index_text(tensor, result.largest_error_index);
  } else if (result.largest_error > allowed_single) {
    verdict.detail = name + ": the element at " + index_text(tensor, result.largest_error_index) +
                     " is off by " + number(result.largest_error) + ", allowed " + number(allowed_single);
  } else {
    verdict.passed = true;
    verdict.detail =
        name + ": rms error " + number(verdict.error) + ", allowed " + number(verdict.allowed_error);
  }
  return verdict;
}

}  // namespace weir
